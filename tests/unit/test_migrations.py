"""The schema goes up and down, and says the same as the models."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, create_engine, inspect, select, text

from support.bookings import OLD_APPOINTMENT
from voice_agent.storage.sql.models import AppointmentRow, Base
from voice_agent.storage.sql.schema import current_revision, downgrade, known_revisions, upgrade


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = create_engine(f"sqlite:///{tmp_path / 'agent.db'}")
    yield engine
    engine.dispose()


def tables(engine: Engine) -> set[str]:
    return set(inspect(engine).get_table_names()) - {"alembic_version"}


def test_up_makes_every_table_and_down_removes_it(engine: Engine) -> None:
    with engine.begin() as connection:
        upgrade(connection)
    assert tables(engine) == set(Base.metadata.tables)
    with engine.begin() as connection:
        downgrade(connection)
    assert tables(engine) == set()
    with engine.begin() as connection:
        upgrade(connection)
    assert tables(engine) == set(Base.metadata.tables)


def test_every_step_can_be_taken_alone(engine: Engine) -> None:
    for revision in sorted(known_revisions()):
        with engine.begin() as connection:
            upgrade(connection, revision)
            assert current_revision(connection) == revision
    for _ in known_revisions():
        with engine.begin() as connection:
            downgrade(connection, "-1")
    assert tables(engine) == set()


def test_the_migrated_schema_is_the_models_schema(engine: Engine) -> None:
    with engine.begin() as connection:
        upgrade(connection)
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_appointments_made_before_the_columns_existed_get_their_end(engine: Engine) -> None:
    with engine.begin() as connection:
        upgrade(connection, "0002")
        connection.execute(text(OLD_APPOINTMENT))
        upgrade(connection, "0003")
        query = select(AppointmentRow.starts_at, AppointmentRow.ends_at, AppointmentRow.status)
        row = connection.execute(query).one()
        assert row.ends_at - row.starts_at == timedelta(minutes=45)
        kept = connection.exec_driver_sql("SELECT sql FROM sqlite_master").scalars().all()
    checks = " ".join(sql for sql in kept if sql)
    for name in ("ck_appointments_status", "ck_appointments_minutes", "ck_appointments_end"):
        assert f"CONSTRAINT {name} CHECK" in checks
    assert "uq_appointments_booked_slot" in checks
