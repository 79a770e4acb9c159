"""Finding words and word sequences of a table in a token stream."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

V = TypeVar("V")


def word_at(tokens: Sequence[str], at: int) -> str:
    """The word at `at`, "" outside."""
    return tokens[at] if 0 <= at < len(tokens) else ""


def starts_with(tokens: Sequence[str], at: int, phrase: str) -> int:
    """Where `phrase` ends when it stands at `at`, else 0."""
    words = phrase.split()
    return at + len(words) if list(tokens[at : at + len(words)]) == words else 0


def phrase_at(tokens: Sequence[str], at: int, phrases: Iterable[str]) -> int:
    """Where the longest of `phrases` that stands at `at` ends, else 0."""
    return max((starts_with(tokens, at, phrase) for phrase in phrases), default=0)


def entry_at(tokens: Sequence[str], at: int, table: Mapping[str, V]) -> tuple[V, int] | None:
    """The entry of the longest key that stands at `at`, and where it ends."""
    best: tuple[V, int] | None = None
    for key, value in table.items():
        end = starts_with(tokens, at, key)
        if end and (best is None or end > best[1]):
            best = (value, end)
    return best


def find_entries(tokens: Sequence[str], table: Mapping[str, V]) -> tuple[tuple[V, int, int], ...]:
    """All entries of a table that stand anywhere, longest first at each place."""
    found: list[tuple[V, int, int]] = []
    at = 0
    while at < len(tokens):
        entry = entry_at(tokens, at, table)
        if entry:
            found.append((entry[0], at, entry[1]))
        at = entry[1] if entry else at + 1
    return tuple(found)
