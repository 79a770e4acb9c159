"""Dates as they are said, resolved forward from today; other readings are reported.

"next Tuesday" is the Tuesday of the following calendar week (Monday first); when a nearer
Tuesday lies ahead it is reported as the other reading.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any, Final

from voice_agent.engines.nlu.calendar_days import (
    day_ahead,
    last_of_month,
    months_later,
    next_day,
    nth_weekday_ahead,
)
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
    feasts: Phrases[tuple[int, ...]]
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
    table["feasts"] = Phrases({name: tuple(day) for name, day in table["feasts"].items()})
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
    readers = (
        *(_relative, _feast, _weekend, _month_end, _counted, _numeric, _nth_weekday),
        *(_month_first, _day_first, _day_of_next_month, _week_first, _weekday, _day_alone),
    )
    try:
        readings = (reader(tokens, at, today, words) for reader in readers)
        return next(filter(None, readings), None)
    except (ValueError, OverflowError):  # the thirtieth of February
        return None


def _relative(tokens: Sequence[str], at: int, today: date, words: DateWords) -> SpokenDate | None:
    entry = words.days.entry(tokens, at)
    return SpokenDate(today + timedelta(entry[0]), at, entry[1]) if entry else None


def _feast(tokens: Sequence[str], at: int, today: date, words: DateWords) -> SpokenDate | None:
    """As in "Christmas Eve", "Thanksgiving"."""
    entry = words.feasts.entry(tokens, at)
    if not entry:
        return None
    feast, end = entry
    if len(feast) == 2:
        return SpokenDate(day_ahead(today, *feast, None), at, end)
    return SpokenDate(nth_weekday_ahead(today, *feast), at, end)


def _weekend(tokens: Sequence[str], at: int, today: date, words: DateWords) -> SpokenDate | None:
    """Saturday, and Sunday as the other reading."""
    following = words.words["following"].end(tokens, at)
    start = following or words.words["this_weekend"].end(tokens, at)
    if not start or word_at(tokens, start) not in words.words["weekend"]:
        return None
    saturday = today + timedelta(5 - today.weekday() + (7 if following else 0))
    days = [day for day in (saturday, saturday + timedelta(1)) if day >= today]
    return SpokenDate(days[0], at, start + 1, tuple(days[1:]))


def _month_end(tokens: Sequence[str], at: int, today: date, words: DateWords) -> SpokenDate | None:
    """As in "the last day of the month"."""
    end = words.words["month_end"].end(tokens, at)
    return SpokenDate(last_of_month(today), at, end) if end else None


def _counted(tokens: Sequence[str], at: int, today: date, words: DateWords) -> SpokenDate | None:
    """As in "in two days", "a week from now", "a month from today", "a week from Friday"."""
    within = words.words["within"].end(tokens, at)
    start = within or at
    one = words.words["one"].end(tokens, start)
    count = (1, one) if one else read_small(tokens, start, words.numbers)
    unit = word_at(tokens, count[1]) if count else ""
    if not count or not (unit in words.units or unit in words.words["months"]):
        return None
    after = count[1] + 1
    end = words.words["from_now"].end(tokens, after)
    base = None if within or end else _base(tokens, after, today, words)
    if not within and not end and not base:
        return None
    first = base.value if base else today
    last = base.end if base else end or after
    if unit in words.units:
        return SpokenDate(first + timedelta(count[0] * words.units[unit]), at, last)
    return SpokenDate(months_later(first, count[0]), at, last)


def _base(tokens: Sequence[str], at: int, today: date, words: DateWords) -> SpokenDate | None:
    """The day that is counted from, as in "from Friday"."""
    start = words.words["counted_from"].end(tokens, at)
    return _read(tokens, start, today, words) if start and start < len(tokens) else None


def _nth_weekday(
    tokens: Sequence[str], at: int, today: date, words: DateWords
) -> SpokenDate | None:
    """As in "the first Monday in January"."""
    start = words.words["the"].end(tokens, at) or at
    nth = read_ordinal(tokens, start, words.numbers)
    weekday = words.weekdays.get(word_at(tokens, nth[1])) if nth else None
    if nth is None or weekday is None or not 1 <= nth[0] <= 5:
        return None
    of = words.words["of"].end(tokens, nth[1] + 1) or words.words["within"].end(tokens, nth[1] + 1)
    month = words.months.get(word_at(tokens, of)) if of else None
    if not month:
        return None
    return SpokenDate(nth_weekday_ahead(today, month, weekday, nth[0]), at, of + 1)


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
    chosen = day_ahead(today, first, second, year)
    other = day_ahead(today, second, first, year) if second <= 12 and first != second else None
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
    return SpokenDate(day_ahead(today, month, day[0], year), at, end)


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
    return SpokenDate(day_ahead(today, month, day[0], year), at, end)


def _day_of_next_month(
    tokens: Sequence[str], at: int, today: date, words: DateWords
) -> SpokenDate | None:
    """As in "the fifth of next month"."""
    start = words.words["the"].end(tokens, at) or at
    day = read_ordinal(tokens, start, words.numbers)
    of = words.words["of"].end(tokens, day[1]) if day else 0
    following = of and word_at(tokens, of) in words.words["following"]
    if not day or not following or word_at(tokens, of + 1) not in words.words["months"]:
        return None
    return SpokenDate(months_later(today.replace(day=1), 1).replace(day=day[0]), at, of + 2)


def _week_first(tokens: Sequence[str], at: int, today: date, words: DateWords) -> SpokenDate | None:
    """As in "next week on Thursday"."""
    if tokens[at] not in words.words["following"]:
        return None
    if word_at(tokens, at + 1) not in words.words["week"]:
        return None
    start = at + 3 if word_at(tokens, at + 2) in words.words["coming"] else at + 2
    weekday = words.weekdays.get(word_at(tokens, start))
    if weekday is None:
        return None
    return SpokenDate(today + timedelta(7 - today.weekday() + weekday), at, start + 1)


def _weekday(tokens: Sequence[str], at: int, today: date, words: DateWords) -> SpokenDate | None:
    """As in "Tuesday", "this Tuesday", "next Tuesday", "Tuesday next week", "Tuesday the fifth"."""
    next_week = tokens[at] in words.words["following"]
    here = at + 1 if next_week or tokens[at] in words.words["coming"] else at
    weekday = words.weekdays.get(word_at(tokens, here))
    if weekday is None:
        return None
    end = here + 1
    week = words.words["of"].end(tokens, end) or end
    if (
        word_at(tokens, week) in words.words["following"]
        and word_at(tokens, week + 1) in words.words["week"]
    ):
        monday = today + timedelta(7 - today.weekday())
        return SpokenDate(monday + timedelta(weekday), at, week + 2)
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
    return SpokenDate(next_day(today, day[0]), at, day[1])


def _year(tokens: Sequence[str], at: int, words: DateWords) -> tuple[int | None, int]:
    run = read_number(tokens, at, words.numbers)
    if run and len(run.digits) == 4 and run.value in _FAR:
        return run.value, run.end
    return None, at
