"""Bookings on SQLite: each slot once, whoever asks at the same time and whatever is killed."""

from pathlib import Path

import pytest

from support.bookings import (
    FREE_DAY,
    booked,
    count,
    killed_while_moving,
    two_hundred_callers_want_twenty_slots,
)
from support.business import desk
from support.storage import url_of

pytestmark = pytest.mark.anyio


async def test_of_two_hundred_callers_for_twenty_slots_exactly_twenty_succeed(
    tmp_path: Path,
) -> None:
    async with desk(url_of(tmp_path / "agent.db")) as at:
        await two_hundred_callers_want_twenty_slots(at)


async def test_a_kill_while_moving_neither_loses_nor_doubles_the_appointment(
    tmp_path: Path,
) -> None:
    url = url_of(tmp_path / "agent.db")
    async with desk(url) as at:
        given = {"date": FREE_DAY.isoformat(), "time": "10:00", "name": "Ann", "purpose": "x"}
        number = (await at.told("schedule_appointment", **given))["confirmation_number"]
        before = await count(at.database)
        assert await killed_while_moving(url, at.database, number, times=6) > 0
        assert await count(at.database) == before
        assert len(await booked(at.database, FREE_DAY)) <= 1
