"""Public holidays of the United States, by the rules of 5 U.S.C. 6103, without observed days."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

_MONDAY: Final = 0
_THURSDAY: Final = 3


def public_holidays(year: int) -> Iterator[tuple[date, str]]:
    """The days of `year` on which most offices are closed, with their names, in order."""
    yield date(year, 1, 1), "New Year's Day"
    yield _last(year, 5, _MONDAY), "Memorial Day"
    yield date(year, 7, 4), "Independence Day"
    yield _nth(year, 9, _MONDAY, 1), "Labor Day"
    yield _nth(year, 11, _THURSDAY, 4), "Thanksgiving Day"
    yield date(year, 12, 25), "Christmas Day"


def _nth(year: int, month: int, weekday: int, n: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (n - 1))


def _last(year: int, month: int, weekday: int) -> date:
    end = (date(year, month, 28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    return end - timedelta(days=(end.weekday() - weekday) % 7)
