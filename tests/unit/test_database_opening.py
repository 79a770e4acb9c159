"""Opening a database: what is made, what is refused, and that a refusal changes nothing."""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from support.storage import demo_database, fingerprint, url_of
from voice_agent.core.errors import ConfigurationError, StorageError
from voice_agent.storage.sql.database import Database
from voice_agent.storage.sql.sqlite_file import explain

pytestmark = pytest.mark.anyio


def files_beside(path: Path) -> list[Path]:
    return sorted(path.parent.iterdir())


def allow(path: Path, mode: int) -> None:
    path.chmod(mode)


async def refusal(path: Path) -> str:
    with pytest.raises(StorageError) as caught:
        async with Database(url_of(path)):
            pass
    return str(caught.value)


async def healthy(path: Path) -> Path:
    async with demo_database(path):
        pass
    return path


async def refused_untouched(path: Path) -> str:
    before, files = fingerprint(path), files_beside(path)
    sentence = await refusal(path)
    assert str(path) in sentence
    assert fingerprint(path) == before
    assert files_beside(path) == files
    return sentence


async def test_a_new_database_is_made_in_a_directory_that_did_not_exist(tmp_path: Path) -> None:
    path = tmp_path / "data" / "agent.db"
    async with Database(url_of(path)) as database, database.read() as session:
        settings = [
            (await session.execute(text(f"PRAGMA {name}"))).scalar_one()
            for name in ("journal_mode", "foreign_keys", "busy_timeout", "synchronous")
        ]
    assert settings == ["wal", 1, 5000, 2]
    assert path.is_file()


async def test_an_open_database_leaves_no_side_files_once_it_is_closed(tmp_path: Path) -> None:
    path = await healthy(tmp_path / "agent.db")
    assert files_beside(path) == [path]


async def test_opening_again_changes_no_data(tmp_path: Path) -> None:
    path = await healthy(tmp_path / "agent.db")
    async with Database(url_of(path)) as database, database.read() as session:
        assert (await session.execute(text("SELECT count(*) FROM orders"))).scalar_one() == 50


async def test_what_a_crash_left_in_the_write_ahead_log_is_kept(tmp_path: Path) -> None:
    path = await healthy(tmp_path / "agent.db")
    copy = tmp_path / "crashed.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE orders SET status = 'delayed' WHERE id = 1042")
        connection.commit()
        for suffix in ("", "-wal"):
            shutil.copy(f"{path}{suffix}", f"{copy}{suffix}")
    async with Database(url_of(copy)) as database, database.read() as session:
        status = await session.execute(text("SELECT status FROM orders WHERE id = 1042"))
        assert status.scalar_one() == "delayed"


@pytest.mark.parametrize("content", [b"Dear diary\n" * 99, bytes(8192), bytes(range(256)) * 20])
async def test_a_file_that_is_not_sqlite_is_refused_untouched(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "agent.db"
    path.write_bytes(content)
    assert "is not a SQLite database" in await refused_untouched(path)


async def test_garbage_in_the_middle_of_a_database_is_refused_untouched(tmp_path: Path) -> None:
    path = await healthy(tmp_path / "agent.db")
    with path.open("r+b") as file:
        for page in range(2, 12):
            file.seek(page * 4096)
            file.write(b"\xa5" * 2048)
    assert "is damaged" in await refused_untouched(path)


@pytest.mark.parametrize("keep", [0.9, 0.5, 0.1])
async def test_a_truncated_database_is_refused_untouched(tmp_path: Path, keep: float) -> None:
    path = await healthy(tmp_path / "agent.db")
    os.truncate(path, int(path.stat().st_size * keep) // 4096 * 4096 - 1000)
    assert "is damaged" in await refused_untouched(path)


async def test_garbage_behind_a_good_header_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "agent.db"
    path.write_bytes(b"SQLite format 3\x00" + bytes(range(256)) * 40)
    assert "Restore a backup" in await refused_untouched(path)


async def test_another_programs_database_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "photos.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE photos (id INTEGER)")
        connection.commit()
    assert "belongs to another program" in await refused_untouched(path)


async def test_a_newer_schema_is_refused_untouched(tmp_path: Path) -> None:
    path = await healthy(tmp_path / "agent.db")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    assert "written by a newer version (schema 9999)" in await refused_untouched(path)


async def test_a_directory_in_the_files_place_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "agent.db"
    path.mkdir()
    assert await refusal(path) == f"{path} is a directory; the database needs a file there."


async def test_a_file_in_the_data_directorys_place_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.write_text("in the way")
    assert str(folder) in await refusal(folder / "agent.db")
    assert folder.read_text() == "in the way"


@pytest.mark.parametrize(
    ("reason", "step"),
    [
        ("database is locked", "stop that one first"),
        ("disk I/O error", "check its space, quota and health"),
        ("attempt to write a readonly database", "make the file and its directory writable"),
        ("unable to open database file", "check that its directory exists"),
        ("file is not a database", "Restore a backup"),
        ("something new", "nothing was overwritten"),
    ],
)
async def test_every_trouble_names_the_file_and_a_next_step(reason: str, step: str) -> None:
    sentence = explain("/data/agent.db", reason)
    assert "/data/agent.db" in sentence
    assert step in sentence


async def fill_the_disk(database: Database) -> None:
    async with database.write() as session:
        await session.execute(text("PRAGMA max_page_count = 1"))
        await session.execute(text("DELETE FROM orders WHERE id = 1042"))
        await session.execute(text("UPDATE customers SET name = :name"), {"name": "x" * 100_000})


async def test_a_full_disk_is_told_and_loses_nothing(tmp_path: Path) -> None:
    path = await healthy(tmp_path / "agent.db")
    async with Database(url_of(path)) as database:
        with pytest.raises(StorageError, match="is full; free some space"):
            await fill_the_disk(database)
        async with database.read() as session:
            assert (await session.execute(text("SELECT count(*) FROM orders"))).scalar_one() == 50


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("sqlite://", "needs a file"),
        ("sqlite:///:memory:", "needs a file"),
        ("mysql://localhost/agent", "not supported"),
        ("::::", "cannot be read"),
    ],
)
def test_an_unusable_url_is_a_configuration_error(url: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        Database(url)


def test_a_password_is_not_part_of_the_name() -> None:
    assert "secret" not in Database("postgresql://agent:secret@db/agent").name


AS_NOBODY = """
import os, sys
import anyio
from voice_agent.core.errors import StorageError
from voice_agent.storage.sql.database import Database

async def open_it(path):
    async with Database(f"sqlite:///{path}"):
        pass

anyio.run(open_it, sys.argv[1])  # so that nothing is left to import
if os.getuid() == 0:
    os.setuid(65534)
try:
    anyio.run(open_it, sys.argv[2])
except StorageError as error:
    print(error)
"""


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A directory that every user may enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def opened_by_an_ordinary_user(rehearsal: Path, path: Path) -> str:
    command = [sys.executable, "-c", AS_NOBODY, str(rehearsal), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.splitlines()[-1]


async def test_a_read_only_data_directory_is_refused(tmp_path: Path, public_folder: Path) -> None:
    path = public_folder / "agent.db"
    allow(public_folder, 0o555)
    said = opened_by_an_ordinary_user(tmp_path / "rehearsal.db", path)
    assert said == (
        f"The data directory {public_folder} is read-only, so {path} cannot be written; "
        "make it writable or choose another data directory."
    )
    assert not path.exists()


async def test_a_read_only_file_is_refused_untouched(tmp_path: Path, public_folder: Path) -> None:
    path = await healthy(public_folder / "agent.db")
    allow(path, 0o444)
    allow(public_folder, 0o777)
    before = fingerprint(path)
    said = opened_by_an_ordinary_user(tmp_path / "rehearsal.db", path)
    assert said.startswith(f"The database {path} is not readable and writable")
    assert fingerprint(path) == before
