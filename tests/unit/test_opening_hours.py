"""Opening hours across time zones, holidays, midnights and clock changes."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_agent.storage.records import Department, Holiday, OpenHours
from voice_agent.tools.opening_hours import (
    closes_at,
    hours_on,
    is_open,
    next_opening,
    say_hours,
    say_moment,
    say_week,
)

NEW_YORK = "America/New_York"
NINE_TO_FIVE = (OpenHours(time(9), time(17)),)
ALL_DAY = (OpenHours(time(0), time(0)),)


def shop(
    week: dict[int, tuple[OpenHours, ...]] | None = None,
    *holidays: Holiday,
    zone: str = NEW_YORK,
) -> Department:
    weekdays = dict.fromkeys(range(5), NINE_TO_FIVE)
    return Department(
        name="shop",
        title="Shop",
        time_zone=zone,
        time_zone_name="Eastern Time",
        week=weekdays if week is None else week,
        holidays=holidays,
    )


def local(text: str, zone: str = NEW_YORK) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-11-23T08:59:59", False),
        ("2026-11-23T09:00:00", True),
        ("2026-11-23T16:59:59", True),
        ("2026-11-23T17:00:00", False),
        ("2026-11-22T12:00:00", False),
    ],
)
def test_a_shop_is_open_from_opening_until_just_before_closing(moment: str, expected: bool) -> None:
    assert is_open(shop(), local(moment)) is expected


def test_the_departments_own_time_zone_counts() -> None:
    nine_in_the_evening_utc = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)
    assert is_open(shop(), nine_in_the_evening_utc)
    assert not is_open(shop(zone="Europe/Berlin"), nine_in_the_evening_utc)
    assert is_open(shop(zone="Pacific/Auckland"), nine_in_the_evening_utc)


def test_a_holiday_closes_the_shop_and_moves_the_next_opening() -> None:
    thanksgiving = Holiday(date(2026, 11, 26), "Thanksgiving Day")
    closed = shop(None, thanksgiving)
    assert not is_open(closed, local("2026-11-26T12:00:00"))
    opening = next_opening(closed, local("2026-11-25T18:00:00"))
    assert opening == local("2026-11-27T09:00:00")


def test_a_holiday_may_have_hours_of_its_own() -> None:
    eve = Holiday(date(2026, 12, 24), "Christmas Eve", (OpenHours(time(9), time(13)),))
    short = shop(None, eve)
    assert is_open(short, local("2026-12-24T12:59:00"))
    assert not is_open(short, local("2026-12-24T13:00:00"))
    assert closes_at(short, local("2026-12-24T10:00:00")) == local("2026-12-24T13:00:00")


def test_hours_may_run_past_midnight() -> None:
    bar = shop({4: (OpenHours(time(20), time(2)),)})
    assert is_open(bar, local("2026-11-28T01:59:00"))
    assert not is_open(bar, local("2026-11-28T02:00:00"))
    assert not is_open(bar, local("2026-11-27T01:00:00"))


def test_a_lunch_break_closes_and_opens_again() -> None:
    halves = (OpenHours(time(9), time(12)), OpenHours(time(13), time(17)))
    split = shop({0: halves})
    assert not is_open(split, local("2026-11-23T12:30:00"))
    assert next_opening(split, local("2026-11-23T12:30:00")) == local("2026-11-23T13:00:00")
    assert say_hours(hours_on(split, date(2026, 11, 23))) == "9 AM to noon and 1 PM to 5 PM"


def test_always_open_never_closes_and_never_opens() -> None:
    always = shop(dict.fromkeys(range(7), ALL_DAY))
    at = local("2026-11-23T00:00:00")
    assert is_open(always, at)
    assert closes_at(always, at) is None
    assert next_opening(always, at) is None
    assert say_week(always) == "every day 24 hours"


def test_never_open_has_no_next_opening() -> None:
    never = shop({})
    assert next_opening(never, local("2026-11-23T00:00:00")) is None
    assert say_week(never) == "every day closed"


def test_both_clock_changes_keep_the_local_hours() -> None:
    sundays = shop({6: NINE_TO_FIVE})
    for day in ("2026-03-08", "2026-11-01"):
        assert not is_open(sundays, local(f"{day}T08:59:00"))
        assert is_open(sundays, local(f"{day}T09:00:00"))
        assert not is_open(sundays, local(f"{day}T17:00:00"))


def test_an_opening_in_the_hour_that_is_skipped_comes_once() -> None:
    early = shop({6: (OpenHours(time(2, 30), time(6)),)})
    at = local("2026-03-08T00:00:00")
    opening = next_opening(early, at)
    assert opening is not None
    assert is_open(early, opening)
    assert opening.astimezone(UTC) == datetime(2026, 3, 8, 7, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        ("2026-11-23T17:00:00", "today at 5 PM"),
        ("2026-11-24T09:00:00", "tomorrow at 9 AM"),
        ("2026-11-27T12:00:00", "Friday at noon"),
        ("2026-11-30T08:30:00", "Monday, November 30 at 8:30 AM"),
    ],
)
def test_a_moment_is_said_as_people_say_it(moment: str, said: str) -> None:
    assert say_moment(local(moment), local("2026-11-23T10:00:00")) == said


def test_a_week_is_said_in_runs_of_equal_days() -> None:
    saturday = {5: (OpenHours(time(10), time(16, 30)),)}
    spoken = say_week(shop({**dict.fromkeys(range(5), NINE_TO_FIVE), **saturday}))
    assert spoken == "Monday to Friday 9 AM to 5 PM, Saturday 10 AM to 4:30 PM, Sunday closed"


times = st.builds(time, st.integers(0, 23), st.sampled_from([0, 30]))
weeks = st.dictionaries(
    st.integers(0, 6), st.lists(st.builds(OpenHours, times, times), max_size=2).map(tuple)
)
zones = st.sampled_from(["UTC", NEW_YORK, "Asia/Kolkata", "Pacific/Apia", "Australia/Lord_Howe"])
moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone


@given(weeks, zones, moments)
def test_the_next_opening_is_the_first_moment_of_being_open(
    week: dict[int, tuple[OpenHours, ...]], zone: str, at: datetime
) -> None:
    department = shop(week, zone=zone)
    opening = next_opening(department, at)
    if opening is None:
        assert is_open(department, at) or not any(week.values())
        return
    assert opening > at
    assert is_open(department, opening)
    assert not is_open(department, opening - timedelta.resolution)


@given(weeks, zones, moments)
def test_a_closing_is_the_end_of_being_open(
    week: dict[int, tuple[OpenHours, ...]], zone: str, at: datetime
) -> None:
    department = shop(week, zone=zone)
    closing = closes_at(department, at)
    if closing is not None:
        assert closing > at
        assert not is_open(department, closing)
        assert is_open(department, closing - timedelta.resolution)
        assert is_open(department, at)
