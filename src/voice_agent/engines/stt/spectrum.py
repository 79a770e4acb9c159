"""From sound to the logarithmic mel spectrum that the acoustic model was trained on.

Done here and not by pocketsphinx, because a telephone's missing bands must be mended
between the spectrum and the cepstra. Agrees with pocketsphinx's own front end for wideband
sound (parameters: the model's `feat.params`; noise removal: the library's `fe_noise.c`, after
C. Kim and R. Stern, "Power-normalized cepstral coefficients", ICASSP 2012).
"""

from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from voice_agent.core.audio import Samples

Floats = npt.NDArray[np.float64]

RATE: Final = 16_000
SHIFT: Final = 160
"""Samples from one frame to the next: 10 ms."""
LENGTH: Final = 410
"""Samples in a frame: 25.6 ms."""
FFT_SIZE: Final = 512
PREEMPHASIS: Final = 0.97
BANDS: Final = 25
LOWEST, HIGHEST = 130.0, 6800.0
"""Hz, the outer edges of the bands."""
LOG_FLOOR: Final = 1e-4

_POWER_MEMORY: Final = 0.7
_FLOOR_RISE, _FLOOR_FALL = 0.995, 0.5
_PEAK_MEMORY, _MASKED_SHARE = 0.85, 0.2
_GREATEST_GAIN: Final = 20.0
_SMOOTHED_OVER: Final = 4


@cache
def band_edges() -> Floats:
    """Lower edge, centre and upper edge of each band (Hz), on the transform's own grid."""
    lowest, highest = (2595 * np.log10(1 + hz / 700) for hz in (LOWEST, HIGHEST))
    mel = np.linspace(lowest, highest, BANDS + 2)
    grid = RATE / FFT_SIZE
    hz = np.floor((700 * (10 ** (mel / 2595) - 1)) / grid + 0.5) * grid
    return np.stack((hz[:-2], hz[1:-1], hz[2:]), axis=1)


@cache
def _filters() -> Floats:
    hz = np.arange(FFT_SIZE // 2 + 1) * (RATE / FFT_SIZE)
    low, middle, high = (edge[:, None] for edge in band_edges().T)
    area = 2 / (high - low)
    rising, falling = (hz - low) / (middle - low), (high - hz) / (high - middle)
    weights: Floats = np.maximum(0, np.minimum(rising, falling)) * area
    return weights.T


class MelSpectrum:
    """Power in each band, frame by frame, of one stretch of sound."""

    def __init__(self) -> None:
        self._rest = np.zeros(0)
        self._last = 0.0

    def process(self, samples: Samples) -> Floats:
        """The frames (rows) that these samples complete."""
        sound = samples.astype(np.float64)
        if not len(sound):
            return np.zeros((0, BANDS))
        before = np.concatenate(([self._last], sound[:-1]))
        self._last = float(sound[-1])
        line = np.concatenate((self._rest, sound - PREEMPHASIS * before))
        frames = max(0, (len(line) - LENGTH) // SHIFT + 1)
        self._rest = line[frames * SHIFT :]
        if not frames:
            return np.zeros((0, BANDS))
        windows = np.lib.stride_tricks.sliding_window_view(line, LENGTH)[::SHIFT][:frames]
        spectrum = np.fft.rfft(windows * np.hamming(LENGTH), FFT_SIZE)
        power: Floats = (spectrum.real**2 + spectrum.imag**2) @ _filters()
        return power


class NoiseRemoval:
    """Takes the steady background out of some neighbouring bands."""

    def __init__(self, bands: int) -> None:
        """`bands` is how many."""
        self._power: Floats | None = None
        self._noise = self._floor = self._peak = np.zeros(bands)
        apart = np.abs(np.subtract.outer(np.arange(bands), np.arange(bands)))
        near = (apart <= _SMOOTHED_OVER).astype(np.float64)
        self._smoothing = near / near.sum(axis=0)

    def process(self, power: Floats) -> Floats:
        """The frames (rows) with less noise."""
        if not len(power):
            return power
        if self._power is None:
            self._power = power[0]
            self._noise = self._floor = power[0] / _GREATEST_GAIN
        gains = np.empty_like(power)
        for number, frame in enumerate(power):
            gains[number], self._power = self._gain(frame, self._power)
        cleaned: Floats = power * (gains @ self._smoothing)
        return cleaned

    def _gain(self, frame: Floats, power: Floats) -> tuple[Floats, Floats]:
        """What to multiply a frame by, and the smoothed power it leaves."""
        smooth = _POWER_MEMORY * power + (1 - _POWER_MEMORY) * frame
        self._noise = _follow(self._noise, smooth)
        signal = np.maximum(smooth - self._noise, 1.0)
        self._floor = _follow(self._floor, signal)
        faded = self._peak * _PEAK_MEMORY
        masked = np.where(signal < _PEAK_MEMORY * faded, faded * _MASKED_SHARE, signal)
        self._peak = np.maximum(faded, signal)
        kept = np.maximum(masked, self._floor)
        gain = np.clip(kept / np.maximum(smooth, 1e-9), 1 / _GREATEST_GAIN, _GREATEST_GAIN)
        return gain, smooth


def _follow(level: Floats, value: Floats) -> Floats:
    """A lower envelope: slow to rise, quick to fall."""
    memory = np.where(value >= level, _FLOOR_RISE, _FLOOR_FALL)
    followed: Floats = memory * level + (1 - memory) * value
    return followed
