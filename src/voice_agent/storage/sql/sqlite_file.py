"""Looks at a SQLite file before anything may write to it.

Every refusal is a `StorageError` that names the file and the next step. Nothing here
changes the file: it is read through a read-only connection.
"""

import os
import sqlite3
from collections.abc import Collection
from contextlib import closing
from pathlib import Path
from typing import Final

from voice_agent.core.errors import StorageError

APPLICATION_ID: Final = 0x564F4943
"""Marks a file as ours (`PRAGMA application_id`, "VOIC")."""
_MAGIC: Final = b"SQLite format 3\x00"
_BUSY_SECONDS: Final = 5.0


def check_file(path: Path, revisions: Collection[str]) -> None:
    """Raise `StorageError` unless `path` is, or can become, a healthy database of ours.

    `revisions` are the schema revisions that the code knows.
    """
    _check_place(path)
    if path.exists() and path.stat().st_size > 0:
        _check_header(path)
        _check_contents(path, revisions)


def _check_place(path: Path) -> None:
    folder = path.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"The data directory {folder} cannot be made ({error.strerror}); "
            "create it or choose another data directory."
        ) from error
    if path.is_dir():
        raise StorageError(f"{path} is a directory; the database needs a file there.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StorageError(
            f"The data directory {folder} is read-only, so {path} cannot be written; "
            "make it writable or choose another data directory."
        )
    if path.exists() and not os.access(path, os.R_OK | os.W_OK):
        raise StorageError(
            f"The database {path} is not readable and writable for this user; "
            "correct its owner or permissions."
        )


def _check_header(path: Path) -> None:
    with path.open("rb") as file:
        header = file.read(len(_MAGIC))
    if header != _MAGIC:
        raise StorageError(
            f"{path} is not a SQLite database, or its beginning is damaged; it was left as it is. "
            "Move it away or restore a backup, then start again."
        )


def _check_contents(path: Path, revisions: Collection[str]) -> None:
    try:
        with closing(_open_read_only(path)) as connection:
            faults = [str(row[0]) for row in connection.execute("PRAGMA quick_check(1)")]
            application, tables, revision = _identity(connection)
    except sqlite3.Error as error:
        raise StorageError(explain(path, str(error))) from error
    if faults != ["ok"]:
        raise StorageError(explain(path, "malformed: " + "; ".join(faults)))
    if tables and application != APPLICATION_ID:
        raise StorageError(
            f"{path} belongs to another program; it was left as it is. "
            "Choose another file for the database."
        )
    check_revision(path, revision, revisions)


def check_revision(where: Path | str, revision: str | None, revisions: Collection[str]) -> None:
    """Raise `StorageError` when the schema is one that this code does not know."""
    if revision is not None and revision not in revisions:
        raise StorageError(
            f"The database {where} was written by a newer version (schema {revision}); "
            "install that version, or choose another database."
        )


def explain(where: Path | str, reason: str) -> str:
    """One sentence on what is wrong with the database and what to do about it."""
    for sign, sentence in _REASONS.items():
        if sign in reason:
            return sentence.format(where=where)
    return f"The database {where} could not be used ({reason}); nothing was overwritten."


_REASONS: Final = {
    "malformed": "The database {where} is damaged; it was left as it is. "
    "Restore a backup, or move it away to start with an empty one.",
    "not a database": "The database {where} is damaged or encrypted; it was left as it is. "
    "Restore a backup, or move it away to start with an empty one.",
    "is full": "The disk that holds the database {where} is full; free some space.",
    "disk I/O error": "The disk that holds the database {where} cannot be read or written; "
    "check its space, quota and health.",
    "readonly": "The database {where} is read-only; make the file and its directory writable.",
    "is locked": "The database {where} is locked by another program; stop that one first.",
    "unable to open": "The database {where} cannot be opened; "
    "check that its directory exists and is writable.",
}


def _open_read_only(path: Path) -> sqlite3.Connection:
    # Reading a log that a crash left needs its side files; else none shall appear.
    crashed = path.with_name(f"{path.name}-wal").exists()
    uri = f"{path.resolve().as_uri()}?mode=ro{'' if crashed else '&immutable=1'}"
    return sqlite3.connect(uri, uri=True, timeout=_BUSY_SECONDS)


def _identity(connection: sqlite3.Connection) -> tuple[int, frozenset[str], str | None]:
    application = int(connection.execute("PRAGMA application_id").fetchone()[0])
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    tables = frozenset(str(row[0]) for row in rows)
    if "alembic_version" not in tables:
        return application, tables, None
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return application, tables, str(row[0]) if row else None
