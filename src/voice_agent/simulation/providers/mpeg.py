"""Silence as MPEG audio layer III: what players can read where no encoder is at hand.

A frame whose side information is all zero carries no spectrum and decodes to silence.

    ┌ header, 4 bytes ┐┌ side information, zero ┐┌ zeros up to the frame's length ┐
"""

from typing import Final

_RATES: Final = {44100: (3, 0), 48000: (3, 1), 32000: (3, 2), 22050: (2, 0), 24000: (2, 1)}
"""Sample rate (Hz) to version (3: MPEG-1, 2: MPEG-2) and index."""
_BIT_RATES: Final = {
    3: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""Kilobits per second by version, index 1 first."""
_LAYER_III: Final = 1
_NO_CHECKSUM: Final = 1
_MONO: Final = 3


class SilentMpeg:
    """Turns lengths of sound into frames of silence; what is no whole frame waits."""

    def __init__(self, rate: int, kilobits: int) -> None:
        """Sample rate in Hz, bit rate in kbit/s.

        Raises:
            ValueError: layer III has no such rates.
        """
        version, self._rate_index = _RATES.get(rate, (0, 0))
        if kilobits not in _BIT_RATES.get(version, ()):
            raise ValueError(f"MPEG layer III has no {rate} Hz at {kilobits} kbit/s")
        self._version = version
        self._bit_rate_index = _BIT_RATES[version].index(kilobits) + 1
        self._rate = rate
        self._bytes_times_rate = (144_000 if version == 3 else 72_000) * kilobits
        self._waiting = 0
        self._owed = 0

    @property
    def frame_samples(self) -> int:
        """Samples in one frame."""
        return 1152 if self._version == 3 else 576

    def take(self, samples: int) -> bytes:
        """The frames that `samples` more of sound complete."""
        self._waiting += samples
        count, self._waiting = divmod(self._waiting, self.frame_samples)
        return b"".join(self._frame() for _ in range(count))

    def flush(self) -> bytes:
        """A last frame for the remainder, if there is one."""
        return self.take(self.frame_samples - self._waiting) if self._waiting else b""

    def _frame(self) -> bytes:
        length, self._owed = divmod(self._bytes_times_rate + self._owed, self._rate)
        plain = self._bytes_times_rate // self._rate
        padding = length - plain
        header = (
            0x7FF << 21
            | self._version << 19
            | _LAYER_III << 17
            | _NO_CHECKSUM << 16
            | self._bit_rate_index << 12
            | self._rate_index << 10
            | padding << 9
            | _MONO << 6
        )
        return header.to_bytes(4, "big").ljust(length, b"\x00")
