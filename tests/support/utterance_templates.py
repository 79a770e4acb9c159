"""Draws sentences from the templates in a language's utterances.toml, values included."""

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Maker = Callable[[random.Random], str]
_PIECE = re.compile(r"[()\[\]|]|\{\w+\}|[^()\[\]|{}]+")
_ONES = ("oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEENS = (
    "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()  # noqa: SIM905
)
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_DATES = ("tomorrow", "next tuesday", "monday", "the twenty fifth of november", "november third")
_HOURS = ("one", "three", "seven thirty", "ten", "four fifteen", "eleven forty five")


def digit_by_digit(digits: str, luck: random.Random) -> str:
    """Each digit on its own; a zero is "oh" or "zero", a pair sometimes "double"."""
    zero = luck.choice(("oh", "zero"))
    return " ".join(zero if digit == "0" else _ONES[int(digit)] for digit in digits)


def in_pairs(digits: str, luck: random.Random) -> str:
    """Four digits as two numbers: "ten forty two"."""
    return f"{_pair(digits[:2], luck)} {_pair(digits[2:], luck)}"


def as_quantity(digits: str, luck: random.Random) -> str:
    """A number from 1001 to 1099 as a quantity: "one thousand and forty two"."""
    joined = luck.choice((" and ", " "))
    return f"{luck.choice(('one', 'a'))} thousand{joined}{_below_hundred(int(digits[2:]))}"


def _pair(digits: str, luck: random.Random) -> str:
    number = int(digits)
    return f"oh {_ONES[number]}" if number < 10 else _below_hundred(number)


def _below_hundred(number: int) -> str:
    if number < 10:
        return _ONES[number]
    if number < 20:
        return _TEENS[number - 10]
    tens, ones = divmod(number, 10)
    return f"{_TENS[tens]} {_ONES[ones]}" if ones else _TENS[tens]


@dataclass
class Drawn:
    """A sentence and the digits its number slots stand for."""

    text: str = ""
    digits: dict[str, str] = field(default_factory=dict)


class Templates:
    """One reproducible stream of sentences."""

    def __init__(self, table: Mapping[str, Any], seed: int) -> None:
        self._luck = random.Random(seed)
        self._words: Mapping[str, Sequence[str]] = table["slot"]
        self._drawn = Drawn()
        self._makers: Mapping[str, Maker] = {
            "order_id": self._order_id,
            "digits": lambda luck: self._number("digits", 5, luck),
            "phone": lambda luck: self._number("phone", 10, luck),
            "confirmation": lambda luck: self._number("confirmation", 6, luck),
            "clock": lambda luck: luck.choice(_HOURS),
            "date": lambda luck: luck.choice(_DATES),
            "spelled": lambda _: "s m i t h",
            "amount": lambda _: "forty two",
        }

    def draw(self, template: str) -> Drawn:
        """One sentence of a template, optional parts present half of the time."""
        self._drawn = Drawn()
        text, rest = self._choice(_PIECE.findall(template))
        assert not rest, template
        said = " ".join(text.split())
        return Drawn(said, self._drawn.digits)

    def _order_id(self, luck: random.Random) -> str:
        digits = str(luck.randint(1001, 1050))
        self._drawn.digits["order_id"] = digits
        return luck.choice((digit_by_digit, in_pairs, as_quantity))(digits, luck)

    def _number(self, name: str, length: int, luck: random.Random) -> str:
        digits = "".join(luck.choice("123456789") for _ in range(length))
        self._drawn.digits[name] = digits
        return digit_by_digit(digits, luck)

    def _choice(self, pieces: list[str]) -> tuple[str, list[str]]:
        """Alternatives are expanded one by one, so only the chosen one's values are kept."""
        kept: list[tuple[str, dict[str, str]]] = []
        current, before = "", dict(self._drawn.digits)
        while True:
            if not pieces or pieces[0] in ")]|":
                kept.append((current, dict(self._drawn.digits)))
                current, self._drawn.digits = "", dict(before)
                if not pieces or pieces[0] != "|":
                    break
                pieces = pieces[1:]
                continue
            piece, pieces = pieces[0], pieces[1:]
            text, pieces = self._piece(piece, pieces)
            current += text
        text, self._drawn.digits = self._luck.choice(kept)
        return text, pieces

    def _piece(self, piece: str, rest: list[str]) -> tuple[str, list[str]]:
        if piece in "([":
            before = dict(self._drawn.digits)
            inner, rest = self._choice(rest)
            if piece == "[" and self._luck.random() < 0.5:
                inner, self._drawn.digits = "", before
            return inner, rest[1:]
        if piece.startswith("{"):
            return self._slot(piece[1:-1]), rest
        return piece, rest

    def _slot(self, name: str) -> str:
        if name in self._makers:
            return self._makers[name](self._luck)
        return self._choice(_PIECE.findall(self._luck.choice(list(self._words[name]))))[0]
