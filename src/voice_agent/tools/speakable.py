"""Dates and times of day as they are said in English."""

from datetime import date, time


def say_date(day: date) -> str:
    """`Wednesday, November 25`."""
    return f"{day:%A}, {day:%B} {day.day}"


def say_time(moment: time) -> str:
    """`9 AM`, `4:30 PM`, `noon`, `midnight`."""
    if moment == time(0):
        return "midnight"
    if moment == time(12):
        return "noon"
    hour = moment.hour % 12 or 12
    minutes = f":{moment.minute:02d}" if moment.minute else ""
    return f"{hour}{minutes} {'AM' if moment.hour < 12 else 'PM'}"


def say_list(parts: list[str], last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} {last} {parts[-1]}"
