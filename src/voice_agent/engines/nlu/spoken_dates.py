"""Dates as they are said, resolved forward from today; other readings are reported.

"next Tuesday" is the Tuesday of the following calendar week (Monday first); when a nearer
Tuesday lies ahead it is reported as the other reading.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any, Final

from voice_agent.engines.nlu.language import Language
from voice_agent.engines.nlu.phrases import Phrases, word_at
from voice_agent.engines.nlu.spoken_numbers import (
    NumberWords,
    number_words,
    read_number,
    read_ordinal,
    read_small,
)

_FAR: Final = range(2000, 2100)


@dataclass(frozen=True, slots=True)
class SpokenDate:
    """A date said by the words `start` up to `end`, and its other readings."""

    value: date
    start: int
    end: int
    alternatives: tuple[date, ...] = ()


@dataclass(frozen=True)
class DateWords:
    """The date and time words of a language."""

    days: Phrases[int]
    units: Mapping[str, int]
    weekdays: Mapping[str, int]
    months: Mapping[str, int]
    words: Mapping[str, Phrases[str]]
    clock: Mapping[str, str]
    halves: Phrases[str]
    order: Mapping[str, Any]
    numbers: NumberWords


@cache
def date_words(language: Language) -> DateWords:
    """The table `dates.toml` of a language."""
    table = dict(language.table("dates"))
    table["days"] = Phrases(table["days"])
    table["halves"] = Phrases(table["halves"])
    table["words"] = {name: Phrases.of(phrases) for name, phrases in table["words"].items()}
    return DateWords(**table, numbers=number_words(language))


def find_dates(tokens: Sequence[str], today: date, words: DateWords) -> tuple[SpokenDate, ...]:
    """All dates in an utterance, in order."""
    found: list[SpokenDate] = []
    at = 0
    while at < len(tokens):
        reading = _read(tokens, at, today, words)
        if reading:
            found.append(reading)
        at = reading.end if reading else at + 1
    return tuple(found)


def _read(tokens: Sequence[str], at: int, today: date, words: DateWords) -> SpokenDate | None:
    readers = (_relative, _counted, _numeric, _month_first, _day_first, _weekday, _day_alone)
    try:
        readings = (reader(tokens, at, today, words) for reader in readers)
        return next(filter(None, readings), None)
    except (ValueError, OverflowError):  # the thirtieth of February
        return None


def _relative(tokens: Sequence[str], at: int, today: date, words: DateWords) -> SpokenDate | None:
    entry = words.days.entry(tokens, at)
    return SpokenDate(today + timedelta(entry[0]), at, entry[1]) if entry else None


def _counted(tokens: Sequence[str], at: int, today: date, words: DateWords) -> SpokenDate | None:
    """As in "in two days", "a week from now"."""
    within = words.words["within"].end(tokens, at)
    start = within or at
    one = words.words["one"].end(tokens, start)
    count = (1, one) if one else read_small(tokens, start, words.numbers)
    if not count or word_at(tokens, count[1]) not in words.units:
        return None
    end = words.words["from_now"].end(tokens, count[1] + 1)
    if not within and not end:
        return None
    days = count[0] * words.units[tokens[count[1]]]
    return SpokenDate(today + timedelta(days), at, end or count[1] + 1)


def _numeric(tokens: Sequence[str], at: int, today: date, words: DateWords) -> SpokenDate | None:
    """As in "11/25", "11/25/2026", "2026-11-25"."""
    mark = "/" if "/" in tokens[at] else "-"
    parts = [int(part) for part in tokens[at].split(mark) if part.isdecimal()]
    if len(parts) < 2:
        return None
    if parts[0] in _FAR and len(parts) == 3:
        return SpokenDate(date(parts[0], parts[1], parts[2]), at, at + 1)
    if mark == "-" and len(parts) == 2:
        return None
    year = (parts[2] if parts[2] >= 100 else 2000 + parts[2]) if len(parts) == 3 else None
    first, second = parts[0], parts[1]
    if not words.order["month_first"] or first > 12:
        first, second = second, first
    chosen = _ahead(today, first, second, year)
    other = _ahead(today, second, first, year) if second <= 12 and first != second else None
    return SpokenDate(chosen, at, at + 1, (other,) if other else ())


def _month_first(
    tokens: Sequence[str], at: int, today: date, words: DateWords
) -> SpokenDate | None:
    """As in "November 25", "November the twenty fifth, 2026"."""
    month = words.months.get(tokens[at])
    if not month:
        return None
    start = words.words["the"].end(tokens, at + 1) or at + 1
    day = read_ordinal(tokens, start, words.numbers) or read_small(tokens, start, words.numbers)
    if not day or not 1 <= day[0] <= 31:
        return None
    year, end = _year(tokens, day[1], words)
    return SpokenDate(_ahead(today, month, day[0], year), at, end)


def _day_first(tokens: Sequence[str], at: int, today: date, words: DateWords) -> SpokenDate | None:
    """As in "the twenty fifth of November", "25 November"."""
    start = words.words["the"].end(tokens, at) or at
    day = read_ordinal(tokens, start, words.numbers) or read_small(tokens, start, words.numbers)
    if not day:
        return None
    here = words.words["of"].end(tokens, day[1]) or day[1]
    month = words.months.get(word_at(tokens, here))
    if not month:
        return None
    year, end = _year(tokens, here + 1, words)
    return SpokenDate(_ahead(today, month, day[0], year), at, end)


def _weekday(tokens: Sequence[str], at: int, today: date, words: DateWords) -> SpokenDate | None:
    """As in "Tuesday", "this Tuesday", "next Tuesday", "Tuesday next week", "Tuesday the fifth"."""
    next_week = tokens[at] in words.words["following"]
    here = at + 1 if next_week or tokens[at] in words.words["coming"] else at
    weekday = words.weekdays.get(word_at(tokens, here))
    if weekday is None:
        return None
    end = here + 1
    if (
        word_at(tokens, end) in words.words["following"]
        and word_at(tokens, end + 1) in words.words["week"]
    ):
        monday = today + timedelta(7 - today.weekday())
        return SpokenDate(monday + timedelta(weekday), at, end + 2)
    exact = _day_alone(tokens, end, today, words) or _named_day(tokens, end, today, words)
    if exact:
        return SpokenDate(exact.value, at, exact.end)
    coming = today + timedelta((weekday - today.weekday() - 1) % 7 + 1)
    if not next_week:
        return SpokenDate(coming, at, end)
    following = today + timedelta(7 - today.weekday() + weekday)
    return SpokenDate(following, at, end, (coming,) if coming != following else ())


def _named_day(tokens: Sequence[str], at: int, today: date, words: DateWords) -> SpokenDate | None:
    if at >= len(tokens):
        return None
    return _month_first(tokens, at, today, words) or _day_first(tokens, at, today, words)


def _day_alone(tokens: Sequence[str], at: int, today: date, words: DateWords) -> SpokenDate | None:
    """As in "the twenty fifth"."""
    start = words.words["the"].end(tokens, at)
    day = read_ordinal(tokens, start, words.numbers) if start else None
    if not day or not 1 <= day[0] <= 31:
        return None
    if words.words["not_after_ordinal"].end(tokens, day[1]):
        return None
    return SpokenDate(_next_day(today, day[0]), at, day[1])


def _year(tokens: Sequence[str], at: int, words: DateWords) -> tuple[int | None, int]:
    run = read_number(tokens, at, words.numbers)
    if run and len(run.digits) == 4 and run.value in _FAR:
        return run.value, run.end
    return None, at


def _ahead(today: date, month: int, day: int, year: int | None) -> date:
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


def _next_day(today: date, day: int) -> date:
    month = today.replace(day=1)
    for _ in range(12):
        try:
            if (found := month.replace(day=day)) >= today:
                return found
        except ValueError:  # a month without that day
            pass
        month = (month + timedelta(32)).replace(day=1)
    raise ValueError("no such day")
