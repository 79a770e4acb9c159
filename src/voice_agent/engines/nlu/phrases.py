"""Finding words and word sequences of a table in a token stream."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Generic, TypeVar

V = TypeVar("V")


def word_at(tokens: Sequence[str], at: int) -> str:
    """The word at `at`, "" outside."""
    return tokens[at] if 0 <= at < len(tokens) else ""


class Phrases(Generic[V]):
    """Word sequences with values, found by their first word."""

    def __init__(self, entries: Mapping[str, V]) -> None:
        """`entries` maps phrases of one or more words to what they stand for."""
        index: defaultdict[str, list[tuple[tuple[str, ...], V]]] = defaultdict(list)
        for phrase in sorted(entries, key=len, reverse=True):
            words = tuple(phrase.split())
            index[words[0]].append((words, entries[phrase]))
        self._index = dict(index)
        self._endings = {tuple(phrase.split()) for phrase in entries}
        self._longest = max(map(len, self._endings), default=0)

    @classmethod
    def of(cls, phrases: Iterable[str]) -> "Phrases[str]":
        """Phrases that stand for themselves."""
        return Phrases({phrase: phrase for phrase in phrases})

    def entry(self, tokens: Sequence[str], at: int) -> tuple[V, int] | None:
        """The value of the longest phrase that stands at `at`, and where it ends."""
        for words, value in self._index.get(word_at(tokens, at), ()):
            end = at + len(words)
            if len(words) == 1 or tuple(tokens[at:end]) == words:
                return value, end
        return None

    def end(self, tokens: Sequence[str], at: int) -> int:
        """Where the longest phrase that stands at `at` ends, 0 when none does."""
        found = self.entry(tokens, at)
        return found[1] if found else 0

    def before(self, tokens: Sequence[str], at: int) -> bool:
        """Whether a phrase ends right before `at`."""
        spans = range(1, min(self._longest, at) + 1)
        return any(tuple(tokens[at - span : at]) in self._endings for span in spans)

    def find(self, tokens: Sequence[str]) -> tuple[tuple[V, int, int], ...]:
        """All phrases that stand anywhere: value, start, end."""
        found: list[tuple[V, int, int]] = []
        at = 0
        while at < len(tokens):
            entry = self.entry(tokens, at)
            if entry:
                found.append((entry[0], at, entry[1]))
            at = entry[1] if entry else at + 1
        return tuple(found)

    def __contains__(self, word: object) -> bool:
        """Whether a single word is one of the phrases."""
        return (word,) in self._endings
