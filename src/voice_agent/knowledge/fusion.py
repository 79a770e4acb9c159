"""Several rankings as one."""

from collections.abc import Sequence
from typing import Final

_DAMPING: Final = 10
"""The higher, the less the first places count above the next ones."""


def fused(rankings: Sequence[tuple[float, Sequence[int]]]) -> list[int]:
    """All entries of weighted rankings by reciprocal rank, best first; of equals the smaller."""
    scores: dict[int, float] = {}
    for weight, ranking in rankings:
        for place, entry in enumerate(ranking, start=1):
            scores[entry] = scores.get(entry, 0.0) + weight / (_DAMPING + place)
    return sorted(scores, key=lambda entry: (-scores[entry], entry))
