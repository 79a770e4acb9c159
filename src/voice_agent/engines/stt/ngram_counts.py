"""Counts of word sequences, and the Witten-Bell estimate made from them.

Pure array code: a sequence is one integer key, `context * size + word`, so that looking up
a sequence is a binary search. Source of the estimate: I. Witten and T. Bell, "The
zero-frequency problem", IEEE Transactions on Information Theory 37(4), 1991.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

START, END = "<s>", "</s>"


@dataclass(frozen=True, slots=True)
class Table:
    """A value for each of some sequences; `keys` are sorted."""

    keys: Ints
    values: Floats

    def get(self, keys: Ints, default: Floats | float) -> Floats:
        """The value of each key, or the default where the key is not listed."""
        if not len(self.keys):
            return np.broadcast_to(np.asarray(default, np.float64), keys.shape).copy()
        place = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.where(self.keys[place] == keys, self.values[place], default)


def sorted_table(keys: Ints, values: Floats) -> Table:
    """A table of keys that come in any order."""
    order = np.argsort(keys)
    return Table(keys[order], values[order])


@dataclass(frozen=True, slots=True)
class Counts:
    """How often each run of one, two and three words was seen; keys over `size` words."""

    size: int
    unigrams: Floats
    bigrams: Table
    trigrams: Table


def count(sentences: Iterable[Iterable[int]], size: int, start: int, end: int) -> Counts:
    """Count sentences given as word numbers; each is put between `start` and `end`."""
    flat: list[int] = []
    for sentence in sentences:
        flat += (start, *sentence, end)
    words = np.array(flat, np.int64)
    pair = words[:-1] != end
    bigrams = (words[:-1] * size + words[1:])[pair]
    triple = pair[:-1] & pair[1:]
    trigrams = ((words[:-2] * size + words[1:-1]) * size + words[2:])[triple]
    unigrams = np.bincount(words[words != start], minlength=size).astype(np.float64)
    return Counts(size, unigrams, _tally(bigrams), _tally(trigrams))


def _tally(keys: Ints) -> Table:
    unique, times = np.unique(keys, return_counts=True)
    return Table(unique, times.astype(np.float64))


class WittenBell:
    """P(w), P(w|v) and P(w|u,v) from counts; `evidence` is what one sighting is worth.

    Sentences drawn from templates repeat themselves: a sighting of theirs says less than one
    in real speech, so it counts for less than 1.
    """

    def __init__(self, counts: Counts, evidence: float = 1.0) -> None:
        self._size = counts.size
        self._evidence = evidence
        total, kinds = counts.unigrams.sum() * evidence, np.count_nonzero(counts.unigrams)
        self.unigrams = (counts.unigrams * evidence + kinds / counts.size) / (total + kinds)
        self.bigrams, self.trigrams = counts.bigrams, counts.trigrams
        self._after_one = self._contexts(counts.bigrams)
        self._after_two = self._contexts(counts.trigrams)

    def _contexts(self, table: Table) -> tuple[Table, Table]:
        """Sightings and different continuations of each context."""
        context, inverse = np.unique(table.keys // self._size, return_inverse=True)
        seen = np.bincount(inverse, table.values * self._evidence)
        kinds = np.bincount(inverse)
        return Table(context, seen.astype(np.float64)), Table(context, kinds.astype(np.float64))

    def sightings(self, contexts: Ints, *, words: int) -> Floats:
        """How much was seen after contexts of one or two words."""
        table = self._after_one if words == 1 else self._after_two
        return table[0].get(contexts, 0.0)

    def after_one(self, keys: Ints) -> Floats:
        """P(w|v) for keys v*size+w."""
        lower = self.unigrams[keys % self._size]
        return self._estimate(keys, self.bigrams, self._after_one, lower)

    def after_two(self, keys: Ints) -> Floats:
        """P(w|u,v) for keys (u*size+v)*size+w."""
        lower = self.after_one(keys % (self._size * self._size))
        return self._estimate(keys, self.trigrams, self._after_two, lower)

    def _estimate(
        self, keys: Ints, table: Table, contexts: tuple[Table, Table], lower: Floats
    ) -> Floats:
        context = keys // self._size
        seen, kinds = contexts[0].get(context, 0.0), contexts[1].get(context, 0.0)
        mass = np.maximum(seen + kinds, 1e-9)
        known = (table.get(keys, 0.0) * self._evidence + kinds * lower) / mass
        return np.where(seen > 0, known, lower)
