"""The caller's mood from how they sound, against how they sounded at first; pure.

Nobody's voice is angry by itself: lines, telephones and people differ by more than moods do. So
each turn is compared with the same caller's first ones, and what the words tell is only made
more or less likely by it, never overruled.
"""

import math
from dataclasses import dataclass, field
from statistics import median
from typing import Final

import numpy as np

from voice_agent.core.audio import AudioFrame
from voice_agent.core.speech import Emotion

FIRST_TURNS: Final = 2
"""Turns that show how a caller sounds when nothing has happened yet."""
RAISED: Final = 5.0
"""A voice so much louder than at first (dB) is raised …"""
SHOUTING: Final = 10.0
"""… and so much is shouting."""
HURRIED: Final = 1.3
"""Words come so many times as fast as at first."""
SHORTEST: Final = 0.6
"""Speech shorter than this (s) tells no pace."""
_SILENCE: Final = -90.0
_FULL_SCALE: Final = 32768.0


@dataclass(frozen=True, slots=True)
class TurnSound:
    """How a turn sounded.

    `loudness` is of its voiced part (dB below full scale), None where there was no sound; `pace`
    is words a second, None where it was too short to tell; `overlapped` says whether the caller
    spoke over the agent.
    """

    loudness: float | None = None
    pace: float | None = None
    overlapped: bool = False


@dataclass(slots=True)
class TurnMeter:
    """Measures one turn, frame by frame; begin a new one for the next."""

    overlapped: bool = False
    _energy: float = 0.0
    _samples: int = 0
    _seconds: float = 0.0

    def add(self, frame: AudioFrame) -> None:
        """A frame of the caller's voice; leave out what is not speech."""
        samples = frame.samples().astype(np.float64)
        self._energy += float(np.dot(samples, samples))
        self._samples += len(samples)
        self._seconds += frame.duration

    def sound(self, words: int) -> TurnSound:
        """What was measured, of a turn of so many words."""
        pace = words / self._seconds if words and self._seconds >= SHORTEST else None
        return TurnSound(self._loudness(), pace, self.overlapped)

    def _loudness(self) -> float | None:
        if not self._samples:
            return None
        level = math.sqrt(self._energy / self._samples) / _FULL_SCALE
        return max(_SILENCE, 20 * math.log10(level)) if level > 0 else _SILENCE


@dataclass(slots=True)
class VoiceMood:
    """One caller's; call `mood` once for each turn, in order."""

    _loudness: list[float] = field(default_factory=list)
    _pace: list[float] = field(default_factory=list)
    _overlaps: int = 0

    def mood(self, words: Emotion, sound: TurnSound) -> Emotion:
        """What the words tell, corrected by the sound."""
        louder, hurried = self._louder(sound), self._hurried(sound)
        self._overlaps += sound.overlapped
        self._learn(sound)
        signs = hurried + (sound.overlapped and self._overlaps > 1)
        return corrected(words, louder, signs)

    def _louder(self, sound: TurnSound) -> float:
        known = len(self._loudness) >= FIRST_TURNS and sound.loudness is not None
        return sound.loudness - median(self._loudness) if known and sound.loudness else 0.0

    def _hurried(self, sound: TurnSound) -> bool:
        known = len(self._pace) >= FIRST_TURNS and sound.pace is not None
        return bool(known and sound.pace and sound.pace >= HURRIED * median(self._pace))

    def _learn(self, sound: TurnSound) -> None:
        """Only the first turns count: an anger that grows is not what is usual."""
        if sound.loudness is not None and len(self._loudness) < FIRST_TURNS:
            self._loudness.append(sound.loudness)
        if sound.pace is not None and len(self._pace) < FIRST_TURNS:
            self._pace.append(sound.pace)


def corrected(words: Emotion, louder: float, signs: int) -> Emotion:
    """The mood of words said so much louder (dB) than usual, with so many other signs of haste."""
    raised, shouting = louder >= RAISED, louder >= SHOUTING
    agitated = shouting or (raised and signs > 0) or signs > 1
    match words:
        case Emotion.FRUSTRATED if agitated:
            return Emotion.ANGRY
        case Emotion.NEUTRAL | Emotion.CONFUSED if (shouting and signs > 0) or (
            raised and signs > 1
        ):
            return Emotion.FRUSTRATED
        case _:
            return words
