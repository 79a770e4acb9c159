"""Sentence patterns, written so that people who know the language can read and extend them.

    where (is|are) [my] * {order}      words in order; * is up to four other words
    ^ hello $                          ^ and $ are the ends of the utterance
    order #                            # is a run of number words
    {order}                            a class of words, `classes` of the same file

Each pattern knows which words it cannot do without, so that almost all of them are ruled out
by looking at the set of words before any expression is tried.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Final

_PIECES: Final = re.compile(r"[()\[\]|*^$#]|\{\w+\}|[^\s()\[\]|{}*^$#]+")
_GAP: Final = r"(?:\S+ ){0,4}?"

Need = frozenset[str]
"""Words of which at least one must occur."""


@dataclass(frozen=True)
class _Part:
    """A piece of a pattern: its expression and the words it cannot match without."""

    expression: str
    needs: tuple[Need, ...] = ()

    def key(self) -> Need | None:
        """The fewest words of which one is needed."""
        return min(self.needs, key=len, default=None)


@dataclass(frozen=True)
class Pattern:
    """One compiled pattern."""

    expression: re.Pattern[str]
    needs: tuple[Need, ...]

    def found_in(self, said: str, words: AbstractSet[str]) -> bool:
        """Whether it occurs in `spaced(tokens)`; `words` is the set of the tokens."""
        possible = not any(need.isdisjoint(words) for need in self.needs)
        return possible and self.expression.search(said) is not None


@dataclass
class Vocabulary:
    """Named word classes, and the words that `#` stands for."""

    classes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    numbers: frozenset[str] = frozenset()
    _known: dict[str, _Part] = field(default_factory=dict)

    def compile(self, patterns: Iterable[str]) -> tuple[Pattern, ...]:
        """Patterns ready to be searched."""
        return tuple(self._compiled(pattern) for pattern in patterns)

    def _compiled(self, pattern: str) -> Pattern:
        part, _ = self._choice(_PIECES.findall(pattern))
        return Pattern(re.compile(rf"(?<!\S)(?:{part.expression})"), part.needs)

    def _choice(self, pieces: list[str]) -> tuple[_Part, list[str]]:
        """Alternatives up to a closing bracket or the end."""
        sequences: list[list[_Part]] = [[]]
        while pieces and pieces[0] not in {")", "]"}:
            piece, pieces = pieces[0], pieces[1:]
            if piece == "|":
                sequences.append([])
            elif piece in {"(", "["}:
                inner, pieces = self._choice(pieces)
                pieces = pieces[1:]
                sequences[-1].append(inner if piece == "(" else _Part(f"{inner.expression}?"))
            else:
                sequences[-1].append(self._piece(piece))
        return _either([_in_a_row(sequence) for sequence in sequences]), pieces

    def _piece(self, piece: str) -> _Part:
        if piece in _FIXED:
            return _Part(_FIXED[piece])
        if piece == "#":
            words = "|".join(sorted(self.numbers, key=len, reverse=True))
            run = rf"(?:(?:\d\S*|{words}) )+"
            return _Part(f"{run}(?:and {run})?")
        if piece.startswith("{"):
            return self._class(piece[1:-1])
        return _Part(re.escape(piece) + " ", (frozenset({piece}),))

    def _class(self, name: str) -> _Part:
        if name not in self._known:
            members = sorted(self.classes[name], key=len, reverse=True)
            self._known[name] = _either([self._choice(_PIECES.findall(m))[0] for m in members])
        return self._known[name]


_FIXED: Final = {"*": _GAP, "^": r"\A", "$": r"\Z"}


def _in_a_row(parts: Sequence[_Part]) -> _Part:
    needs = tuple(need for part in parts for need in part.needs)
    return _Part("".join(part.expression for part in parts), needs)


def _either(parts: Sequence[_Part]) -> _Part:
    if len(parts) == 1:
        return _Part(f"(?:{parts[0].expression})", parts[0].needs)
    keys = [key for part in parts if (key := part.key())]
    needs = (frozenset[str]().union(*keys),) if len(keys) == len(parts) else ()
    return _Part(f"(?:{'|'.join(part.expression for part in parts)})", needs)


def spaced(tokens: Sequence[str]) -> str:
    """Words in the form the expressions match: each followed by one space."""
    return "".join(f"{token} " for token in tokens)
