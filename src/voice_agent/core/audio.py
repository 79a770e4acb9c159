"""Sound as values: a format, and a run of samples that carries its format.

Mixing formats raises; `resample.py` is the only code that changes a rate.
The mu-law tables follow ITU-T G.711 and agree bit for bit with CPython's former
`audioop` for all 65,536 inputs (the encoder clips at 8158 of 14 bits).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]
"""Mono 16-bit linear samples."""


class Encoding(StrEnum):
    """How one sample is written."""

    PCM16 = "pcm16"
    """Signed 16-bit little-endian, two bytes a sample."""
    MULAW = "mulaw"
    """G.711 mu-law, one byte a sample."""


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """Encoding and sample rate (Hz) of mono sound."""

    encoding: Encoding
    rate: int

    @property
    def bytes_per_sample(self) -> int:
        """Bytes one sample takes."""
        return 2 if self.encoding is Encoding.PCM16 else 1

    @property
    def bytes_per_second(self) -> int:
        """Bytes one second of sound takes."""
        return self.rate * self.bytes_per_sample

    def seconds(self, data: bytes) -> float:
        """Length of `data` in seconds."""
        return len(data) / self.bytes_per_second

    def byte_count(self, seconds: float) -> int:
        """Bytes for `seconds` of sound, rounded to whole samples."""
        return round(seconds * self.rate) * self.bytes_per_sample

    def silence(self, seconds: float) -> bytes:
        """`seconds` of digital silence (mu-law silence is 0xFF, not zero)."""
        byte = b"\x00" if self.encoding is Encoding.PCM16 else b"\xff"
        return byte * self.byte_count(seconds)


PHONE: Final = AudioFormat(Encoding.MULAW, 8000)
"""What a telephone line carries."""
WIDEBAND: Final = AudioFormat(Encoding.PCM16, 16000)
"""What the browser sends and the recognisers hear best."""


@dataclass(frozen=True, slots=True)
class AudioFrame:
    """A run of mono sound; `start` is seconds on the sender's audio clock."""

    data: bytes
    format: AudioFormat
    start: float = 0.0

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.format.seconds(self.data)

    @property
    def end(self) -> float:
        """Where the next frame starts, in seconds."""
        return self.start + self.duration

    def samples(self) -> Samples:
        """The sound as 16-bit linear samples at the frame's own rate."""
        return decode(self.data, self.format.encoding)


def decode(data: bytes, encoding: Encoding) -> Samples:
    """Bytes to 16-bit linear samples."""
    if encoding is Encoding.MULAW:
        return _MULAW_TO_LINEAR[np.frombuffer(data, np.uint8)]
    return np.frombuffer(data, "<i2")


def encode(samples: Samples, encoding: Encoding) -> bytes:
    """16-bit linear samples to bytes."""
    if encoding is Encoding.MULAW:
        return _LINEAR_TO_MULAW[samples.view(np.uint16)].tobytes()
    return samples.astype("<i2", copy=False).tobytes()


def _mulaw_to_linear() -> Samples:
    code = ~np.arange(256, dtype=np.uint8)
    magnitude = (((code & 0x0F).astype(np.int32) << 3) + 0x84) << ((code & 0x70) >> 4)
    linear = magnitude - 0x84
    return np.where(code & 0x80, -linear, linear).astype(np.int16)


def _linear_to_mulaw() -> npt.NDArray[np.uint8]:
    linear = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32) >> 2
    negative = linear < 0
    magnitude = np.minimum(np.abs(linear), 8158) + 33
    segment = np.floor(np.log2(magnitude)).astype(np.int32) - 5
    code = (segment << 4) | ((magnitude >> (segment + 1)) & 0x0F)
    inverted: npt.NDArray[np.int32] = code ^ np.where(negative, 0x7F, 0xFF)
    return inverted.astype(np.uint8)


_MULAW_TO_LINEAR: Final = _mulaw_to_linear()
_LINEAR_TO_MULAW: Final = _linear_to_mulaw()
