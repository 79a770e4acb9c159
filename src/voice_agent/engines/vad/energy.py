"""Loudness over the room's own noise: no files, no threads, works on any event loop.

The fallback when the Silero weights are missing, and the detector of tests on virtual time.
It cannot tell speech from other sounds that come and go (music, a door, a dog).

        level (dB) ── minus the floor ── logistic ──► probability
                          ▲ falls at once, rises 4 dB/s
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from voice_agent.core.audio import AudioFormat, AudioFrame
from voice_agent.core.speech import VoiceActivity
from voice_agent.engines.registry import Kind, Provider
from voice_agent.engines.vad.windows import WINDOW, AudioClock, Window, WindowCutter

LOWEST_FLOOR: Final = -65.0
HIGHEST_FIRST_FLOOR: Final = -40.0
"""dB under full scale; the second lets a call begin in the middle of a word."""
RISE: Final = 4.0
"""dB per second by which the floor follows a steady sound upwards."""
STEEPNESS: Final = 2.0


class EnergyOptions(BaseModel):
    """How far speech must stand out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    margin: float = Field(
        default=12.0, ge=3, le=40, description="dB over the noise that is even odds"
    )


class EnergyStream:
    """Voice activity of one call."""

    def __init__(
        self, audio: AudioFormat, emit: Callable[[VoiceActivity], None], margin: float
    ) -> None:
        self._emit, self._margin = emit, margin
        self._clock = AudioClock(audio)
        self._cutter = WindowCutter(audio.rate)
        self._floor: float | None = None
        self._closed = False

    def push(self, frame: AudioFrame) -> None:
        """Take the next sound and tell of each window it completes; see the port."""
        self._cutter.add(frame.samples(), self._clock.place(frame))
        while not self._closed and (taken := self._cutter.take()):
            start, window = taken
            self._emit(VoiceActivity(start, start + WINDOW, self._probability(window)))

    def close(self) -> None:
        """Forget this call."""
        self._closed = True

    def _probability(self, window: Window) -> float:
        level = level_db(window)
        if self._floor is None:
            self._floor = min(level, HIGHEST_FIRST_FLOOR)
        self._floor = max(min(level, self._floor + RISE * WINDOW), LOWEST_FLOOR)
        return float(1 / (1 + np.exp((self._margin - (level - self._floor)) / STEEPNESS)))


class EnergyDetector:
    """The detector for all calls."""

    def __init__(self, margin: float = 12.0) -> None:
        """`margin` in dB over the noise."""
        self._margin = margin

    def open(self, audio: AudioFormat, emit: Callable[[VoiceActivity], None]) -> EnergyStream:
        """Start a stream; see the port."""
        return EnergyStream(audio, emit, self._margin)


def level_db(window: Window) -> float:
    """RMS without the constant part, dB under full scale, -100 for digital silence."""
    return float(20 * np.log10(max(float(np.std(window)), 1e-5)))


PROVIDER = Provider(
    name="energy",
    kind=Kind.VAD,
    options=EnergyOptions,
    build=lambda options: EnergyDetector(options.margin),
    summary="Loudness over the noise floor; needs nothing, mistakes any sound for speech",
)
