"""Vectors of sentences, and the seam that every embedder fits."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]
"""One row per text, each of length 1."""


class SentenceEmbedder(Protocol):
    """Turns texts into vectors whose dot product tells how alike they mean."""

    @property
    def name(self) -> str:
        """What the vectors depend on; vectors of different names cannot be compared."""
        ...

    @property
    def dimension(self) -> int:
        """Numbers per vector."""
        ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """A float32 row of length 1 per text, in order; never raises on any text."""
        ...


def unit(rows: npt.NDArray[np.floating]) -> Vectors:
    """Rows scaled to length 1; an empty row stays empty."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    scaled: Vectors = (rows / np.maximum(lengths, 1e-12)).astype(np.float32)
    return scaled
