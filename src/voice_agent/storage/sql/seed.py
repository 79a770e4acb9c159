"""Named sample data: put once into an empty database, never over anything that is there."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Final

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from voice_agent.core.errors import ConfigurationError
from voice_agent.storage.sql.database import Database
from voice_agent.storage.sql.demo_business import (
    demo_appointments,
    demo_customers,
    demo_departments,
    demo_feedback,
    demo_holidays,
    demo_transfers,
)
from voice_agent.storage.sql.demo_orders import demo_orders
from voice_agent.storage.sql.models import (
    AppointmentRow,
    CustomerRow,
    DepartmentRow,
    FeedbackRow,
    HolidayRow,
    OrderRow,
    SeedRow,
    TransferRow,
)

_BUSINESS_TABLES: Final = (
    OrderRow,
    CustomerRow,
    AppointmentRow,
    FeedbackRow,
    TransferRow,
    DepartmentRow,
    HolidayRow,
)

_log = structlog.get_logger(__name__)


class SeedOutcome(StrEnum):
    """What became of the wish for sample data."""

    PLANTED = "planted"
    ALREADY_PLANTED = "already_planted"
    HAS_OTHER_DATA = "has_other_data"


async def seed(database: Database, name: str, *, today: date, now: datetime) -> SeedOutcome:
    """Put the data set `name` into an empty business; its dates are relative to `today`.

    Raises:
        ConfigurationError: there is no such data set.
    """
    if name not in SEEDS:
        raise ConfigurationError(
            f"There is no sample data called {name!r}; known: {', '.join(SEEDS)}."
        )
    async with database.write() as session:
        outcome = await _look(session)
        if outcome is SeedOutcome.PLANTED:
            await SEEDS[name](session, today, now)
            session.add(SeedRow(name=name, today=today, seeded_at=now))
    _log.info("database.seed", name=name, outcome=outcome.value)
    return outcome


async def _look(session: AsyncSession) -> SeedOutcome:
    if await session.scalar(select(SeedRow.name).limit(1)) is not None:
        return SeedOutcome.ALREADY_PLANTED
    for table in _BUSINESS_TABLES:
        if (await session.execute(select(table).limit(1))).first() is not None:
            return SeedOutcome.HAS_OTHER_DATA
    return SeedOutcome.PLANTED


async def _demo(session: AsyncSession, today: date, now: datetime) -> None:
    customers = demo_customers(today)
    departments = demo_departments()
    session.add_all([*customers, *departments])
    await session.flush()
    ids = [department.id for department in departments]
    session.add_all(
        [
            *demo_orders(today, len(customers)),
            *demo_holidays(today),
            *demo_appointments(today, now),
            *demo_feedback(now),
            *demo_transfers(now, ids),
        ]
    )


SEEDS: Final[Mapping[str, Callable[[AsyncSession, date, datetime], Awaitable[None]]]] = {
    "demo": _demo
}
"""Data sets by name."""
