"""Several rankings as one."""

from collections.abc import Sequence
from typing import Final

_DAMPING: Final = 60
"""The higher, the less the first places count above the next ones."""


def fused(rankings: Sequence[Sequence[int]]) -> list[int]:
    """All entries of the rankings by reciprocal rank, best first; of equals the smaller first."""
    scores: dict[int, float] = {}
    for ranking in rankings:
        for place, entry in enumerate(ranking, start=1):
            scores[entry] = scores.get(entry, 0.0) + 1 / (_DAMPING + place)
    return sorted(scores, key=lambda entry: (-scores[entry], entry))
