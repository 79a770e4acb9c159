"""Values of tools and arguments as words that can be said."""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Any, Final

from voice_agent.engines.llm.builtin.wording import Wording

_TIME: Final = re.compile(r"\d{2}:\d{2}(:\d{2})?")
_LONGEST: Final = 300
_MOST_ITEMS: Final = 5


def spoken(value: Any, wording: Wording) -> str:
    """A JSON value in words; "" for what cannot be said."""
    if isinstance(value, bool):
        return str(wording.word("yes" if value else "no"))
    if isinstance(value, int | float):
        return f"{value:.10g}"
    if isinstance(value, str):
        return _spoken_text(value.strip(), wording)
    if isinstance(value, Sequence):
        parts = [spoken(item, wording) for item in value[:_MOST_ITEMS]]
        return wording.joined([part for part in parts if part])
    if isinstance(value, Mapping):
        return _spoken_item(value, wording)
    return ""


def _spoken_item(value: Mapping[str, Any], wording: Wording) -> str:
    """An object by its name or title, with its quantity when there is more than one."""
    name = next((value[key] for key in ("name", "title", "label") if value.get(key)), None)
    if name is None:
        return ""
    quantity = value.get("quantity")
    counted = isinstance(quantity, int) and quantity > 1
    return f"{quantity} {spoken(name, wording)}" if counted else spoken(name, wording)


def _spoken_text(text: str, wording: Wording) -> str:
    try:
        if len(text) == 10:
            return say_date(date.fromisoformat(text), wording)
        if _TIME.fullmatch(text):
            return say_time(time.fromisoformat(text), wording)
        if len(text) > 10 and text[:4].isdecimal() and text[4] == "-":
            moment = datetime.fromisoformat(text)
            return f"{say_date(moment.date(), wording)}, {say_time(moment.time(), wording)}"
    except ValueError:
        pass
    plain = text.replace("_", " ") if " " not in text and "@" not in text else text
    return plain[:_LONGEST]


def say_date(day: date, wording: Wording) -> str:
    """As in "Tuesday, November 25"."""
    weekday = wording.word("weekdays")[day.weekday()]
    return f"{weekday}, {wording.word('months')[day.month - 1]} {day.day}"


def say_time(moment: time, wording: Wording) -> str:
    """As in "10:30 AM", "3 PM", "noon"."""
    if moment.minute == 0 and moment.hour in {0, 12}:
        return str(wording.word("noon" if moment.hour else "midnight"))
    minutes = f":{moment.minute:02d}" if moment.minute else ""
    half = wording.word("am" if moment.hour < 12 else "pm")
    return f"{moment.hour % 12 or 12}{minutes} {half}"
