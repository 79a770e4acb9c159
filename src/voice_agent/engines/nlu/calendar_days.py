"""Days of the calendar by rule: the next such day, the nth weekday, a month later."""

import calendar
from datetime import date, timedelta


def day_ahead(today: date, month: int, day: int, year: int | None) -> date:
    """That day of that year, else the next one from today on; raises `ValueError` for none."""
    if year is not None:
        return date(year, month, day)
    for candidate in range(today.year, today.year + 9):
        try:
            if (found := date(candidate, month, day)) >= today:
                return found
        except ValueError:  # 29 February
            if (month, day) != (2, 29):
                raise
    raise ValueError("no such day")


def next_day(today: date, day: int) -> date:
    """The next day of that number, in a month that has it; raises `ValueError` for none."""
    month = today.replace(day=1)
    for _ in range(12):
        try:
            if (found := month.replace(day=day)) >= today:
                return found
        except ValueError:  # a month without that day
            pass
        month = (month + timedelta(32)).replace(day=1)
    raise ValueError("no such day")


def months_later(day: date, months: int) -> date:
    """The same day so many months later, or that month's last."""
    index = day.month - 1 + months
    year, month = day.year + index // 12, index % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def last_of_month(day: date) -> date:
    """The last day of its month."""
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def nth_weekday(year: int, month: int, weekday: int, nth: int) -> date:
    """As in "the fourth Thursday of November"; raises `ValueError` for none."""
    first = date(year, month, 1)
    day = first + timedelta((weekday - first.weekday()) % 7 + 7 * (nth - 1))
    if day.month != month:
        raise ValueError("no such day")
    return day


def nth_weekday_ahead(today: date, month: int, weekday: int, nth: int) -> date:
    """The next such day from today on; raises `ValueError` for none within a few years."""
    for year in range(today.year, today.year + 3):
        if (day := nth_weekday(year, month, weekday, nth)) >= today:
            return day
    raise ValueError("no such day")
