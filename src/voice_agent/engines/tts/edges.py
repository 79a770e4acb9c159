"""Silence at the edges of a spoken phrase, cut off while it is still being made."""

from typing import Final

import numpy as np

from voice_agent.core.audio import Samples

QUIET: Final = 100
"""Amplitude of 32768 below which nobody hears speech on a telephone (-50 dBFS)."""
LEAD: Final = 0.005
TAIL: Final = 0.02
"""Seconds of quiet kept before the first and after the last sound."""


class EdgeTrimmer:
    """Passes sound on, except quiet before its start and after its end.

    Quiet inside is kept back until sound follows it, so a pause is never cut out.
    """

    def __init__(self, rate: int) -> None:
        """`rate` in Hz."""
        self._rate = rate
        self._lead = round(LEAD * rate)
        self._tail = round(TAIL * rate)
        self._held = np.zeros(0, np.int16)
        self._started = False
        self._cut = 0

    @property
    def cut(self) -> float:
        """Seconds removed at the start."""
        return self._cut / self._rate

    def process(self, samples: Samples) -> Samples:
        """The next piece; returns what is certain to be inside."""
        line = np.concatenate((self._held, samples))
        loud = np.flatnonzero(np.abs(line.astype(np.int32)) > QUIET)
        if not len(loud):
            self._held = line if self._started else self._drop(line, len(line) - self._lead)
            return np.zeros(0, np.int16)
        if not self._started:
            self._started = True
            shift = int(loud[0]) - self._lead
            line, loud = self._drop(line, shift), loud - max(shift, 0)
        end = int(loud[-1]) + 1
        self._held = line[end:]
        return line[:end]

    def finish(self) -> Samples:
        """The short tail of quiet after the last sound."""
        tail, self._held = self._held[: self._tail], np.zeros(0, np.int16)
        return tail if self._started else np.zeros(0, np.int16)

    def _drop(self, line: Samples, count: int) -> Samples:
        self._cut += max(count, 0)
        return line[max(count, 0) :]
