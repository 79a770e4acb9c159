"""Sound of one call as a recogniser needs it: stretches of speech with their lead-in.

        ───────────── quiet ─────────────┬──── speech ────┬── quiet ──
           kept: the last 10 s           │                │
                              ├─ 0.35 s ─┤                ├ 0.2 s ┤
                              └──────────── stretch ──────────────┘

Pure: seconds are those of the caller's audio clock, samples are 16 kHz.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from voice_agent.core.audio import Samples
from voice_agent.engines.stt.spectrum import RATE

LEAD_IN: Final = 0.35
"""Seconds before the reported start that belong to the stretch: weak first sounds."""
TAIL: Final = 0.2
"""Seconds after the reported end that belong to it."""
KEPT: Final = 10.0
"""Seconds without a reported start that are remembered: the report may come long after."""
LONGEST: Final = 30.0
"""Seconds after which a stretch is closed although the caller speaks on."""
GAP: Final = 0.05
"""Seconds the sender's clock may run away before it is believed."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Sound of one stretch of speech; `start` in seconds."""

    samples: Samples
    start: float

    @property
    def end(self) -> float:
        """Where it ends, in seconds."""
        return self.start + len(self.samples) / RATE


class SpeechBuffer:
    """Collects the sound of one call and cuts stretches out of it."""

    def __init__(self) -> None:
        self._sound = np.zeros(0, np.int16)
        self._origin = 0.0
        self._earliest = 0.0
        self._begin: float | None = None
        self._read = 0

    @property
    def speaking(self) -> bool:
        """Whether a stretch is open."""
        return self._begin is not None

    @property
    def end(self) -> float:
        """How far the sound reaches, in seconds."""
        return self._origin + len(self._sound) / RATE

    @property
    def start(self) -> float:
        """Where the open stretch began, in seconds; without one, where the sound begins."""
        return self._origin if self._begin is None else self._begin

    @property
    def read(self) -> int:
        """Samples of the open stretch that `unread` has given out."""
        return self._read

    @property
    def overlong(self) -> bool:
        """Whether the open stretch has reached its greatest length."""
        return self._begin is not None and self.end - self._begin > LONGEST

    def push(self, samples: Samples, start: float) -> None:
        """Add sound that begins at `start`."""
        if not len(self._sound) and not self.speaking:
            self._origin = start
        elif not -GAP < start - self.end < GAP:
            self._follow(start)
        self._sound = np.concatenate((self._sound, samples))
        if not self.speaking:
            self._forget(self.end - KEPT)

    def begin(self, at: float) -> None:
        """Open a stretch that starts at `at`; does nothing when one is open."""
        if self._begin is not None:
            return
        self._begin = min(max(at - LEAD_IN, self._earliest, self._origin), self.end)
        self._forget(self._begin)
        self._read = 0

    def unread(self) -> Samples:
        """What the open stretch got since the last call."""
        # Sound after the speaker's last word may still be cut off when the stretch is closed;
        # at most a fifth of a second of quiet is read too much then, which does no harm.
        fresh = self._sound[self._read :]
        self._read = len(self._sound)
        return fresh

    def close(self, at: float) -> Stretch:
        """End the open stretch, whose last voiced sound was at `at`, and return it."""
        if self._begin is None:
            return Stretch(np.zeros(0, np.int16), at)
        length = max(0, round((min(at + TAIL, self.end) - self._origin) * RATE))
        stretch = Stretch(self._sound[:length].copy(), self._begin)
        self._begin = None
        self._earliest = stretch.end
        self._forget(max(stretch.end, self.end - KEPT))
        return stretch

    def _follow(self, start: float) -> None:
        """The sender's clock jumped: lost sound becomes silence, a longer break a new start."""
        lost = start - self.end
        if self.speaking:
            silence = round(min(max(lost, 0.0), 1.0) * RATE)
            self._sound = np.concatenate((self._sound, np.zeros(silence, np.int16)))
            self._shift(start - self.end)
        else:
            self._sound = np.zeros(0, np.int16)
            self._origin = self._earliest = start

    def _shift(self, seconds: float) -> None:
        self._origin += seconds
        if self._begin is not None:
            self._begin += seconds

    def _forget(self, before: float) -> None:
        surplus = round((before - self._origin) * RATE)
        if surplus > 0:
            self._sound = self._sound[surplus:]
            self._origin += surplus / RATE
