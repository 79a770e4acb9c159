"""The database: opened, checked, brought up to date, and used in short transactions."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import anyio
import structlog
from anyio import to_thread
from sqlalchemy import URL, Connection, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    ProgrammingError,
)
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from voice_agent.core.errors import ConfigurationError, StorageError
from voice_agent.storage.sql.schema import current_revision, known_revisions, upgrade
from voice_agent.storage.sql.sqlite_engine import BEGIN_OPTION, BEGIN_WRITE, make_engine
from voice_agent.storage.sql.sqlite_file import (
    APPLICATION_ID,
    check_file,
    check_revision,
    explain,
)

_DRIVERS: Final = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}
# Longer than SQLite waits for a lock (5 s), shorter than a tool may take (8 s).
_TRANSACTION_SECONDS: Final = 6.0

# What was asked is at fault, not the database: the asker deals with it.
_WRONG_DATA: Final = (IntegrityError, DataError, ProgrammingError, InterfaceError)

_log = structlog.get_logger(__name__)


class Database:
    """An async context manager around one database; entering opens, checks and migrates it."""

    def __init__(self, url: str) -> None:
        """`url` as SQLAlchemy writes it: `sqlite:///path/to/file.db`, `postgresql://…`.

        Raises:
            ConfigurationError: the URL cannot be read or names something unsupported.
        """
        self._url = _parse(url)
        self._stack = AsyncExitStack()

    @property
    def name(self) -> str:
        """The file, or the URL without its password: for messages."""
        if self._url.get_backend_name() == "sqlite":
            return str(self._url.database)
        return self._url.render_as_string(hide_password=True)

    async def __aenter__(self) -> Self:
        """Open the database.

        Raises:
            StorageError: it cannot be used; nothing was overwritten.
        """
        revisions = await to_thread.run_sync(known_revisions)
        if self._url.get_backend_name() == "sqlite":
            await to_thread.run_sync(check_file, Path(self.name), revisions)
        engine = _engine(self._url)
        self._stack.push_async_callback(_dispose, engine)
        self._reading = async_sessionmaker(engine, expire_on_commit=False)
        writer = engine.execution_options(**{BEGIN_OPTION: BEGIN_WRITE})
        self._writing = async_sessionmaker(writer, expire_on_commit=False)
        try:
            await self._migrate(writer)
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close every connection."""
        await self._stack.aclose()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """A short transaction that only reads."""
        async with self._guarded(), self._reading() as session:
            yield session

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """A short transaction that commits at the end, or changes nothing at all.

        Once begun it is finished even when the task is cancelled meanwhile.
        """
        async with self._guarded(), self._writing() as session, session.begin():
            yield session

    @asynccontextmanager
    async def _guarded(self) -> AsyncIterator[None]:
        try:
            with anyio.fail_after(_TRANSACTION_SECONDS, shield=True):
                yield
        except DBAPIError as error:
            if isinstance(error, _WRONG_DATA) and not error.connection_invalidated:
                raise
            raise StorageError(explain(self.name, str(error.orig))) from error
        except TimeoutError as error:
            raise StorageError(f"The database {self.name} did not answer in time.") from error

    async def _migrate(self, engine: AsyncEngine) -> None:
        try:
            async with engine.connect() as connection:
                if engine.dialect.name == "sqlite":
                    await connection.run_sync(_without_foreign_keys)
                async with connection.begin():
                    await connection.run_sync(self._bring_up_to_date)
                await connection.invalidate()
        except DBAPIError as error:
            raise StorageError(explain(self.name, str(error.orig))) from error

    def _bring_up_to_date(self, connection: Connection) -> None:
        before = current_revision(connection)
        check_revision(self.name, before, known_revisions())
        if before is None and connection.dialect.name == "sqlite":
            connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
        upgrade(connection)
        after = current_revision(connection)
        if after != before:
            _log.info("database.migrated", before=before, after=after)


def _without_foreign_keys(connection: Connection) -> None:
    # A migration that rebuilds a table would delete its children; only allowed outside one.
    driver = connection.connection.dbapi_connection
    if driver is not None:
        driver.cursor().execute("PRAGMA foreign_keys = OFF")


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ConfigurationError("The database URL cannot be read; see SQLAlchemy's.") from error
    backend = parsed.get_backend_name()
    if backend not in _DRIVERS:
        raise ConfigurationError(f"Databases of the kind {backend!r} are not supported.")
    if backend == "sqlite" and parsed.database in {None, "", ":memory:"}:
        raise ConfigurationError("A SQLite database needs a file: calls run concurrently.")
    return parsed.set(drivername=_DRIVERS[backend])


def _engine(url: URL) -> AsyncEngine:
    try:
        return make_engine(url)
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"This database needs the Python package {error.name}; install it."
        ) from error


async def _dispose(engine: AsyncEngine) -> None:
    with anyio.move_on_after(_TRANSACTION_SECONDS, shield=True):
        await engine.dispose()
