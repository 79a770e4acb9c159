"""Dates and times as English speech."""

import re
from typing import Final

from voice_agent.pipeline.spoken.engine import Rule
from voice_agent.pipeline.spoken.english_contacts import sentence_end
from voice_agent.pipeline.spoken.english_numbers import (
    DIGITS,
    below_hundred,
    cardinal,
    ordinal,
    year,
)

MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June", "July", "August", "September"),
    *("October", "November", "December"),
)
_MONTH_OF: Final = {month[:3].lower(): month for month in MONTHS}
_MONTH: Final = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?"
    r"|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)(?![A-Za-z])\.?"
)
_DAYS: Final = {
    day[:3]: day
    for day in ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
}
_DAY: Final = r"(?:Mon|Tues?|Wed|Thu(?:rs?)?|Fri|Sat|Sun)(?:day|sday|nesday|rsday|urday)?"
_ZONES: Final = {"E": "Eastern", "C": "Central", "M": "Mountain", "P": "Pacific"}


def _day_of(month: int, day: int, year_text: str = "") -> str:
    said = f"{MONTHS[month - 1]} {ordinal(day)}"
    return f"{said}, {_year_of(year_text)}" if year_text else said


def _year_of(text: str) -> str:
    return year(int(text) + 2000 if len(text) == 2 else int(text))


def _valid(month: int, day: int) -> bool:
    return 1 <= month <= 12 and 1 <= day <= 31


def iso_date(match: re.Match[str]) -> str:
    """2026-11-25 and 2026-11-25T15:30:00Z."""
    month, day = int(match["month"]), int(match["day"])
    date = _day_of(month, day, match["year"]) if _valid(month, day) else match["year"]
    clock = match["clock"]
    return f"{date} at {say_clock(int(clock[:2]), int(clock[3:5]))}" if clock else date


def numeric_date(match: re.Match[str]) -> str:
    """11/25/2026; the day comes first where it must."""
    first, second = int(match["first"]), int(match["second"])
    month, day = (second, first) if first > 12 else (first, second)
    return _day_of(month, day, match["year"])


def month_day(match: re.Match[str]) -> str:
    """Such as "Nov 25", "November 25th, 2026", "Nov 25-27"."""
    month = _MONTH_OF[match["month"][:3].lower()]
    said = f"{month} {ordinal(int(match['day']))}"
    if match["last"]:
        said += f" to {ordinal(int(match['last']))}"
    return f"{said}, {year(int(match['year']))}" if match["year"] else said


def day_month(match: re.Match[str]) -> str:
    """Such as "25 Nov 2026", "25-Nov-2026"."""
    month = _MONTH_OF[match["month"][:3].lower()]
    said = f"{month} {ordinal(int(match['day']))}"
    return f"{said}, {_year_of(match['year'])}" if match["year"] else said + sentence_end(match)


def month_year(match: re.Match[str]) -> str:
    """Such as "Nov 2026"."""
    return f"{_MONTH_OF[match['month'][:3].lower()]} {year(int(match['year']))}"


def month_name(match: re.Match[str]) -> str:
    """Such as "Nov." alone."""
    return _MONTH_OF[match.group()[:3].lower()] + sentence_end(match)


def week_day(match: re.Match[str]) -> str:
    """Such as "Mon", "Tues."."""
    return _DAYS[match.group()[:3]] + sentence_end(match)


def week_days(match: re.Match[str]) -> str:
    """Such as "Mon-Fri"."""
    return f"{_DAYS[match['first'][:3]]} to {_DAYS[match['last'][:3]]}" + sentence_end(match)


def say_clock(hour: int, minute: int, half: str = "") -> str:
    """Such as "three thirty P M"; a 24-hour time gets its half of the day, 9:00 says "o'clock"."""
    if not half and (hour > 12 or hour == 0):
        half = "P M" if hour > 12 and hour < 24 else "A M"
    said = below_hundred(hour % 12 or 12) if half or hour > 12 else below_hundred(hour)
    if minute:
        said += " " + (below_hundred(minute) if minute > 9 else f"oh {DIGITS[minute]}")
    elif not half:
        return f"{said} o'clock"
    return f"{said} {half}".strip()


def clock_time(match: re.Match[str]) -> str:
    """Such as "3:30 pm", "15:30", "9 AM EST"."""
    hour, half = int(match["hour"]), match["half"]
    meridiem = f"{half[0].upper()} M" if half else ""
    if hour > 12:
        meridiem = ""
    said = say_clock(hour, int(match["minute"] or 0), meridiem)
    if match["second"]:
        said += f" and {cardinal(int(match['second']))} seconds"
    return f"{said} {_zone(match['zone'])}".strip() + sentence_end(match)


def _zone(zone: str | None) -> str:
    if not zone:
        return ""
    return (
        _ZONES[zone[0]]
        if zone[0] in _ZONES and zone[-1] == "T" and zone != "GMT"
        else " ".join(zone)
    )


_HALF: Final = r"(?P<half>[AaPp]\.[Mm](?![A-Za-z])\.?|[AaPp][Mm](?![A-Za-z]))"
_ZONE: Final = r"(?: (?P<zone>[ECMP][SD]?T|UTC|GMT)(?![A-Za-z]))?"
_LATER: Final = (
    r"(?:st|nd|rd|th)?"
    r"(?:(?: ?– ?|-)(?P<last>\d{1,2})(?:st|nd|rd|th)?(?![\d:]| ?[AaPp]\.?[Mm]))?"
)

RULES: Final = (
    Rule(
        re.compile(
            r"(?<![\d-])(?P<year>[12]\d{3})-(?P<month>0[1-9]|1[0-2])-(?P<day>0[1-9]|[12]\d|3[01])(?![\d-])"
            r"(?:[T ](?P<clock>[01]\d:[0-5]\d|2[0-3]:[0-5]\d)(?::\d\d(?:\.\d{1,9})?)?"
            r"(?:Z|[+-]\d\d:?\d\d)?)?"
        ),
        iso_date,
        needs_digit=True,
    ),
    Rule(
        re.compile(
            r"(?<![\d/.-])(?P<first>0?[1-9]|1[0-2])[/-](?P<second>0?[1-9]|[12]\d|3[01])"
            r"(?:[/-](?=[12])|/)(?P<year>(?:19|20)\d\d|\d\d(?!\d))(?![\d/-]|\.\d)"
        ),
        numeric_date,
        needs_digit=True,
    ),
    Rule(
        re.compile(
            r"(?<![\d/.-])(?P<first>1[3-9]|2\d|3[01])[/.-](?P<second>0?[1-9]|1[0-2])"
            r"[/.-](?P<year>(?:19|20)\d\d)(?![\d/-]|\.\d)"
        ),
        numeric_date,
        needs_digit=True,
    ),
    Rule(
        re.compile(
            rf"(?<![A-Za-z])(?P<month>{_MONTH}) ?(?P<day>0?[1-9]|[12]\d|3[01])"
            rf"(?![\d:%]|[.,]\d| ?[AaPp]\.?[Mm](?![A-Za-z])){_LATER}(?![A-Za-z])"
            r"(?:,? (?P<year>(?:19|20)\d\d)(?![\d,:]|\.\d))?"
        ),
        month_day,
        needs_digit=True,
    ),
    Rule(
        re.compile(
            r"(?<![\d.,:/$-])(?P<day>0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th)?(?: of |[ -])"
            rf"(?P<month>{_MONTH})(?:,?[ -](?P<year>(?:19|20)\d\d)(?!\d))?"
        ),
        day_month,
        needs_digit=True,
    ),
    Rule(
        re.compile(rf"(?<![A-Za-z])(?P<month>{_MONTH}),? (?P<year>(?:19|20)\d\d)(?![\d,:])"),
        month_year,
        needs_digit=True,
    ),
    Rule(re.compile(r"(?<![A-Za-z])(?:Jan|Feb|Apr|Aug|Sept?|Oct|Nov|Dec)\.(?= |$|,)"), month_name),
    Rule(
        re.compile(rf"(?<![A-Za-z])(?P<first>{_DAY})\.? ?[-–—] ?(?P<last>{_DAY})(?![A-Za-z])\.?"),
        week_days,
    ),
    Rule(
        re.compile(
            r"(?<![A-Za-z])(?:Mon|Tues?|Wed|Thu(?:rs?)?|Fri|Sat(?=[.,:])|Sun(?=[.,:] ?\d))"
            r"(?![A-Za-z'])\.?"
        ),
        week_day,
    ),
    Rule(
        re.compile(
            r"(?<![\d:.,])(?P<hour>[01]?\d|2[0-4]):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?(?![\d:])"
            rf"(?: ?{_HALF})?{_ZONE}"
        ),
        clock_time,
        needs_digit=True,
    ),
    Rule(
        re.compile(
            rf"(?<![\d:.,])(?P<hour>0?[1-9]|1[0-2])(?P<minute>)(?P<second>) ?{_HALF}{_ZONE}"
        ),
        clock_time,
        needs_digit=True,
    ),
)
