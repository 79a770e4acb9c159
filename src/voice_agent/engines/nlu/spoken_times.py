"""Times of day as they are said; an hour without morning or afternoon has two readings."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from voice_agent.engines.nlu.phrases import word_at
from voice_agent.engines.nlu.spoken_dates import DateWords
from voice_agent.engines.nlu.spoken_numbers import read_number, read_small

Clock = tuple[int, int, int]
"""Hour, minute, and the word after the expression."""

_HALF_DAY: Final = 12


@dataclass(frozen=True, slots=True)
class SpokenTime:
    """A time of day ("15:30") said by the words `start` up to `end`, and its other reading."""

    value: str
    start: int
    end: int
    alternatives: tuple[str, ...] = ()


def find_times(
    tokens: Sequence[str], words: DateWords, *, expected: bool = False
) -> tuple[SpokenTime, ...]:
    """All times in an utterance; `expected` also takes a bare hour ("three")."""
    half = next((value for value, _, _ in words.halves.find(tokens)), "")
    found: list[SpokenTime] = []
    at = 0
    while at < len(tokens):
        pair = _between(tokens, at, words, half)
        reading = None if pair else _read(tokens, at, words, half, sure=expected)
        found += pair or ([reading] if reading else [])
        at = found[-1].end if pair or reading else at + 1
    return tuple(found)


def _between(tokens: Sequence[str], at: int, words: DateWords, half: str) -> list[SpokenTime]:
    """As in "between two and three"."""
    start = words.words["between"].end(tokens, at)
    first = _read(tokens, start, words, half, sure=True) if start else None
    joined = words.words["and"].end(tokens, first.end) if first else 0
    second = _read(tokens, joined, words, half, sure=True) if joined else None
    return [first, second] if first and second else []


def _read(
    tokens: Sequence[str], at: int, words: DateWords, half: str, *, sure: bool
) -> SpokenTime | None:
    if at >= len(tokens):
        return None
    if tokens[at] in words.clock:
        return SpokenTime(words.clock[tokens[at]], at, at + 1)
    if hundred := _of_24_hours(tokens, at, words):
        return hundred
    clock = _past_or_to(tokens, at, words) or _digital(tokens, at)
    start = at
    if not clock:
        start = words.words["at"].end(tokens, at) or at
        clock = _past_or_to(tokens, start, words) or _digital(tokens, start)
        clock = clock or _hour(tokens, start, words, sure=sure or start > at)
        clock = clock or _beside_a_date(tokens, start, words)
    if not clock or clock[0] >= 24 or clock[1] >= 60:
        return None
    end = words.words["oclock"].end(tokens, clock[2]) or clock[2]
    end = words.halves.end(tokens, end) or end
    return _halved(clock, half, words, at, end)


def _past_or_to(tokens: Sequence[str], at: int, words: DateWords) -> Clock | None:
    """As in "half past three", "quarter to four", "ten past nine"."""
    at = words.words["one"].end(tokens, at) or at
    if word_at(tokens, at) in words.words["half"]:
        minutes: tuple[int, int] | None = (30, at + 1)
    elif word_at(tokens, at) in words.words["quarter"]:
        minutes = (15, at + 1)
    else:
        minutes = read_small(tokens, at, words.numbers)
    if not minutes:
        return None
    spelled = words.words["minutes"].end(tokens, minutes[1])
    after = spelled or minutes[1]
    past = words.words["past"].end(tokens, after)
    to = 0 if past else words.words["to"].end(tokens, after)
    if not past and not to:
        return _half(tokens, after, words)
    hour = read_small(tokens, past or to, words.numbers)
    if not hour or not 1 <= hour[0] <= _HALF_DAY or (to and minutes[0] == 30):
        return None
    if to and not spelled and not _says_minutes(tokens, at, minutes[0], words):
        return None
    return (hour[0], minutes[0], hour[1]) if past else (_before(hour[0]), 60 - minutes[0], hour[1])


def _half(tokens: Sequence[str], at: int, words: DateWords) -> Clock | None:
    """As in "half eight", which is half past eight."""
    said = word_at(tokens, at - 1) in words.words["half"]
    hour = read_small(tokens, at, words.numbers) if said else None
    return (hour[0], 30, hour[1]) if hour and 1 <= hour[0] <= _HALF_DAY else None


def _of_24_hours(tokens: Sequence[str], at: int, words: DateWords) -> SpokenTime | None:
    """As in "fifteen thirty hours", "oh nine hundred hours"."""
    run = read_number(tokens, at, words.numbers)
    if not run or run.start != at or len(run.digits) not in (3, 4):
        return None
    end = words.words["hours"].end(tokens, run.end)
    hour, minute = divmod(run.value, 100)
    if not end or hour > 23 or minute > 59:
        return None
    return SpokenTime(_written(hour, minute), at, end)


def _beside_a_date(tokens: Sequence[str], at: int, words: DateWords) -> Clock | None:
    """Hour and minutes right before or after a date, as in "December second, eleven thirty"."""
    clock = _hour(tokens, at, words, sure=True)
    if not clock or not clock[1] or clock[1] % 5 or clock[0] > _HALF_DAY:
        return None
    near = word_at(tokens, at - 1) == "," or word_at(tokens, clock[2]) == ","
    return clock if near else None


def _says_minutes(tokens: Sequence[str], at: int, minutes: int, words: DateWords) -> bool:
    return word_at(tokens, at) in words.words["quarter"] or minutes in {5, 10, 20, 25}


def _before(hour: int) -> int:
    return hour - 1 if hour > 1 else _HALF_DAY


def _digital(tokens: Sequence[str], at: int) -> Clock | None:
    """As in "10:30"."""
    hour, colon, minute = word_at(tokens, at).partition(":")
    if colon and hour.isdecimal() and minute.isdecimal() and len(minute) == 2:
        return int(hour), int(minute), at + 1
    return None


def _hour(tokens: Sequence[str], at: int, words: DateWords, *, sure: bool) -> Clock | None:
    """As in "three", "three thirty", "three oh five"; only where something says it is a time."""
    hour = read_small(tokens, at, words.numbers)
    if not hour:
        return None
    minute, end = 0, hour[1]
    zero = word_at(tokens, end) in {**words.numbers.zeros, **words.numbers.soft_zeros}
    more = read_small(tokens, end + 1 if zero else end, words.numbers)
    if more and (zero or more[0] >= 10):
        minute, end = more
    marked = word_at(tokens, end) in words.words["oclock"] or words.halves.end(tokens, end)
    plausible = 1 <= hour[0] <= 23 and read_small(tokens, end, words.numbers) is None
    return (hour[0], minute, end) if plausible and (sure or marked) else None


def _halved(clock: Clock, half: str, words: DateWords, start: int, end: int) -> SpokenTime:
    hour, minute, _ = clock
    if hour == 0 or hour > _HALF_DAY:
        return SpokenTime(_written(hour, minute), start, end)
    morning, afternoon = _written(hour % 12, minute), _written(hour % 12 + 12, minute)
    if half:
        return SpokenTime(morning if half == "am" else afternoon, start, end)
    if hour in words.order["morning_hours"]:
        return SpokenTime(morning, start, end, (afternoon,))
    return SpokenTime(afternoon, start, end, (morning,))


def _written(hour: int, minute: int) -> str:
    return f"{hour:02d}:{minute:02d}"
