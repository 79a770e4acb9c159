"""Search by meaning: the vectors nearest to a vector, with FAISS or with numpy alone."""

from functools import cache
from importlib import import_module
from typing import Any, Protocol

import numpy as np

from voice_agent.engines.embedding.vectors import Vectors
from voice_agent.knowledge.lexical import best


class DenseIndex(Protocol):
    """Vectors of length 1, by row."""

    def search(self, vector: Vectors, k: int) -> list[tuple[int, float]]:
        """Rows and cosines of the `k` nearest to one vector (384,), nearest first."""
        ...


class NumpyIndex:
    """Every cosine, then the best of them."""

    def __init__(self, vectors: Vectors) -> None:
        """`vectors` by row."""
        self._vectors = vectors

    def search(self, vector: Vectors, k: int) -> list[tuple[int, float]]:
        """Rows and cosines of the `k` nearest, nearest first."""
        scores: Vectors = self._vectors @ vector
        return [(row, float(scores[row])) for row in best(scores, k)]


class FaissIndex:
    """FAISS's flat index of inner products: the same result, sooner on many vectors."""

    def __init__(self, vectors: Vectors) -> None:
        """`vectors` by row.

        Raises:
            ImportError: FAISS is not installed.
        """
        self._index = _faiss().IndexFlatIP(vectors.shape[1])
        self._index.add(np.ascontiguousarray(vectors))

    def search(self, vector: Vectors, k: int) -> list[tuple[int, float]]:
        """Rows and cosines of the `k` nearest, nearest first."""
        # One more than asked for, so that equals at the end are cut as numpy's are.
        scores, rows = self._index.search(vector.reshape(1, -1), min(k + 1, self._index.ntotal))
        found = sorted(
            ((int(row), float(score)) for row, score in zip(rows[0], scores[0], strict=True)),
            key=lambda one: (-one[1], one[0]),
        )
        return found[:k]


def dense_index(vectors: Vectors) -> DenseIndex:
    """The quickest index there is for these vectors."""
    try:
        return FaissIndex(vectors)
    except ImportError:
        return NumpyIndex(vectors)


@cache
def _faiss() -> Any:
    faiss = import_module("faiss")
    # Its threads spin while they wait for each other: on a busy machine one alone is quicker.
    faiss.omp_set_num_threads(1)
    return faiss
