"""What a text is made of: its words, their neighbours and their letters, weighed by rarity."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

LONGEST: Final = 400
"""Characters that are read: what a caller wants is said by then."""
_HESITATIONS: Final = re.compile(r"\b(?:u+m+|u+h+|e+r+m*|hm+|mm+)\b")
_SIGNS: Final = re.compile(r"[^\w' ]+")
_LETTERS: Final = (3, 4)
_LEAST_COUNT: Final = 2


def normalised(text: str) -> str:
    """The text as a recogniser would write it; hesitations go where something is left."""
    plain = " ".join(_SIGNS.sub(" ", text[:LONGEST].lower().replace("’", "'")).split())
    return " ".join(_HESITATIONS.sub(" ", plain).split()) or plain


def grams(plain: str) -> Counter[str]:
    """Words, pairs of words with the ends marked, and runs of letters within words."""
    words = plain.split()
    found = Counter(words)
    found.update(f"{one} {next_}" for one, next_ in pairwise(["<", *words, ">"]))
    for word in words:
        for size in _LETTERS:
            framed = f"#{word}#"
            found.update(f"#{framed[i : i + size]}" for i in range(len(framed) - size + 1))
    return found


@dataclass(frozen=True)
class Lexicon:
    """The grams that count, and how rare each is."""

    grams: tuple[str, ...]
    rarity: Floats

    @classmethod
    def of(cls, texts: Sequence[str]) -> "Lexicon":
        """The grams that at least two of the (normalised) texts share."""
        seen = Counter(gram for text in texts for gram in grams(text))
        kept = sorted(gram for gram, count in seen.items() if count >= _LEAST_COUNT)
        rarity = np.array([np.log(len(texts) / seen[gram]) for gram in kept], np.float32)
        return cls(tuple(kept), np.maximum(rarity, 0))

    @cached_property
    def _places(self) -> Mapping[str, int]:
        return {gram: place for place, gram in enumerate(self.grams)}

    def features(self, plain: str) -> tuple[npt.NDArray[np.int64], Floats]:
        """Places and weights of a normalised text's grams; the weights have length 1."""
        counts = {
            place: count
            for gram, count in grams(plain).items()
            if (place := self._places.get(gram)) is not None
        }
        places = np.fromiter(counts, np.int64, len(counts))
        weights = 1 + np.log(np.fromiter(counts.values(), np.float32, len(counts)))
        weights = weights * self.rarity[places]
        length = np.float32(max(float(np.linalg.norm(weights)), 1e-9))
        return places, (weights / length).astype(np.float32)

    def matrix(self, texts: Sequence[str]) -> Floats:
        """One dense row per normalised text."""
        rows = np.zeros((len(texts), len(self.grams)), np.float32)
        for row, text in enumerate(texts):
            places, weights = self.features(text)
            rows[row, places] = weights
        return rows
