"""A number on its own: what it counts or names is told by the words before it."""

import re
from typing import Final

from voice_agent.pipeline.spoken.engine import Rule
from voice_agent.pipeline.spoken.english_amounts import NUMBER
from voice_agent.pipeline.spoken.english_calendar import MONTHS
from voice_agent.pipeline.spoken.english_numbers import (
    cardinal,
    decimal,
    identifier,
    spelled_in_groups,
    year,
)

_NAMED: Final = frozenset(
    [
        "order",
        "orders",
        "account",
        "accounts",
        "acct",
        "ticket",
        "tickets",
        "case",
        "cases",
        "invoice",
        "invoices",
        "reference",
        "references",
        "ref",
        "confirmation",
        "tracking",
        "booking",
        "bookings",
        "reservation",
        "reservations",
        "policy",
        "claim",
        "claims",
        "member",
        "customer",
        "employee",
        "serial",
        "model",
        "room",
        "rooms",
        "suite",
        "apt",
        "apartment",
        "unit",
        "flight",
        "flights",
        "gate",
        "route",
        "highway",
        "hwy",
        "extension",
        "ext",
        "box",
        "rma",
        "sku",
        "po",
        "bus",
        "channel",
        "item",
        "part",
        "number",
        "no",
        "id",
        "code",
    ]
)
"""A number after one of these names a thing and counts nothing."""
_DIGIT_BY_DIGIT: Final = frozenset(
    ("zip", "postal", "pin", "passcode", "ending in", "ends in", "ending with", "last four")
)
_FILLERS: Final = frozenset(("number", "numbers", "no", "num", "id", "code", "is", "was", "digits"))
_BEFORE_YEARS: Final = frozenset(
    ("in", "since", "year", "during", "circa", "of", "from", "until", "by", *map(str.lower, MONTHS))
)
_CONTEXT: Final = re.compile(r"[a-z]+|[0-9]+|[,&]|[^\w\s:#=.]")


def _named_by(context: list[str]) -> str:
    """The word that says what the number after `context` is, passing fillers and a list."""
    position = len(context) - 1
    while position >= 0:
        word = context[position]
        listed = word in {",", "and", "or", "&"} and context[position - 1 : position] != []
        if listed and context[position - 1].isdigit():
            position -= 2
        elif (
            word in _FILLERS and position and context[position - 1] in _NAMED | _DIGIT_BY_DIGIT
        ) or word in {"is", "was"}:
            position -= 1
        else:
            pair = " ".join(context[max(0, position - 1) : position + 1])
            return pair if pair in _DIGIT_BY_DIGIT else word
    return ""


def number(match: re.Match[str]) -> str:
    """A bare number: an identifier after "order", a year after "in", else a cardinal."""
    text = match["number"]
    before = match.string[max(0, match.start() - 48) : match.start()].lower()
    context = _CONTEXT.findall(before)[-8:] if before else []
    name = _named_by(context)
    named = name in _NAMED
    mark = "number " if match["hash"] and not named else ""
    if not text.isdigit():
        return mark + decimal(text)
    if name in _DIGIT_BY_DIGIT:
        return mark + spelled_in_groups(text)
    if mark or named:
        return mark + identifier(text)
    is_year = len(text) == 4 and text[:2] in {"19", "20"} and _like_year(match, context)
    return year(int(text)) if is_year else _plain(text)


def _like_year(match: re.Match[str], context: list[str]) -> bool:
    word = next((word for word in reversed(context) if word != ","), "")
    after = match.string[match.end() : match.end() + 7]
    return (
        word in _BEFORE_YEARS
        or re.match(r" ?[-–] ?(?:19|20)\d\d(?!\d)", after) is not None
        or re.search(
            r"(?:19|20)\d\d ?[-–] ?$", match.string[max(0, match.start() - 8) : match.start()]
        )
        is not None
    )


def _plain(text: str) -> str:
    if len(text) > 1 and text[0] == "0":
        return spelled_in_groups(text)
    if len(text) >= 7 and not text.endswith("000000"):
        return spelled_in_groups(text)
    return cardinal(int(text))


RULES: Final = (
    Rule(
        re.compile(rf"(?P<hash>(?:#|№|\bNos?\. ?)(?=\d))?(?P<number>{NUMBER})"),
        number,
        needs_digit=True,
    ),
)
