"""Speech or silence, judged by loudness alone.

The two sides of a call are separate tracks, so whatever is loud on one of them is its speaker.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from voice_agent.core.audio import AudioFormat, Encoding, Samples, decode

WINDOW_SECONDS: Final = 0.01
FULL_SCALE: Final = 32768.0
QUIETEST: Final = -55.0
"""dBFS under which nothing counts as voice, however quiet the speaker."""
ON_BELOW_SPEECH: Final = 25.0
OFF_BELOW_SPEECH: Final = 32.0
"""dB under a track's own speech level where voice begins and where it ends (hysteresis)."""
SHORTEST_VOICE: Final = 0.03
"""Seconds; anything shorter is a click."""

_LOUD: Final = 330
"""Amplitude of -40 dBFS."""
_LOUD_SHARE: Final = 0.1
_LOUD_CODES: Final = (
    (np.abs(decode(bytes(range(256)), Encoding.MULAW).astype(np.int32)) > _LOUD)
    .astype(np.uint8)
    .tobytes()
)
"""A 1 for each mu-law code that is loud."""


class LoudnessGate:
    """Tells frames with sound from silence while the call runs; costs next to nothing."""

    def __init__(self, audio: AudioFormat) -> None:
        self._encoding = audio.encoding

    def voiced(self, frame: bytes) -> bool:
        """Whether a tenth of the samples is above -40 dBFS."""
        if self._encoding is Encoding.MULAW:
            return frame.translate(_LOUD_CODES).count(1) >= _LOUD_SHARE * len(frame)
        samples = np.abs(decode(frame, self._encoding).astype(np.int32))
        return int(np.count_nonzero(samples > _LOUD)) >= _LOUD_SHARE * len(samples)


@dataclass(frozen=True, slots=True)
class Segment:
    """Samples `start` (included) to `end` (not included)."""

    start: int
    end: int

    @property
    def length(self) -> int:
        """Samples."""
        return self.end - self.start


def voiced_segments(samples: Samples, rate: int) -> list[Segment]:
    """Where a track is voiced, to the sample.

    RMS over 10 ms windows; on at 25 dB and off at 32 dB under the track's own speech level
    (its 95th percentile of the windows above -55 dBFS), never under -55 dBFS.
    """
    window = round(rate * WINDOW_SECONDS)
    levels = _levels(samples, window)
    loud = levels[levels > QUIETEST]
    if not loud.size:
        return []
    speech = float(np.percentile(loud, 95))
    on, off = max(QUIETEST, speech - ON_BELOW_SPEECH), max(QUIETEST, speech - OFF_BELOW_SPEECH)
    edges = _hysteresis(levels, on, off)
    shortest = SHORTEST_VOICE / WINDOW_SECONDS
    amplitude = FULL_SCALE * 10 ** (off / 20)
    return [
        _trimmed(samples, Segment(a * window, min(b * window, len(samples))), amplitude)
        for a, b in edges
        if b - a >= shortest
    ]


def merged(segments: list[Segment], gap: int) -> list[Segment]:
    """Segments with the pauses shorter than `gap` samples closed."""
    out: list[Segment] = []
    for segment in segments:
        if out and segment.start - out[-1].end < gap:
            out[-1] = Segment(out[-1].start, max(out[-1].end, segment.end))
        else:
            out.append(segment)
    return out


def _levels(samples: Samples, window: int) -> npt.NDArray[np.float64]:
    padded = np.zeros(-(-len(samples) // window) * window)
    padded[: len(samples)] = samples
    power = np.mean((padded.reshape(-1, window) / FULL_SCALE) ** 2, axis=1)
    levels: npt.NDArray[np.float64] = 10 * np.log10(np.maximum(power, 1e-12))
    return levels


def _hysteresis(levels: npt.NDArray[np.float64], on: float, off: float) -> list[tuple[int, int]]:
    edges = []
    start = -1
    for index, level in enumerate(levels):
        if start < 0 and level >= on:
            start = index
        elif start >= 0 and level < off:
            edges.append((start, index))
            start = -1
    return [*edges, (start, len(levels))] if start >= 0 else edges


def _trimmed(samples: Samples, segment: Segment, amplitude: float) -> Segment:
    loud = np.flatnonzero(
        np.abs(samples[segment.start : segment.end].astype(np.int32)) >= amplitude
    )
    return Segment(segment.start + int(loud[0]), segment.start + int(loud[-1]) + 1)
