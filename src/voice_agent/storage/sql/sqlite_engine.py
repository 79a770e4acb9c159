"""How SQLite connections are set up and how their transactions begin."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
from sqlalchemy import URL, Connection, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

BEGIN_OPTION: Final = "sqlite_begin"
"""Execution option: the statement that begins a transaction."""
BEGIN_WRITE: Final = "BEGIN IMMEDIATE"
"""Takes the write lock at once, so that a check and the write after it cannot be split."""

# A commit survives a power cut (FULL); readers never wait for the writer (WAL).
_PRAGMAS: Final = (
    "PRAGMA busy_timeout = 5000",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA journal_size_limit = 67108864",
)


def make_engine(url: URL) -> AsyncEngine:
    """An engine for `url`; on SQLite with our pragmas and explicit transactions."""
    engine = create_async_engine(url, json_serializer=to_json, json_deserializer=orjson.loads)
    if url.get_backend_name() == "sqlite":
        event.listen(engine.sync_engine, "connect", _set_up)
        event.listen(engine.sync_engine, "begin", _begin)
    return engine


def to_json(value: object) -> str:
    """JSON text of anything: unknown types become text, half surrogates a question mark."""
    try:
        return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:
        return json.dumps(_plain(value), allow_nan=False)


def _plain(value: object) -> Any:
    if isinstance(value, Mapping):
        return {_text(str(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence | set | frozenset) and not isinstance(value, str | bytes):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if abs(value) < float("inf") else None
    return _text(str(value))


def _text(value: str) -> str:
    return value.encode("utf-8", "replace").decode()


def _set_up(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    # The driver's own BEGIN comes too late for DDL and reads; `_begin` sends it instead.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _begin(connection: Connection) -> None:
    statement = connection.get_execution_options().get(BEGIN_OPTION, "BEGIN")
    connection.exec_driver_sql(str(statement))
