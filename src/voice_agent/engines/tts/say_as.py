"""Characters read in a certain way, in English words: what `say-as` asks for.

Small on purpose: it knows the ways that markup can name, not how to find them in a text.
"""

import re
from collections.abc import Callable
from enum import StrEnum
from typing import Final


class SayAsKind(StrEnum):
    """The ways; the value is the attribute `interpret-as`."""

    DIGITS = "digits"
    CHARACTERS = "characters"
    TELEPHONE = "telephone"
    DATE = "date"
    TIME = "time"
    CARDINAL = "cardinal"
    ORDINAL = "ordinal"
    CURRENCY = "currency"


_ONES: Final = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    *("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen"),
    *("eighteen", "nineteen"),
)
_TENS: Final = (
    *("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"),
)
_SCALES: Final = ("", "thousand", "million", "billion", "trillion")
_IRREGULAR: Final = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
_SYMBOLS: Final = {
    "-": "dash",
    ".": "dot",
    "@": "at",
    "_": "underscore",
    "/": "slash",
    "+": "plus",
    "#": "hash",
    "*": "star",
    "&": "and",
    ":": "colon",
}
_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June", "July", "August"),
    *("September", "October", "November", "December"),
)
_CURRENCIES: Final = {
    "$": ("dollar", "cent"),
    "USD": ("dollar", "cent"),
    "€": ("euro", "cent"),
    "EUR": ("euro", "cent"),
    "£": ("pound", "penny"),
    "GBP": ("pound", "penny"),
}
_PLURALS: Final = {"penny": "pence"}
_NUMBER: Final = re.compile(r"(-?)(\d{1,3}(?:,\d{3})+|\d{1,15})(?:\.(\d{1,15}))?")
_DATE: Final = re.compile(r"(\d{1,4})[-/. ](\d{1,2})(?:[-/. ](\d{1,4}))?")
_TIME: Final = re.compile(r"(\d{1,2}):(\d{2})(?::\d{2})?\s*([AaPp])?\.?(?:[Mm]\.?)?")
_MONEY: Final = re.compile(
    r"(\$|€|£|[A-Z]{3})?\s*(\d{1,3}(?:,\d{3})+|\d{1,15})(?:[.](\d{2}))?\s*([A-Z]{3}|€)?"
)


def read_as(kind: SayAsKind, text: str, order: str = "") -> str:
    """The words for `text`; what cannot be read in that way is given back as it is.

    `order` says which part of a date is which: `mdy`, `dmy`, `ymd` or a shorter one.
    """
    written = " ".join(text.split())
    said = _date(written, order) if kind is SayAsKind.DATE else _READERS[kind](written)
    return said or written


def cardinal(value: int) -> str:
    """How many, as in "one thousand forty two"; digit by digit from a quadrillion on."""
    if value < 20:
        return _ONES[value]
    if value >= 1000 ** len(_SCALES):
        return _spelled(str(value))
    parts: list[str] = []
    for scale in _SCALES:
        value, part = divmod(value, 1000)
        if part:
            parts.append(f"{_below_thousand(part)} {scale}".strip())
    return " ".join(reversed(parts))


def ordinal(value: int) -> str:
    """Which one, as in "twenty first"."""
    head, _, last = cardinal(value).rpartition(" ")
    if last in _IRREGULAR:
        last = _IRREGULAR[last]
    else:
        last = f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th"
    return f"{head} {last}".strip()


def _below_thousand(value: int) -> str:
    hundreds, rest = divmod(value, 100)
    head = f"{_ONES[hundreds]} hundred" if hundreds else ""
    return f"{head} {_below_hundred(rest) if rest else ''}".strip()


def _below_hundred(value: int) -> str:
    if value < 20:
        return _ONES[value]
    return f"{_TENS[value // 10]} {_ONES[value % 10] if value % 10 else ''}".strip()


def _spelled(characters: str) -> str:
    """Letters as capitals, digits as words, one by one; the rest is left out."""
    return " ".join(
        _ONES[int(char)] if char in "0123456789" else char.upper()
        for char in characters
        if char.isalnum()
    )


def _groups(run: str) -> list[str]:
    """A long run in threes, with a four or two fours at its end."""
    if len(run) <= 4:
        return [run]
    fours = len(run) % 3
    cut = len(run) - 4 * fours
    if cut < 0:
        return [run[:3], run[3:]]
    threes = [run[i : i + 3] for i in range(0, cut, 3)]
    return threes + [run[i : i + 4] for i in range(cut, len(run), 4)]


def _digits(text: str) -> str:
    runs = [run for run in re.split(r"[\W_]+", text) if run]
    return ", ".join(_spelled(group) for run in runs for group in _groups(run))


def _characters(text: str) -> str:
    said = (_SYMBOLS.get(char) or _spelled(char) for char in text if not char.isspace())
    return " ".join(word for word in said if word)


def _telephone(text: str) -> str:
    plus = "plus " if text.lstrip().startswith("+") else ""
    return plus + _digits(text) if any(map(str.isalnum, text)) else ""


def _cardinal(text: str) -> str:
    number = _NUMBER.fullmatch(text)
    if not number:
        return ""
    sign, whole, part = number.groups()
    said = cardinal(int(whole.replace(",", "")))
    return " ".join(filter(None, ("minus" * bool(sign), said, _point(part))))


def _point(part: str | None) -> str:
    return f"point {_spelled(part)}" if part else ""


def _ordinal(text: str) -> str:
    number = re.fullmatch(r"(\d{1,9})(?:st|nd|rd|th)?", text, re.IGNORECASE)
    return ordinal(int(number[1])) if number else ""


def _date(text: str, order: str) -> str:
    found = _DATE.fullmatch(text)
    if not found:
        return ""
    parts = [part for part in found.groups() if part]
    letters = order.lower() if len(order) == len(parts) else _guessed_order(parts)
    named = dict(zip(letters, parts, strict=True))
    month, day, year = (int(named.get(key, "0")) for key in "mdy")
    if not 1 <= month <= 12 or day > 31:
        return ""
    day_said = ordinal(day) if day else ""
    said = " ".join(filter(None, (_MONTHS[month - 1], day_said)))
    return f"{said}, {_year(year)}" if year else said


def _guessed_order(parts: list[str]) -> str:
    if len(parts[0]) == 4:
        return "ymd"[: len(parts)]
    return "mdy"[: len(parts)]


def _year(value: int) -> str:
    if value < 1000 or 2000 <= value < 2010:
        return cardinal(value)
    high, low = divmod(value, 100)
    if low == 0:
        return f"{_below_hundred(high)} hundred"
    return f"{_below_hundred(high)} {'oh ' if low < 10 else ''}{_below_hundred(low)}"


def _time(text: str) -> str:
    found = _TIME.fullmatch(text)
    if not found or int(found[1]) > 23 or int(found[2]) > 59:
        return ""
    hour, minute, half = int(found[1]), int(found[2]), found[3]
    if not half and (hour == 0 or hour > 12):
        half, hour = "a" if hour < 12 else "p", hour % 12 or 12
    minutes = f"{'oh ' if minute < 10 else ''}{_below_hundred(minute)}" if minute else ""
    if not minutes and not half:
        minutes = "o'clock"
    return " ".join(
        filter(None, (_below_hundred(hour), minutes, f"{half} m".upper() if half else ""))
    )


def _currency(text: str) -> str:
    found = _MONEY.fullmatch(text)
    if not found:
        return ""
    unit = _CURRENCIES.get(found[1] or found[4] or "$")
    if unit is None:
        return ""
    whole, cents = int(found[2].replace(",", "")), int(found[3] or 0)
    said = [_counted(whole, unit[0])] if whole or not cents else []
    return " and ".join([*said, _counted(cents, unit[1])] if cents else said)


def _counted(count: int, unit: str) -> str:
    return f"{cardinal(count)} {unit if count == 1 else _PLURALS.get(unit, unit + 's')}"


_READERS: Final[dict[SayAsKind, Callable[[str], str]]] = {
    SayAsKind.DIGITS: _digits,
    SayAsKind.CHARACTERS: _characters,
    SayAsKind.TELEPHONE: _telephone,
    SayAsKind.TIME: _time,
    SayAsKind.CARDINAL: _cardinal,
    SayAsKind.ORDINAL: _ordinal,
    SayAsKind.CURRENCY: _currency,
}
