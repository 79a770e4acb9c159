"""Words, dates and times as models send them: cleaned up, or refused with how to mend them."""

import re
import unicodedata
from datetime import date, time
from typing import Annotated, Final

from pydantic import BeforeValidator, Field, WithJsonSchema

_CLOCK: Final = re.compile(r"(\d{1,2})(?::?([0-5]\d))?(?::[0-5]\d)?\s*([ap])?\.?\s*m?\.?", re.ASCII)
_SEPARATORS: Final = re.compile(r"[\s._#-]+")


def clean(value: object) -> object:
    """Text on one line without control characters and half surrogates; others unchanged."""
    if not isinstance(value, str):
        return value
    kept = "".join(mark if _sayable(mark) else " " for mark in value)
    return " ".join(kept.split())


def _sayable(mark: str) -> bool:
    return unicodedata.category(mark) not in {"Cc", "Cs", "Cf", "Co", "Cn"}


def read_date(value: object) -> date:
    """The date in `2026-11-24`.

    Raises:
        ValueError: it is written in another way or does not exist.
    """
    if type(value) is date:
        return value
    try:
        if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value.strip(), re.ASCII):
            return date.fromisoformat(value.strip())
    except ValueError:
        pass
    raise ValueError("give a date that exists as YYYY-MM-DD, such as 2026-11-24")


def read_time(value: object) -> time:
    """The time of day in `15:30`, `3:30 PM`, `3 pm`.

    Raises:
        ValueError: it cannot be read; a bare `3` could be morning or afternoon.
    """
    if isinstance(value, time):
        return value
    match = _CLOCK.fullmatch(value.strip().casefold()) if isinstance(value, str) else None
    if match and (match[2] or match[3]):
        hour, minute = int(match[1]), int(match[2] or 0)
        if match[3] and 1 <= hour <= 12:
            return time(hour % 12 + (12 if match[3] == "p" else 0), minute)
        if not match[3] and hour <= 23:
            return time(hour, minute)
    raise ValueError("give a time as HH:MM on a 24-hour clock, such as 15:30")


def read_code(value: object) -> str:
    """A confirmation number without spaces and hyphens, upper case.

    Raises:
        ValueError: it holds anything but letters and digits, or too many or too few.
    """
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    code = _SEPARATORS.sub("", text).upper() if isinstance(text, str) else ""
    if not (code.isascii() and code.isalnum() and 3 <= len(code) <= 20):
        raise ValueError("give the confirmation number, letters and digits only")
    return code


Name = Annotated[str, BeforeValidator(clean), Field(min_length=1, max_length=200)]
"""A person's name."""
ShortText = Annotated[str, BeforeValidator(clean), Field(min_length=1, max_length=500)]
"""A few words."""
LongText = Annotated[str, BeforeValidator(clean), Field(max_length=2000)]
"""A comment."""
Day = Annotated[
    date, BeforeValidator(read_date), WithJsonSchema({"type": "string", "format": "date"})
]
"""A date, YYYY-MM-DD."""
TimeOfDay = Annotated[
    time, BeforeValidator(read_time), WithJsonSchema({"type": "string", "examples": ["15:30"]})
]
"""A local time of day, HH:MM."""
ConfirmationNumber = Annotated[
    str,
    BeforeValidator(read_code),
    WithJsonSchema({"type": "string", "examples": ["480115"]}),
]
"""What a caller was told when an appointment was booked."""
