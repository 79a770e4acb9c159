"""Dates and times as callers say them, resolved on Monday, November 23, 2026."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_agent.engines.nlu.language import load_language
from voice_agent.engines.nlu.spoken_dates import date_words, find_dates
from voice_agent.engines.nlu.spoken_times import find_times
from voice_agent.engines.nlu.tokens import tokenise

ENGLISH = load_language("en")
WORDS = date_words(ENGLISH)
TODAY = date(2026, 11, 23)


def dates(text: str, today: date = TODAY) -> list[tuple[str, ...]]:
    found = find_dates(tokenise(text, ENGLISH), today, WORDS)
    return [(str(day.value), *map(str, day.alternatives)) for day in found]


def times(text: str, *, expected: bool = False) -> list[tuple[str, ...]]:
    found = find_times(tokenise(text, ENGLISH), WORDS, expected=expected)
    return [(time.value, *time.alternatives) for time in found]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("today", "2026-11-23"),
        ("tomorrow", "2026-11-24"),
        ("the day after tomorrow", "2026-11-25"),
        ("this afternoon", "2026-11-23"),
        ("in two days", "2026-11-25"),
        ("in three weeks", "2026-12-14"),
        ("a week from today", "2026-11-30"),
        ("tuesday", "2026-11-24"),
        ("on friday", "2026-11-27"),
        ("this friday", "2026-11-27"),
        ("monday", "2026-11-30"),
        ("tuesday next week", "2026-12-01"),
        ("tuesday the first of december", "2026-12-01"),
        ("wednesday november twenty fifth", "2026-11-25"),
        ("the twenty fifth of november", "2026-11-25"),
        ("the 25th of november", "2026-11-25"),
        ("november twenty fifth", "2026-11-25"),
        ("november the twenty fifth", "2026-11-25"),
        ("november 25", "2026-11-25"),
        ("november twenty five", "2026-11-25"),
        ("november 25th two thousand twenty six", "2026-11-25"),
        ("twenty fifth november", "2026-11-25"),
        ("november first", "2027-11-01"),
        ("january third", "2027-01-03"),
        ("the fifth", "2026-12-05"),
        ("on the thirty first", "2026-12-31"),
        ("february twenty ninth", "2028-02-29"),
        ("11/25/2026", "2026-11-25"),
        ("11/25", "2026-11-25"),
        ("25/11/2026", "2026-11-25"),
        ("2026-11-25", "2026-11-25"),
    ],
)
def test_a_date_is_the_next_one_that_fits(text: str, day: str) -> None:
    assert dates(text) == [(day,)]


@pytest.mark.parametrize(
    ("text", "readings"),
    [
        ("next tuesday", ("2026-12-01", "2026-11-24")),
        ("next monday", ("2026-11-30",)),
        ("3/4", ("2027-03-04", "2027-04-03")),
        ("4/4", ("2027-04-04",)),
    ],
)
def test_a_date_with_two_readings_reports_both(text: str, readings: tuple[str, ...]) -> None:
    assert dates(text) == [readings]


def test_next_week_s_day_said_on_a_sunday_has_one_reading() -> None:
    assert dates("next tuesday", date(2026, 11, 22)) == [("2026-11-24",)]


@pytest.mark.parametrize(
    "text",
    [
        "the thirtieth of february",
        "13/40",
        "may i order",
        "the second one",
        "next week",
        "in a moment",
        "1042",
        "",
        "march on",
    ],
)
def test_what_is_no_date_gives_none(text: str) -> None:
    assert dates(text) == []


@pytest.mark.parametrize(
    ("text", "readings"),
    [
        ("tomorrow at half past three", ("15:30", "03:30")),
        ("at noon", ("12:00",)),
        ("midnight", ("00:00",)),
        ("quarter to four", ("15:45", "03:45")),
        ("a quarter past nine", ("09:15", "21:15")),
        ("ten to four", ("15:50", "03:50")),
        ("twenty past ten", ("10:20", "22:20")),
        ("half past twelve", ("12:30", "00:30")),
        ("three p m", ("15:00",)),
        ("3pm", ("15:00",)),
        ("3 p.m.", ("15:00",)),
        ("ten thirty a.m.", ("10:30",)),
        ("10:30 AM", ("10:30",)),
        ("at ten thirty", ("10:30", "22:30")),
        ("at three oh five", ("15:05", "03:05")),
        ("three o'clock", ("15:00", "03:00")),
        ("nine in the morning", ("09:00",)),
        ("tomorrow afternoon at three", ("15:00",)),
        ("seven in the evening", ("19:00",)),
        ("12 a.m.", ("00:00",)),
        ("twelve p m", ("12:00",)),
        ("15:30", ("15:30",)),
        ("at 15:30", ("15:30",)),
        ("around four", ("16:00", "04:00")),
    ],
)
def test_a_time_without_its_half_of_the_day_reports_both(
    text: str, readings: tuple[str, ...]
) -> None:
    assert times(text) == [readings]


@pytest.mark.parametrize(
    ("text", "reading"),
    [("three", "15:00"), ("ten forty five", "10:45"), ("fifteen thirty", "15:30"), ("9", "09:00")],
)
def test_a_bare_hour_is_a_time_only_where_one_was_asked_for(text: str, reading: str) -> None:
    assert times(text) == []
    assert times(text, expected=True)[0][0] == reading


@pytest.mark.parametrize(
    "text", ["25:70", "99:99", "ten forty two", "at home", "half", "one order"]
)
def test_what_is_no_time_gives_none(text: str) -> None:
    assert times(text) == []


@given(st.text(max_size=300), st.dates())
def test_any_text_on_any_day_is_read_without_an_error(text: str, today: date) -> None:
    tokens = tokenise(text, ENGLISH)
    find_dates(tokens, today, WORDS)
    find_times(tokens, WORDS, expected=True)


WORDS_OF_TIME = (
    *("the", "of", "to", "past", "half", "quarter", "at", "noon", "next", "this", "on", "in", "a"),
    *("week", "days", "from", "now", "monday", "sunday", "november", "february", "twenty"),
    *("thirty", "first", "fifth", "thirtieth", "ten", "three", "25th", "3/4", "10:30", "am", "pm"),
)
WORDY = st.lists(st.sampled_from(WORDS_OF_TIME), max_size=12).map(" ".join)


@given(WORDY, st.dates(date(2000, 1, 1), date(2090, 1, 1)))
def test_a_date_without_a_year_is_never_in_the_past(text: str, today: date) -> None:
    for day in find_dates(tokenise(text, ENGLISH), today, WORDS):
        assert day.value >= today
    for time in find_times(tokenise(text, ENGLISH), WORDS, expected=True):
        assert time.value <= "23:59"
