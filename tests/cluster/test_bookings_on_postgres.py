"""The same promises on a real PostgreSQL, and its schema up and down."""

from datetime import timedelta

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import create_async_engine

from support.bookings import (
    FREE_DAY,
    OLD_APPOINTMENT,
    booked,
    count,
    killed_while_moving,
    two_hundred_callers_want_twenty_slots,
)
from support.business import desk
from support.postgres import Postgres
from support.storage import NOW
from voice_agent.storage.sql.models import AppointmentRow, Base
from voice_agent.storage.sql.schema import downgrade, known_revisions, upgrade

pytestmark = pytest.mark.anyio


async def test_of_two_hundred_callers_for_twenty_slots_exactly_twenty_succeed(
    postgres: Postgres,
) -> None:
    async with desk(postgres.new_database()) as at:
        await two_hundred_callers_want_twenty_slots(at)


async def test_a_kill_while_moving_neither_loses_nor_doubles_the_appointment(
    postgres: Postgres,
) -> None:
    url = postgres.new_database()
    async with desk(url) as at:
        given = {"date": FREE_DAY.isoformat(), "time": "10:00", "name": "Ann", "purpose": "x"}
        number = (await at.told("schedule_appointment", **given))["confirmation_number"]
        before = await count(at.database)
        assert await killed_while_moving(url, at.database, number, times=6) > 0
        assert await count(at.database) == before
        assert len(await booked(at.database, FREE_DAY)) <= 1


async def test_the_database_itself_forbids_overlapping_appointments(postgres: Postgres) -> None:
    url = postgres.new_database()
    async with desk(url) as at:
        given = {"date": FREE_DAY.isoformat(), "time": "10:00", "name": "Ann", "purpose": "x"}
        await at.told("schedule_appointment", **given)
        (row,) = await booked(at.database, FREE_DAY)
        with pytest.raises(IntegrityError, match="ex_appointments_booked_overlap"):
            async with at.database.write() as session:
                session.add(
                    AppointmentRow(
                        confirmation_number="1",
                        name="Ben",
                        starts_at=row.starts_at + timedelta(minutes=10),
                        ends_at=row.ends_at + timedelta(minutes=10),
                        created_at=NOW,
                        changed_at=NOW,
                    )
                )


async def test_the_schema_goes_up_and_down_and_says_what_the_models_say(
    postgres: Postgres,
) -> None:
    url = postgres.new_database().replace("postgresql:", "postgresql+asyncpg:")
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        for revision in sorted(known_revisions()):
            await connection.run_sync(upgrade, revision)
        assert await connection.run_sync(_differences) == []
        await connection.run_sync(downgrade)
        assert await connection.run_sync(_tables) == {"alembic_version"}
        await connection.run_sync(upgrade)
        assert await connection.run_sync(_tables) == {"alembic_version", *Base.metadata.tables}
    await engine.dispose()


def _differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, Base.metadata))


def _tables(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names())


async def test_appointments_made_before_the_columns_existed_get_their_end(
    postgres: Postgres,
) -> None:
    url = postgres.new_database().replace("postgresql:", "postgresql+asyncpg:")
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(upgrade, "0002")
        await connection.execute(text(OLD_APPOINTMENT))
        await connection.run_sync(upgrade, "0003")
        row = (await connection.execute(text("SELECT * FROM appointments"))).one()
    await engine.dispose()
    assert row.ends_at - row.starts_at == timedelta(minutes=45)
    assert row.changed_at == row.created_at
