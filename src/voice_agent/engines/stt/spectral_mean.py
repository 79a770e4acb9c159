"""The mean spectrum of a call: the line and the voice, taken away before decoding.

Decoding with the mean of the whole stretch is usual, but that is known only at its end, and
it depends on how much silence the stretch happens to have. Here loud and quiet frames are
averaged apart and put together in one fixed proportion; what the earlier stretches of the
call were like counts as well. After about a second that is as good as the whole stretch.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from voice_agent.engines.stt.cepstra import COEFFICIENTS
from voice_agent.engines.stt.spectrum import Floats

MEMORY: Final = 150.0
"""Frames that the stretches before count for, at most."""
QUIET_SHARE: Final = 0.25
"""Share of quiet frames in the mean, about what the acoustic model was trained with."""


@dataclass(slots=True)
class _Tally:
    """A sum of frames and how many they are."""

    total: Floats = field(default_factory=lambda: np.zeros(COEFFICIENTS))
    frames: float = 0.0

    def with_frames(self, frames: Floats) -> "_Tally":
        return _Tally(self.total + frames.sum(axis=0), self.frames + len(frames))

    def no_more_than(self, most: float) -> "_Tally":
        scale = min(1.0, most / max(self.frames, 1.0))
        return _Tally(self.total * scale, self.frames * scale)

    @property
    def mean(self) -> Floats:
        mean: Floats = self.total / max(self.frames, 1.0)
        return mean


class SpectralMean:
    """What the stretches of a call had in common so far."""

    def __init__(self) -> None:
        self._loud, self._quiet = _Tally(), _Tally()

    def estimate(self, frames: Floats) -> Floats:
        """The mean to use for a stretch of which these frames are known."""
        loud, quiet = self._with(frames)
        if not quiet.frames or not loud.frames:
            return (loud if loud.frames else quiet).mean
        mean: Floats = (1 - QUIET_SHARE) * loud.mean + QUIET_SHARE * quiet.mean
        return mean

    def learn(self, frames: Floats) -> None:
        """Remember a stretch that is over."""
        loud, quiet = self._with(frames)
        self._loud, self._quiet = loud.no_more_than(MEMORY), quiet.no_more_than(MEMORY)

    def _with(self, frames: Floats) -> tuple[_Tally, _Tally]:
        if not len(frames):
            return self._loud, self._quiet
        level = frames[:, 0]
        loud = level > np.percentile(level, (5, 95)).mean()
        return self._loud.with_frames(frames[loud]), self._quiet.with_frames(frames[~loud])
