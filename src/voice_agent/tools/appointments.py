"""Where appointments can be: on the grid of open hours, in the future, and free."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from voice_agent.core.chat import ToolContext
from voice_agent.core.errors import ToolError
from voice_agent.storage.records import Appointment, Department, NewAppointment
from voice_agent.tools.opening_hours import spans_on
from voice_agent.tools.patience import Patience
from voice_agent.tools.speakable import say_date, say_list, say_time

_AHEAD: Final = timedelta(days=366)
"""Nobody means an appointment later than this."""
_GUESSES: Final = "appointment"
_DAYS_SEARCHED: Final = 14
_OFFERED: Final = 3

Busy = tuple[datetime, datetime]
"""Begin and end of a booked appointment, UTC."""


class Appointments(Protocol):
    """The business's appointments."""

    @property
    def minutes(self) -> int:
        """How long a new appointment takes."""
        ...

    async def book(self, wanted: NewAppointment, at: datetime) -> Appointment | None:
        """Book a slot; None when somebody else has it."""
        ...

    async def find(self, number: str) -> Appointment | None:
        """The appointment with this confirmation number."""
        ...

    async def cancel(self, number: str, at: datetime) -> bool:
        """Cancel one; false when it was not booked any more."""
        ...

    async def move(self, number: str, starts_at: datetime, at: datetime) -> Appointment | None:
        """Move a booked one in one step; None when somebody else has the slot.

        Raises:
            NotFoundError: it is not booked any more.
        """
        ...

    async def busy(self, begin: datetime, end: datetime) -> Sequence[Busy]:
        """What is booked between two moments."""
        ...


async def find_appointment(
    number: str, appointments: Appointments, patience: Patience, context: ToolContext
) -> Appointment:
    """The appointment with a confirmation number.

    Raises:
        ToolError: there is none, or this call has guessed too often.
    """
    patience.check(context.call_id, _GUESSES)
    found = await appointments.find(number)
    if found is None:
        patience.wrong(context.call_id, _GUESSES)
        raise ToolError(
            "There is no appointment with that number. Ask the caller to repeat it.",
            reason="appointment_not_found",
        )
    return found


def cancelled_already() -> ToolError:
    """A cancelled appointment cannot be moved."""
    return ToolError(
        "That appointment was cancelled. Offer to book a new one.", reason="already_cancelled"
    )


@dataclass(frozen=True, slots=True)
class Diary:
    """Places appointments at the moment `now`; one being moved is no obstacle to itself."""

    department: Department
    appointments: Appointments
    now: datetime
    moved: Appointment | None = None

    async def slot(self, day: date, clock: time) -> datetime:
        """The begin (UTC) of an appointment at a local date and time.

        Raises:
            ToolError: there can be none then; it tells others that are free.
        """
        wanted = datetime.combine(day, clock, self._zone)
        starts = wanted.astimezone(UTC)
        if starts <= self.now:
            raise await self._refusal("in_the_past", "That time is over already.", wanted)
        if starts - self.now > _AHEAD:
            raise ToolError("That is more than a year ahead.", reason="too_far_ahead")
        if starts in self._slots(day):
            return starts
        raise await self._refusal(*self._refused_for(day, starts), wanted)

    async def taken(self, starts: datetime) -> ToolError:
        """Somebody else has that slot."""
        wanted = starts.astimezone(self._zone)
        free = await self._free_on(wanted)
        reason = "slot_taken" if free else "day_full"
        return await self._refusal(reason, f"{self._said(wanted)} is already taken.", wanted)

    def refuse_past(self, appointment: Appointment) -> None:
        """Let only what is still to come be changed.

        Raises:
            ToolError: it has begun or is over.
        """
        if appointment.starts_at <= self.now:
            raise ToolError("That appointment is in the past.", reason="already_over")

    def told(self, appointment: Appointment) -> dict[str, object]:
        """An appointment as a tool's result."""
        local = appointment.starts_at.astimezone(self._zone)
        return {
            "confirmation_number": appointment.confirmation_number,
            "status": appointment.status.value,
            "date": local.date().isoformat(),
            "date_text": say_date(local.date()),
            "time": f"{local:%H:%M}",
            "time_text": say_time(local.time()),
            "timezone_text": self.department.time_zone_name,
            "minutes": appointment.minutes,
            "name": appointment.name,
            "purpose": appointment.purpose,
        }

    @property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.department.time_zone)

    def _slots(self, day: date) -> Iterator[datetime]:
        length = timedelta(minutes=self.appointments.minutes)
        for span in spans_on(self.department, day):
            begin = span.opens
            while begin + length <= span.closes:
                yield begin
                begin += length

    def _refused_for(self, day: date, starts: datetime) -> tuple[str, str]:
        spans = list(spans_on(self.department, day))
        if not spans:
            return "closed_that_day", f"{self.department.title} is closed on {say_date(day)}."
        if any(span.opens <= starts < span.closes for span in spans):
            minutes = self.appointments.minutes
            return "not_a_slot", f"Appointments begin every {minutes} minutes."
        return "closed_then", f"{self.department.title} is closed at that time."

    async def _refusal(self, reason: str, why: str, wanted: datetime) -> ToolError:
        free = await self.free_near(wanted)
        text = self._offer(free)
        details = {
            "alternatives": [{"date": f"{at:%Y-%m-%d}", "time": f"{at:%H:%M}"} for at in free],
            "alternatives_text": text,
        }
        offer = f"Free: {text}." if text else "Nothing is free in the two weeks after."
        return ToolError(f"{why} {offer}", reason=reason, details=details)

    async def free_near(self, wanted: datetime) -> list[datetime]:
        """Up to three free local times of one day, the wanted one or the next that has any."""
        today = self.now.astimezone(self._zone)
        if wanted < today:
            wanted = datetime.combine(today.date(), wanted.time(), self._zone)
        for _ in range(_DAYS_SEARCHED):
            if found := await self._free_on(wanted):
                return found
            wanted += timedelta(days=1)
        return []

    async def _free_on(self, wanted: datetime) -> list[datetime]:
        """The free slots nearest to a local time on its day, in the day's order."""
        slots = [slot for slot in self._slots(wanted.date()) if slot > self.now]
        if not slots:
            return []
        length = timedelta(minutes=self.appointments.minutes)
        busy = await self.appointments.busy(slots[0], slots[-1] + length)
        free = [slot for slot in slots if not self._overlaps(slot, slot + length, busy)]
        nearest = sorted(free, key=lambda slot: abs(slot - wanted))[:_OFFERED]
        return [slot.astimezone(self._zone) for slot in sorted(nearest)]

    def _overlaps(self, begin: datetime, end: datetime, busy: Sequence[Busy]) -> bool:
        own = (self.moved.starts_at, self.moved.ends_at) if self.moved else None
        return any(b < end and e > begin for b, e in busy if (b, e) != own)

    def _offer(self, free: Sequence[datetime]) -> str:
        if not free:
            return ""
        times = [say_time(at.time()) for at in free]
        return f"{say_date(free[0].date())} at {say_list(times, 'or')}"

    def _said(self, moment: datetime) -> str:
        return f"{say_date(moment.date())} at {say_time(moment.time())}"
