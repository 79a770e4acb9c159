"""Draws sentences from the templates in a language's utterances.toml."""

import random
import re
from collections.abc import Callable, Mapping, Sequence

Maker = Callable[[random.Random], str]
_PIECE = re.compile(r"[()\[\]|]|\{\w+\}|[^()\[\]|{}]+")


def draw(template: str, slots: Mapping[str, Sequence[str] | Maker], luck: random.Random) -> str:
    """One sentence of a template, optional parts present half of the time."""
    text, rest = _sequence(_PIECE.findall(template), slots, luck)
    assert not rest, template
    return " ".join(text.split())


def _sequence(
    pieces: list[str], slots: Mapping[str, Sequence[str] | Maker], luck: random.Random
) -> tuple[str, list[str]]:
    choices, current = [], ""
    while pieces and pieces[0] not in ")]":
        piece, pieces = pieces[0], pieces[1:]
        if piece == "|":
            choices.append(current)
            current = ""
        elif piece in "([":
            inner, pieces = _sequence(pieces, slots, luck)
            current += inner if piece == "(" or luck.random() < 0.5 else ""
            pieces = pieces[1:]
        elif piece.startswith("{"):
            current += _slot(slots[piece[1:-1]], slots, luck)
        else:
            current += piece
    return luck.choice([*choices, current]), pieces


def _slot(
    slot: Sequence[str] | Maker, slots: Mapping[str, Sequence[str] | Maker], luck: random.Random
) -> str:
    return slot(luck) if callable(slot) else draw(luck.choice(list(slot)), slots, luck)
