"""Reads the general English trigram model that comes with pocketsphinx, into arrays.

The file is a bit-packed trie ("Trie Language Model"): after the word counts come the tables
of quantised values, the unigrams, and per higher order one packed record an n-gram. The
trie is walked from an n-gram's last word to its first. Reading it at array speed takes a
second; asking the library for each pair takes minutes. Read tables are not sorted.
"""

from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from voice_agent.core.errors import ConfigurationError
from voice_agent.engines.stt.ngram_counts import Floats, Ints, Table, sorted_table

MAGIC = b"Trie Language Model"
LOG_BASE = 1.0001
"""Values in the file are logarithms to this base."""
QUANTISED = 1 << 16
SMALLEST = 1e-12


@dataclass(frozen=True, slots=True)
class GeneralModel:
    """A backoff trigram model over `words`; probabilities and backoff weights, no logarithms.

    Sequences are keys as in `ngram_counts`: `head * size + tail`, oldest word first.
    """

    words: tuple[str, ...]
    unigrams: Floats
    unigram_backoff: Floats
    bigrams: Table
    bigram_backoff: Table
    trigrams: Table

    def after_one(self, keys: Ints) -> Floats:
        """P(w|v) for keys v*size+w."""
        size = len(self.words)
        return self.bigrams.get(
            keys, self.unigram_backoff[keys // size] * self.unigrams[keys % size]
        )

    def after_two(self, keys: Ints) -> Floats:
        """P(w|u,v) for keys (u*size+v)*size+w."""
        size = len(self.words)
        shorter = self.bigram_backoff.get(keys // size, 1.0) * self.after_one(keys % (size * size))
        return self.trigrams.get(keys, shorter)

    def restricted(self, vocabulary: tuple[str, ...]) -> "GeneralModel":
        """The same model over other words; unknown ones get a very small probability."""
        index = {word: number for number, word in enumerate(self.words)}
        places = np.array([index.get(word, -1) for word in vocabulary], np.int64)
        known = places >= 0
        renumbered = np.full(len(self.words), -1, np.int64)
        renumbered[places[known]] = np.flatnonzero(known)
        old, new = len(self.words), len(vocabulary)
        unigrams = np.where(known, self.unigrams[places], SMALLEST)
        return GeneralModel(
            vocabulary,
            np.maximum(unigrams, SMALLEST) / unigrams.sum(),
            np.where(known, self.unigram_backoff[places], 1.0),
            _renumbered(self.bigrams, renumbered, old, new, 2),
            _renumbered(self.bigram_backoff, renumbered, old, new, 2),
            _renumbered(self.trigrams, renumbered, old, new, 3),
        )

    def commonest(self, count: int, allowed: frozenset[str]) -> tuple[str, ...]:
        """The `count` most frequent words that are in `allowed`."""
        ranked = (self.words[place] for place in np.argsort(-self.unigrams))
        return tuple(islice((word for word in ranked if word in allowed), count))


def _renumbered(table: Table, numbers: Ints, old: int, new: int, order: int) -> Table:
    """Sequences of known words under their new numbers."""
    keys = np.zeros(len(table.keys), np.int64)
    kept = np.ones(len(table.keys), np.bool_)
    for place in reversed(range(order)):
        number = numbers[table.keys // old**place % old]
        kept &= number >= 0
        keys = keys * new + number
    return sorted_table(keys[kept], table.values[kept])


def read(path: Path) -> GeneralModel:
    """Read the model file.

    Raises:
        ConfigurationError: it is missing, or no trigram trie of the known layout.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"the general language model cannot be read: {error}") from None
    if data[: len(MAGIC)] != MAGIC or data[len(MAGIC)] != 3:
        raise ConfigurationError(f"{path} is no trigram model in pocketsphinx's trie format")
    return _decode(data)


def _decode(data: bytes) -> GeneralModel:
    at = len(MAGIC) + 1
    size, bigram_count, trigram_count = np.frombuffer(data, "<u4", 3, at).tolist()
    at += 3 * 4 + 4
    values = [
        _probability(np.frombuffer(data, "<f4", QUANTISED, at + n * QUANTISED * 4))
        for n in range(3)
    ]
    at += 3 * QUANTISED * 4
    record = np.dtype([("probability", "<f4"), ("backoff", "<f4"), ("next", "<u4")])
    unigrams = np.frombuffer(data, record, size + 1, at)
    at += unigrams.nbytes
    word_bits, next_bits = size.bit_length(), trigram_count.bit_length()
    width = word_bits + 32 + next_bits
    packed = np.frombuffer(data, np.uint8, _packed_size(bigram_count, width), at)
    at += packed.size
    first_child: Ints = unigrams["next"].astype(np.int64)
    starts = np.arange(int(first_child[-1]) + 1, dtype=np.int64) * width
    heads, tails = _bits(packed, starts[:-1], word_bits), _parents(first_child)
    bigram_keys = heads * size + tails
    next_child = _bits(packed, starts + word_bits + 32, next_bits)
    width = word_bits + 16
    packed_3 = np.frombuffer(data, np.uint8, _packed_size(trigram_count, width), at)
    at += packed_3.size
    starts_3 = np.arange(int(next_child[-1]), dtype=np.int64) * width
    eldest, parents = _bits(packed_3, starts_3, word_bits), _parents(next_child)
    trigram_keys = (eldest * size + heads[parents]) * size + tails[parents]
    return GeneralModel(
        tuple(data[at + 4 :].decode().split("\0")[:size]),
        _probability(unigrams["probability"][:-1]),
        _probability(unigrams["backoff"][:-1]),
        Table(bigram_keys, values[0][_bits(packed, starts[:-1] + word_bits + 16, 16)]),
        Table(bigram_keys, values[1][_bits(packed, starts[:-1] + word_bits, 16)]),
        Table(trigram_keys, values[2][_bits(packed_3, starts_3 + word_bits, 16)]),
    )


def _parents(first_child: Ints) -> Ints:
    """The record each child hangs from, given where each record's children begin."""
    return np.repeat(np.arange(len(first_child) - 1), first_child[1:] - first_child[:-1])


def _packed_size(entries: int, width: int) -> int:
    return ((1 + entries) * width + 7) // 8 + 8


def _bits(packed: npt.NDArray[np.uint8], starts: Ints, width: int) -> Ints:
    """Little-endian bit fields of up to 25 bits at the given bit offsets."""
    first = starts >> 3
    value = np.zeros(len(starts), np.int64)
    for byte in range(4):
        value |= packed[first + byte].astype(np.int64) << (8 * byte)
    return (value >> (starts & 7)) & ((1 << width) - 1)


def _probability(logarithms: npt.NDArray[np.float32]) -> Floats:
    values: Floats = np.exp(logarithms.astype(np.float64) * np.log(LOG_BASE))
    return values
