"""WAV files as values: any usual encoding in, 16-bit PCM out.

Reads PCM of 8, 16, 24 and 32 bits, float of 32 and 64 bits and G.711 mu-law, plain or
"extensible", any rate; several channels are mixed to one. Layout after the RIFF
specification (Microsoft/IBM 1991) and WAVEFORMATEXTENSIBLE (mmreg.h).
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np
import numpy.typing as npt

from voice_agent.core.audio import Encoding, Samples, decode
from voice_agent.core.errors import ConfigurationError
from voice_agent.core.resample import resample

LOWEST_RATE: Final = 4000
HIGHEST_RATE: Final = 768_000
_SIMPLE: Final = 240
"""Largest denominator of a rate ratio; off by less than 1 in 50,000 for any rate."""

_PCM, _FLOAT, _MULAW, _EXTENSIBLE = 1, 3, 7, 0xFFFE
_NAMES: Final = {2: "ADPCM", 6: "A-law", 17: "IMA ADPCM", 80: "MPEG", 85: "MP3"}

Amplitude = npt.NDArray[np.float64]
"""Samples as numbers from -1 to 1."""


@dataclass(frozen=True, slots=True)
class Sound:
    """Mono sound of a file; `rate` in Hz."""

    samples: Samples
    rate: int

    @property
    def duration(self) -> float:
        """Seconds."""
        return len(self.samples) / self.rate

    def at(self, rate: int) -> Samples:
        """The same sound at another rate (Hz)."""
        if rate == self.rate:
            return self.samples
        ratio = Fraction(rate, self.rate).limit_denominator(_SIMPLE)
        scale = max(1, round(self.rate / ratio.denominator))
        return resample(self.samples, ratio.denominator * scale, ratio.numerator * scale)


@dataclass(frozen=True, slots=True)
class _Format:
    tag: int
    channels: int
    rate: int
    bits: int


def read_wav(data: bytes) -> Sound:
    """The sound in a WAV file's bytes.

    Raises:
        ConfigurationError: it is no WAV file, holds no sound or is encoded otherwise.
    """
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise ConfigurationError(f"this is no WAV file (it begins with {data[:4]!r})")
    chunks = _chunks(data)
    layout = _layout(chunks.get(b"fmt ", b""))
    body = chunks.get(b"data", b"")
    width = layout.bits // 8 * layout.channels
    body = body[: len(body) // width * width]
    if not body:
        raise ConfigurationError("the WAV file holds no sound")
    amplitude = _DECODERS[layout.tag, layout.bits](body).reshape(-1, layout.channels)
    mono = np.nan_to_num(amplitude, posinf=1.0, neginf=-1.0).mean(axis=1)
    return Sound(np.clip(np.rint(mono * 32768), -32768, 32767).astype(np.int16), layout.rate)


def write_wav(channels: list[Samples], rate: int) -> bytes:
    """A 16-bit WAV file; the channels have the same length."""
    frames = np.stack(channels, axis=1).astype("<i2").tobytes()
    count = len(channels)
    head = struct.pack("<HHIIHH", _PCM, count, rate, rate * count * 2, count * 2, 16)
    size = 20 + len(head) + len(frames)
    return b"".join(
        (
            struct.pack("<4sI4s4sI", b"RIFF", size, b"WAVE", b"fmt ", len(head)),
            head,
            struct.pack("<4sI", b"data", len(frames)),
            frames,
        )
    )


def _chunks(data: bytes) -> dict[bytes, bytes]:
    """The first chunk of each name; a size beyond the end means what is there."""
    found: dict[bytes, bytes] = {}
    position = 12
    while position + 8 <= len(data):
        name = data[position : position + 4]
        (size,) = struct.unpack_from("<I", data, position + 4)
        unfinished = name == b"data" and size == 0
        end = len(data) if unfinished else position + 8 + size
        found.setdefault(name, data[position + 8 : end])
        position = end + size % 2
    return found


def _layout(chunk: bytes) -> _Format:
    if len(chunk) < 16:
        raise ConfigurationError("the WAV file has no format: it is damaged")
    tag, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", chunk)
    if tag == _EXTENSIBLE and len(chunk) >= 26:
        (tag,) = struct.unpack_from("<H", chunk, 24)
    if (tag, bits) not in _DECODERS:
        name = _NAMES.get(tag, f"format {tag}")
        raise ConfigurationError(
            f"the WAV file is encoded as {name} with {bits} bits; "
            "save it as PCM or float (sox in.wav -e signed -b 16 out.wav)"
        )
    if not channels or not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise ConfigurationError(
            f"the WAV file has {channels} channels at {rate} Hz: it is damaged or no speech"
        )
    return _Format(tag, channels, rate, bits)


def _integers(dtype: str, full_scale: float) -> Callable[[bytes], Amplitude]:
    return lambda body: np.frombuffer(body, dtype).astype(np.float64) / full_scale


def _pcm8(body: bytes) -> Amplitude:
    return (np.frombuffer(body, np.uint8).astype(np.float64) - 128) / 128


def _pcm24(body: bytes) -> Amplitude:
    padded = np.zeros((len(body) // 3, 4), np.uint8)
    padded[:, 1:] = np.frombuffer(body, np.uint8).reshape(-1, 3)
    return padded.view("<i4")[:, 0].astype(np.float64) / 2**31


def _floats(dtype: str) -> Callable[[bytes], Amplitude]:
    return lambda body: np.frombuffer(body, dtype).astype(np.float64)


def _mulaw(body: bytes) -> Amplitude:
    return decode(body, Encoding.MULAW).astype(np.float64) / 32768


_DECODERS: Final[dict[tuple[int, int], Callable[[bytes], Amplitude]]] = {
    (_PCM, 8): _pcm8,
    (_PCM, 16): _integers("<i2", 2.0**15),
    (_PCM, 24): _pcm24,
    (_PCM, 32): _integers("<i4", 2.0**31),
    (_FLOAT, 32): _floats("<f4"),
    (_FLOAT, 64): _floats("<f8"),
    (_MULAW, 8): _mulaw,
}
