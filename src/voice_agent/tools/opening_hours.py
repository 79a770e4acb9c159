"""When a department is open: pure arithmetic on its week, its holidays and its time zone."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import Final
from zoneinfo import ZoneInfo

from voice_agent.storage.records import Department, Holiday, OpenHours
from voice_agent.tools.speakable import say_date, say_list, say_time

_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_HORIZON: Final = 400
"""Days to look ahead for the next opening: a year and the longest run of holidays."""


@dataclass(frozen=True, slots=True)
class Span:
    """One stretch of being open, in UTC, because only there is time evenly spaced."""

    opens: datetime
    closes: datetime


def is_open(department: Department, at: datetime) -> bool:
    """Whether the department is open at an aware moment."""
    return _span_at(department, at) is not None


def closes_at(department: Department, at: datetime) -> datetime | None:
    """When it closes, local time; None when it is closed or does not close within a week."""
    span = _span_at(department, at)
    limit = at.astimezone(UTC) + timedelta(days=7)
    while span is not None and span.closes <= limit:
        following = _span_at(department, span.closes)
        if following is None:
            return span.closes.astimezone(ZoneInfo(department.time_zone))
        span = following
    return None


def next_opening(department: Department, at: datetime) -> datetime | None:
    """When it opens next after `at`, local time; None when it never does."""
    zone = ZoneInfo(department.time_zone)
    first = at.astimezone(zone).date()
    for offset in range(_HORIZON):
        for span in spans_on(department, first + timedelta(days=offset)):
            if span.opens > at and not is_open(department, span.opens - timedelta.resolution):
                return span.opens.astimezone(zone)
    return None


def hours_on(department: Department, day: date) -> tuple[OpenHours, ...]:
    """The hours that hold on a date: its holiday's, or else its weekday's."""
    holiday = holiday_on(department, day)
    hours = department.week.get(day.weekday(), ()) if holiday is None else holiday.hours
    return tuple(sorted(hours, key=lambda span: span.opens))


def holiday_on(department: Department, day: date) -> Holiday | None:
    """The holiday of a date, None on an ordinary day."""
    own = next((holiday for holiday in department.holidays if holiday.day == day), None)
    if own is not None:
        return own
    name = department.public_holiday(day)
    return Holiday(day, name) if name else None


def say_hours(hours: tuple[OpenHours, ...]) -> str:
    """`9 AM to 5 PM`, `closed`, `24 hours`."""
    if any(span.opens == span.closes == time(0) for span in hours):
        return "24 hours"
    spans = [f"{say_time(span.opens)} to {say_time(span.closes)}" for span in hours]
    return say_list(spans) or "closed"


def week_of(department: Department) -> dict[str, str]:
    """Every weekday's ordinary hours as they are said, from Monday on."""
    spans = (tuple(department.week.get(day, ())) for day in range(7))
    return {name: say_hours(hours) for name, hours in zip(_DAYS, spans, strict=True)}


def say_week(department: Department) -> str:
    """`Monday to Friday 9 AM to 5 PM, Saturday and Sunday closed`."""
    runs = []
    for hours, days in groupby(week_of(department).items(), key=lambda entry: entry[1]):
        names = [name for name, _ in days]
        if len(names) == 7:
            return f"every day {hours}"
        label = f"{names[0]} to {names[-1]}" if len(names) > 2 else say_list(names)
        runs.append(f"{label} {hours}")
    return ", ".join(runs)


def say_moment(moment: datetime, at: datetime) -> str:
    """A local moment as said at `at`: `today at 9 AM`, `Monday at 9 AM`, with a date later on."""
    now = at.astimezone(moment.tzinfo)
    days = (moment.date() - now.date()).days
    if days < 2:
        label = ("today", "tomorrow")[days]
    elif days < 7:
        label = f"{moment:%A}"
    else:
        label = say_date(moment.date())
    return f"{label} at {say_time(moment.time())}"


def spans_on(department: Department, day: date) -> Iterator[Span]:
    """The stretches of being open that begin on a date, in order."""
    zone = ZoneInfo(department.time_zone)
    for hours in hours_on(department, day):
        until = day if hours.closes > hours.opens else day + timedelta(days=1)
        opens = datetime.combine(day, hours.opens, zone).astimezone(UTC)
        closes = datetime.combine(until, hours.closes, zone).astimezone(UTC)
        yield Span(opens, closes)


def _span_at(department: Department, at: datetime) -> Span | None:
    today = at.astimezone(ZoneInfo(department.time_zone)).date()
    for day in (today - timedelta(days=1), today):
        for span in spans_on(department, day):
            if span.opens <= at < span.closes:
                return span
    return None
