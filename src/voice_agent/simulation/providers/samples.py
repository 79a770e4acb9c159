"""What a voice is cloned from: long enough, and not silence."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from voice_agent.core.errors import ConfigurationError
from voice_agent.simulation.wav import read_wav

SHORTEST: Final = 1.0
"""Seconds."""
QUIETEST: Final = 50.0
"""Root mean square of 16-bit samples; line noise lies below."""
_LEAST_BYTES: Final = 4000
"""One second of the thinnest compressed sound."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A recording; its loudness is unknown where it is compressed."""

    long_enough: bool
    loud_enough: bool


def judge(data: bytes) -> Sample:
    """Look at a recording of any format."""
    try:
        sound = read_wav(data)
    except ConfigurationError:
        return Sample(len(data) >= _LEAST_BYTES and not data.startswith(b"RIFF"), loud_enough=True)
    level = (
        np.sqrt(np.mean(np.square(sound.samples, dtype=np.float64))) if len(sound.samples) else 0
    )
    return Sample(sound.duration >= SHORTEST, bool(level >= QUIETEST))
