"""Search by words: BM25 over postings kept in arrays."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from voice_agent.knowledge.words import search_words

_K1: Final = 1.2
"""How soon a word's repetitions stop to count."""
_B: Final = 0.75
"""How much a long text's words count less."""

Scores = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class LexicalIndex:
    """For each word the texts it is in, with what it adds to their scores.

    The texts of word n are `rows[starts[n]:starts[n + 1]]`.
    """

    words: Mapping[str, int]
    starts: npt.NDArray[np.int64]
    rows: Rows
    weights: Scores
    size: int

    @classmethod
    def of(cls, texts: Iterable[str]) -> "LexicalIndex":
        """Index texts; row n is the nth of them."""
        words: dict[str, int] = {}
        numbers, rows, counts, lengths = list[int](), list[int](), list[int](), list[int]()
        for row, text in enumerate(texts):
            found = Counter(search_words(text))
            lengths.append(sum(found.values()))
            for word, count in found.items():
                numbers.append(words.setdefault(word, len(words)))
                rows.append(row)
                counts.append(count)
        return _weighed(words, numbers, rows, counts, lengths)

    def search(self, query: str, k: int) -> list[int]:
        """The rows of the `k` best texts that share a word with the query, best first."""
        scores = np.zeros(self.size, np.float32)
        for word in set(search_words(query)):
            number = self.words.get(word)
            if number is not None:
                part = slice(self.starts[number], self.starts[number + 1])
                scores[self.rows[part]] += self.weights[part]
        return [row for row in best(scores, k) if scores[row] > 0]

    def rarity(self, word: str) -> float:
        """How much a word tells: the fewer texts it is in, the more."""
        number = self.words.get(word)
        known = 0 if number is None else int(self.starts[number + 1] - self.starts[number])
        return _rarity(self.size, known)

    def coverage(self, query: str) -> Callable[[str], float]:
        """Tells the share of the query's words, by rarity, that are in a text, 0 to 1."""
        asked = {word: self.rarity(word) for word in set(search_words(query))}
        whole = sum(asked.values())

        def share(text: str) -> float:
            return sum(asked[word] for word in asked.keys() & set(search_words(text))) / whole

        return share if whole else lambda _text: 0.0


def best(scores: Scores, k: int) -> list[int]:
    """The rows of the `k` highest scores, highest first; of equals the first row first."""
    if k < len(scores):
        least = np.partition(scores, len(scores) - k)[len(scores) - k]
        rows = np.flatnonzero(scores >= least)
    else:
        rows = np.arange(len(scores))
    order = np.argsort(-scores[rows], kind="stable")[:k]
    return [int(row) for row in rows[order]]


def _weighed(
    words: Mapping[str, int],
    numbers: Sequence[int],
    rows: Sequence[int],
    counts: Sequence[int],
    lengths: Sequence[int],
) -> LexicalIndex:
    by_word = np.argsort(np.asarray(numbers, np.int64), kind="stable")
    holders = np.bincount(np.asarray(numbers, np.int64), minlength=len(words))
    starts = np.concatenate(([0], np.cumsum(holders))).astype(np.int64)
    placed = np.asarray(rows, np.int32)[by_word]
    often = np.asarray(counts, np.float32)[by_word]
    long = np.asarray(lengths, np.float32)
    usual = float(long.mean()) if len(long) else 1.0
    rarities = np.asarray([_rarity(len(lengths), int(n)) for n in holders], np.float32)
    damping = _K1 * (1 - _B + _B * long[placed] / max(usual, 1.0))
    weights = np.repeat(rarities, holders) * often * (_K1 + 1) / (often + damping)
    return LexicalIndex(words, starts, placed, weights.astype(np.float32), len(lengths))


def _rarity(texts: int, holders: int) -> float:
    return math.log(1 + (texts - holders + 0.5) / (holders + 0.5))
