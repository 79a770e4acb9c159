"""The mean spectrum of a call: the line and the voice, taken away before decoding.

Decoding with the mean of the whole stretch is best, but that is known only at its end. The
mean of what was heard so far, of this stretch and of those before it, comes close after
about a second; `apart` tells how close, so that a bad start can be mended.
"""

from typing import Final

import numpy as np

from voice_agent.engines.stt.cepstra import COEFFICIENTS
from voice_agent.engines.stt.spectrum import Floats

MEMORY: Final = 150.0
"""Frames that the stretches before count for, at most."""
_SPREAD: Final = np.array([12, 9, 7, 7, 7, 6, 6, 6, 5, 5, 5, 4, 4], np.float64)
"""About one standard deviation of each coefficient within speech."""


class SpectralMean:
    """What the stretches of a call had in common so far."""

    def __init__(self) -> None:
        self._sum = np.zeros(COEFFICIENTS)
        self._frames = 0.0

    def estimate(self, frames: Floats) -> Floats:
        """The mean to use for a stretch of which these frames are known."""
        total = self._sum + frames.sum(axis=0)
        mean: Floats = total / max(self._frames + len(frames), 1.0)
        return mean

    def learn(self, frames: Floats) -> None:
        """Remember a stretch that is over."""
        self._sum = self._sum + frames.sum(axis=0)
        self._frames += len(frames)
        if self._frames > MEMORY:
            self._sum = self._sum * (MEMORY / self._frames)
            self._frames = MEMORY


def apart(one: Floats, other: Floats) -> float:
    """How far two means differ, in spreads (root of the mean square)."""
    return float(np.sqrt(np.mean(((one - other) / _SPREAD) ** 2)))
