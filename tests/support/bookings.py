"""What must hold of bookings on every database."""

import sys
from datetime import date, timedelta
from pathlib import Path

import anyio
import anyio.abc
from sqlalchemy import func, select

from support.business import Desk
from voice_agent.storage.sql.database import Database
from voice_agent.storage.sql.models import AppointmentRow

FREE_DAY = date(2026, 12, 7)
"""A Monday without sample appointments."""
OLD_APPOINTMENT = """
INSERT INTO appointments
    (confirmation_number, name, purpose, starts_at, minutes, status, created_at)
VALUES ('1', 'Ann', '', '2026-12-07 15:00:00.000000', 45, 'booked', '2026-11-23 15:00:00.000000')
"""
"""As the first version wrote it."""
_WORKER = Path(__file__).with_name("moving_worker.py")
SLOTS = [f"{hour:02d}:{minute:02d}" for hour in range(8, 18) for minute in (0, 30)]


async def booked(database: Database, day: date) -> list[AppointmentRow]:
    """The booked appointments of a day, New York time, in order."""
    async with database.read() as session:
        query = select(AppointmentRow).where(AppointmentRow.status == "booked")
        rows = await session.scalars(query.order_by(AppointmentRow.starts_at))
        return [row for row in rows if (row.starts_at - timedelta(hours=5)).date() == day]


async def count(database: Database) -> int:
    """All appointments, whatever their state."""
    async with database.read() as session:
        return await session.scalar(select(func.count()).select_from(AppointmentRow)) or 0


async def two_hundred_callers_want_twenty_slots(at: Desk) -> None:
    """Ten callers for each slot at once: twenty succeed, the others hear of other times."""
    before = await count(at.database)
    won: list[str] = []
    lost: list[str] = []

    async def book(caller: int) -> None:
        result = await at.ask(
            "schedule_appointment",
            f"call-{caller}",
            date=FREE_DAY.isoformat(),
            time=SLOTS[caller % len(SLOTS)],
            name=f"Caller {caller}",
            purpose="a race",
        )
        if result.ok:
            won.append(result.content["confirmation_number"])
        else:
            lost.append(result.content["error"])

    async with anyio.create_task_group() as tasks:
        for caller in range(200):
            tasks.start_soon(book, caller)
    assert len(won) == len(set(won)) == 20, lost
    assert set(lost) <= {"slot_taken", "day_full"}, set(lost)
    assert len(lost) == 180
    rows = await booked(at.database, FREE_DAY)
    assert sorted(row.confirmation_number for row in rows) == sorted(won)
    assert await count(at.database) == before + 20


async def killed_while_moving(url: str, database: Database, number: str, times: int) -> int:
    """Kill a process that moves an appointment to and fro, at changing moments.

    After every kill it is booked once, at one of its two times. Gives how often it had moved.
    """
    first = await _row(database, number)
    places = {first.starts_at, first.starts_at + timedelta(days=1)}
    moves = 0
    command = [sys.executable, str(_WORKER), url, number]
    async with await anyio.open_process(command, stderr=None) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        for turn in range(times):
            before = (await _row(database, number)).changed_at
            await worker.stdin.send(f"{0.005 + 0.007 * turn}\n".encode())
            await worker.stdout.receive()
            row = await _row(database, number)
            assert row.status == "booked"
            assert row.starts_at in places
            assert row.ends_at == row.starts_at + timedelta(minutes=30)
            moves += row.changed_at != before
        await worker.stdin.aclose()
    return moves


async def _row(database: Database, number: str) -> AppointmentRow:
    async with database.read() as session:
        query = select(AppointmentRow).where(AppointmentRow.confirmation_number == number)
        return (await session.scalars(query)).one()
