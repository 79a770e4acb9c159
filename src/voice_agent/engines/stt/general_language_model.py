"""Reads the general English trigram model that comes with pocketsphinx, into arrays.

The file is a bit-packed trie ("Trie Language Model"): after the word counts come the tables
of quantised values, the unigrams, and per higher order one packed record an n-gram. The
trie is walked from an n-gram's last word to its first. Reading it at array speed takes a
tenth of a second; asking the library for each pair takes minutes.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from voice_agent.core.errors import ConfigurationError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MAGIC = b"Trie Language Model"
LOG_BASE = 1.0001
"""Values in the file are logarithms to this base."""
QUANTISED = 1 << 16
SMALLEST = 1e-12


@dataclass(frozen=True, slots=True)
class GeneralModel:
    """A bigram model over `words`: P(w), P(w|h) for listed pairs, and backoff weights of h."""

    words: tuple[str, ...]
    unigrams: Floats
    backoff: Floats
    heads: Ints
    tails: Ints
    bigrams: Floats

    def restricted(self, vocabulary: tuple[str, ...]) -> "GeneralModel":
        """The same model over other words; unknown ones get a very small probability."""
        index = {word: number for number, word in enumerate(self.words)}
        places = np.array([index.get(word, -1) for word in vocabulary], np.int64)
        known = places >= 0
        renumbered = np.full(len(self.words), -1, np.int64)
        renumbered[places[known]] = np.flatnonzero(known)
        heads, tails = renumbered[self.heads], renumbered[self.tails]
        kept = (heads >= 0) & (tails >= 0)
        unigrams = np.where(known, self.unigrams[places], SMALLEST)
        return GeneralModel(
            vocabulary,
            np.maximum(unigrams, SMALLEST) / unigrams.sum(),
            np.where(known, self.backoff[places], 1.0),
            heads[kept],
            tails[kept],
            self.bigrams[kept],
        )

    def commonest(self, count: int, allowed: frozenset[str]) -> tuple[str, ...]:
        """The `count` most frequent words that are in `allowed`."""
        ranked = (self.words[place] for place in np.argsort(-self.unigrams))
        chosen: list[str] = []
        for word in ranked:
            if word in allowed:
                chosen.append(word)
            if len(chosen) == count:
                break
        return tuple(chosen)


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
    unigram_count, bigram_count, trigram_count = np.frombuffer(data, "<u4", 3, at).tolist()
    at += 3 * 4 + 4
    probabilities = np.frombuffer(data, "<f4", QUANTISED, at)
    at += 3 * QUANTISED * 4
    record = np.dtype([("probability", "<f4"), ("backoff", "<f4"), ("next", "<u4")])
    unigrams = np.frombuffer(data, record, unigram_count + 1, at)
    at += unigrams.nbytes
    word_bits, next_bits = unigram_count.bit_length(), trigram_count.bit_length()
    width = word_bits + 32 + next_bits
    packed = np.frombuffer(data, np.uint8, _packed_size(bigram_count, width), at)
    starts = np.arange(int(unigrams["next"][-1]), dtype=np.int64) * width
    heads = _bits(packed, starts, word_bits)
    values = _bits(packed, starts + word_bits + 16, 16)
    following: Ints = unigrams["next"].astype(np.int64)
    at += packed.size + _packed_size(trigram_count, word_bits + 16)
    words = data[at + 4 :].decode().split("\0")[:unigram_count]
    return GeneralModel(
        tuple(words),
        _probability(unigrams["probability"][:-1]),
        _probability(unigrams["backoff"][:-1]),
        heads,
        np.repeat(np.arange(unigram_count), following[1:] - following[:-1]),
        _probability(probabilities)[values],
    )


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
