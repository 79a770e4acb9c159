"""Appointments in SQL: each slot once, each change whole."""

import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

import anyio
from sqlalchemy import ColumnElement, Select, exists, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from voice_agent.core.errors import NotFoundError, StorageError
from voice_agent.storage.records import Appointment, AppointmentStatus, NewAppointment
from voice_agent.storage.sql.database import Database
from voice_agent.storage.sql.models import AppointmentRow

_BOOKED: Final = AppointmentStatus.BOOKED.value
_CANCELLED: Final = AppointmentStatus.CANCELLED.value
_AT_ONCE: Final = 4
"""Bookings under way; the others wait their turn here, before their time begins to run."""
_TRIES: Final = 5
"""Confirmation numbers drawn before giving up: one in a million is taken."""


def draw_number() -> str:
    """Six digits that nobody can foresee."""
    return str(100_000 + secrets.randbelow(900_000))


class SqlAppointments:
    """Books, cancels and moves appointments."""

    def __init__(
        self, database: Database, *, minutes: int = 30, draw: Callable[[], str] = draw_number
    ) -> None:
        """New appointments take `minutes`; `draw` makes confirmation numbers."""
        self._database = database
        self._minutes = minutes
        self._draw = draw
        self._places = anyio.Semaphore(_AT_ONCE)

    @property
    def minutes(self) -> int:
        """How long a new appointment takes."""
        return self._minutes

    async def book(self, wanted: NewAppointment, at: datetime) -> Appointment | None:
        """Book a slot; None when somebody else has it.

        Raises:
            StorageError: no confirmation number could be found.
        """
        for _ in range(_TRIES):
            row = self._row(wanted, at)
            try:
                if not await self._insert(row):
                    return None
            except IntegrityError:
                if await self._is_taken(row):
                    return None
                continue  # the number was another appointment's
            return appointment_of(row)
        raise StorageError("No free confirmation number was found.")

    async def find(self, number: str) -> Appointment | None:
        """The appointment with this confirmation number."""
        async with self._database.read() as session:
            row = await session.scalar(_numbered(number))
        return None if row is None else appointment_of(row)

    async def cancel(self, number: str, at: datetime) -> bool:
        """Cancel one; false when it was not booked any more."""
        cancelled = (
            update(AppointmentRow)
            .where(*_booked_as(number))
            .values(status=_CANCELLED, changed_at=at)
            .returning(AppointmentRow.id)
        )
        async with self._database.write() as session:
            return await session.scalar(cancelled) is not None

    async def move(self, number: str, starts_at: datetime, at: datetime) -> Appointment | None:
        """Move a booked one in one step; None when somebody else has the slot.

        Raises:
            NotFoundError: it is not booked any more.
        """
        try:
            return await self._move(number, starts_at, at)
        except IntegrityError:
            return None

    async def _move(self, number: str, starts_at: datetime, at: datetime) -> Appointment | None:
        async with self._places, self._database.write() as session:
            await _serialise(session)
            row = await session.scalar(_numbered(number))
            if row is None or row.status != _BOOKED:
                raise NotFoundError("There is no such appointment any more.")
            ends_at = starts_at + timedelta(minutes=self._minutes)
            if await _overlapping(session, starts_at, ends_at, AppointmentRow.id != row.id):
                return None
            row.starts_at, row.ends_at, row.minutes = starts_at, ends_at, self._minutes
            row.changed_at = at
            await session.flush()
            return appointment_of(row)

    async def busy(self, begin: datetime, end: datetime) -> Sequence[tuple[datetime, datetime]]:
        """Begin and end of what is booked between two moments."""
        async with self._database.read() as session:
            found = select(AppointmentRow.starts_at, AppointmentRow.ends_at)
            rows = await session.execute(found.where(*_within(begin, end)))
            return [(row.starts_at, row.ends_at) for row in rows]

    def _row(self, wanted: NewAppointment, at: datetime) -> AppointmentRow:
        return AppointmentRow(
            confirmation_number=self._draw(),
            customer_id=wanted.customer_id,
            call_id=wanted.call_id,
            name=wanted.name,
            purpose=wanted.purpose,
            starts_at=wanted.starts_at,
            ends_at=wanted.starts_at + timedelta(minutes=self._minutes),
            minutes=self._minutes,
            status=_BOOKED,
            created_at=at,
            changed_at=at,
        )

    async def _insert(self, row: AppointmentRow) -> bool:
        async with self._places, self._database.write() as session:
            await _serialise(session)
            if await _overlapping(session, row.starts_at, row.ends_at):
                return False
            session.add(row)
            await session.flush()
        return True

    async def _is_taken(self, row: AppointmentRow) -> bool:
        return bool(await self.busy(row.starts_at, row.ends_at))


async def _serialise(session: AsyncSession) -> None:
    """One booking at a time, so that looking and writing cannot be split; readers go on.

    SQLite's writing transactions are alone anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(text("LOCK TABLE appointments IN SHARE ROW EXCLUSIVE MODE"))


async def _overlapping(
    session: AsyncSession, begin: datetime, end: datetime, *others: ColumnElement[bool]
) -> bool:
    query = select(exists().where(*_within(begin, end), *others))
    return bool(await session.scalar(query))


def _within(begin: datetime, end: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        AppointmentRow.status == _BOOKED,
        AppointmentRow.starts_at < end,
        AppointmentRow.ends_at > begin,
    )


def _booked_as(number: str) -> tuple[ColumnElement[bool], ...]:
    return AppointmentRow.confirmation_number == number, AppointmentRow.status == _BOOKED


def _numbered(number: str) -> Select[AppointmentRow]:
    return select(AppointmentRow).where(AppointmentRow.confirmation_number == number)


def appointment_of(row: AppointmentRow) -> Appointment:
    """A row as a value."""
    return Appointment(
        confirmation_number=row.confirmation_number,
        name=row.name,
        purpose=row.purpose,
        starts_at=row.starts_at,
        minutes=row.minutes,
        status=AppointmentStatus(row.status),
    )
