"""Transactions: whole or not at all, one writer at a time, finished once begun."""

from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from support.storage import NOW, TODAY, demo_database
from voice_agent.storage.sql.database import Database
from voice_agent.storage.sql.models import AppointmentRow, CustomerRow, FeedbackRow, OrderItemRow

pytestmark = pytest.mark.anyio


async def count(database: Database, table: type[CustomerRow] | type[FeedbackRow]) -> int:
    async with database.read() as session:
        return await session.scalar(select(func.count()).select_from(table)) or 0


def somebody(number: int) -> CustomerRow:
    return CustomerRow(name=f"Customer {number}", since=TODAY)


async def fail_halfway(database: Database) -> None:
    async with database.write() as session:
        session.add(somebody(1))
        await session.flush()
        raise LookupError


async def test_an_exception_leaves_nothing_behind(tmp_path: Path) -> None:
    async with demo_database(tmp_path / "agent.db") as database:
        before = await count(database, CustomerRow)
        with pytest.raises(LookupError):
            await fail_halfway(database)
        assert await count(database, CustomerRow) == before


async def test_a_write_that_began_is_finished_when_its_task_is_cancelled(tmp_path: Path) -> None:
    async with demo_database(tmp_path / "agent.db") as database:
        before = await count(database, CustomerRow)
        with anyio.CancelScope() as scope:
            async with database.write() as session:
                scope.cancel()
                session.add(somebody(1))
            await anyio.lowlevel.checkpoint()
        assert scope.cancelled_caught
        assert await count(database, CustomerRow) == before + 1


async def test_many_cancelled_readers_leave_the_pool_whole(tmp_path: Path) -> None:
    async with demo_database(tmp_path / "agent.db") as database:

        async def read(scope: anyio.CancelScope) -> None:
            with scope:
                await count(database, CustomerRow)

        for _ in range(10):
            scopes = [anyio.CancelScope() for _ in range(20)]
            async with anyio.create_task_group() as tasks:
                for scope in scopes:
                    tasks.start_soon(read, scope)
                await anyio.lowlevel.checkpoint()
                for scope in scopes[::2]:
                    scope.cancel()
        assert await count(database, CustomerRow) == 25


async def test_concurrent_read_then_write_transactions_do_not_split(tmp_path: Path) -> None:
    async with demo_database(tmp_path / "agent.db") as database:

        async def add_the_next() -> None:
            async with database.write() as session:
                number = await session.scalar(select(func.max(CustomerRow.id)))
                assert number is not None
                row = somebody(number)
                row.id = number + 1
                session.add(row)

        async with anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(add_the_next)
        assert await count(database, CustomerRow) == 45


async def test_a_moment_without_a_time_zone_is_refused(tmp_path: Path) -> None:
    async with demo_database(tmp_path / "agent.db") as database:
        with pytest.raises(Exception, match="needs its time zone"):
            async with database.write() as session:
                session.add(FeedbackRow(rating=5, created_at=NOW.replace(tzinfo=None)))


async def test_the_database_itself_refuses_what_cannot_be(tmp_path: Path) -> None:
    async with demo_database(tmp_path / "agent.db") as database:
        async with database.read() as session:
            booked = AppointmentRow.status == "booked"
            taken = (await session.scalars(select(AppointmentRow).where(booked))).first()
        assert taken is not None
        impossible = [
            FeedbackRow(rating=6, created_at=NOW),
            OrderItemRow(order_id=9999, line=1, name="nothing", quantity=1),
            AppointmentRow(
                confirmation_number="1", name="x", starts_at=taken.starts_at, created_at=NOW
            ),
        ]
        for row in impossible:
            with pytest.raises(IntegrityError):
                async with database.write() as session:
                    session.add(row)
