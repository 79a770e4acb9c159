"""Sentence patterns, written so that people who know the language can read and extend them.

where (is|are) [my] * {order}      words in order; * is up to four other words
^ hello $                          ^ and $ are the ends of the utterance
order #                            # is a run of number words
{order}                            a class of words, `classes` of the same file
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

_PIECES: Final = re.compile(r"[()\[\]|*^$#]|\{\w+\}|[^\s()\[\]|{}*^$#]+")
_GAP: Final = r"(?:\S+ ){0,4}?"
_FIXED: Final = {
    "(": "(?:",
    ")": ")",
    "[": "(?:",
    "]": ")?",
    "|": "|",
    "*": _GAP,
    "^": r"\A",
    "$": r"\Z",
}


@dataclass(frozen=True)
class Vocabulary:
    """Named word classes, and the words that `#` stands for."""

    classes: Mapping[str, Sequence[str]]
    numbers: frozenset[str] = frozenset()

    def compile(self, patterns: Sequence[str]) -> re.Pattern[str] | None:
        """One expression for `spaced(tokens)`; None for no patterns."""
        if not patterns:
            return None
        alternatives = "|".join(self._expression(pattern) for pattern in patterns)
        return re.compile(rf"(?<!\S)(?:{alternatives})")

    def _expression(self, pattern: str) -> str:
        return "".join(self._piece(piece) for piece in _PIECES.findall(pattern))

    def _piece(self, piece: str) -> str:
        if piece in _FIXED:
            return _FIXED[piece]
        if piece == "#":
            words = "|".join(sorted(self.numbers, key=len, reverse=True))
            return rf"(?:(?:\d\S*|{words}) )+"
        if piece.startswith("{"):
            members = sorted(self.classes[piece[1:-1]], key=len, reverse=True)
            return "(?:" + "|".join(map(self._expression, members)) + ")"
        return re.escape(piece) + " "


def spaced(tokens: Sequence[str]) -> str:
    """Words in the form the expressions match: each followed by one space."""
    return "".join(f"{token} " for token in tokens)
