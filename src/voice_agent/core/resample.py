"""Changing the sample rate of a live stream, with nothing held back.

A polyphase FIR in the time domain: each output sample is one dot product of the newest
3 ms of input with the filter phase that lies between two input samples. Every output that
the input so far allows is returned at once; sound comes out `delay` (1.5 ms) late.

        input   x x x x x x x x x x x x|           newest sample
                └──── span, 3 ms ─────┘
        taps    ▁ ▂ ▁ ▃ ▅ █ █ ▅ ▃ ▁ ▂ ▁            windowed sinc, shifted by the phase
        output                     o               one sample

The filter is a Kaiser-windowed sinc cut at the lower rate's half. Its taps are whole
numbers, so the sums are exact in float64 and do not depend on how the input was cut.
"""

from functools import lru_cache
from math import gcd
from typing import Final

import numpy as np
import numpy.typing as npt

from voice_agent.core.audio import Samples
from voice_agent.core.errors import ConfigurationError

SPAN: Final = 0.003
"""Seconds of input one output sample looks at; half of it is the delay."""
KAISER_BETA: Final = 6.0
"""About 62 dB in the stop band (Kaiser 1974: beta = 0.1102 (A - 8.7))."""
_UNIT: Final = 1 << 20
_MAX_PHASES: Final = 1000
_Taps = npt.NDArray[np.float64]


class Resampler:
    """Turns mono 16-bit samples of one rate (Hz) into another, piece by piece."""

    def __init__(self, source_rate: int, target_rate: int) -> None:
        """Rates in Hz.

        Raises:
            ConfigurationError: the rates are not positive or have no small common ratio.
        """
        self.source_rate = source_rate
        self.target_rate = target_rate
        self._up, self._down = _ratio(source_rate, target_rate)
        self._taps = _filter(self._up, self._down, source_rate, target_rate)
        self._history = np.zeros(self._taps.shape[1] - 1, np.float64)
        self._next = 0

    @property
    def delay(self) -> float:
        """Seconds by which sound comes out late; zero when the rates are equal."""
        return float(self._taps.shape[1] - 1) / 2 / self.source_rate

    def process(self, samples: Samples) -> Samples:
        """The next input; returns every output sample it completes (may be none)."""
        if self._up == self._down:
            return samples
        span = self._taps.shape[1]
        line = np.concatenate((self._history, samples))
        # Position of the next outputs on the input's up-sampled grid, first new sample at 0.
        places = np.arange(self._next, len(samples) * self._up, self._down)
        self._next += len(places) * self._down - len(samples) * self._up
        self._history = line[len(line) - span + 1 :]
        if not len(places):
            return np.zeros(0, np.int16)
        windows = np.lib.stride_tricks.sliding_window_view(line, span)
        sums = np.einsum("nk,nk->n", windows[places // self._up], self._taps[places % self._up])
        return _rounded(sums)

    def flush(self) -> Samples:
        """What is still inside the filter at the end of the sound; then it starts afresh."""
        tail = self.process(np.zeros(int(self._taps.shape[1] // 2), np.int16))
        self._history = np.zeros_like(self._history)
        self._next = 0
        return tail if self._up != self._down else np.zeros(0, np.int16)


def resample(samples: Samples, source_rate: int, target_rate: int) -> Samples:
    """A whole sound at another rate, its start kept in place (the delay is cut off)."""
    resampler = Resampler(source_rate, target_rate)
    whole = np.concatenate((resampler.process(samples), resampler.flush()))
    return whole[round(resampler.delay * target_rate) :]


def _ratio(source_rate: int, target_rate: int) -> tuple[int, int]:
    if source_rate <= 0 or target_rate <= 0:
        raise ConfigurationError(f"cannot resample {source_rate} Hz to {target_rate} Hz")
    common = gcd(source_rate, target_rate)
    up, down = target_rate // common, source_rate // common
    if up > _MAX_PHASES:
        raise ConfigurationError(
            f"cannot resample {source_rate} Hz to {target_rate} Hz: their ratio {up}/{down} "
            "is not a simple one"
        )
    return up, down


@lru_cache(maxsize=64)
def _filter(up: int, down: int, source_rate: int, target_rate: int) -> _Taps:
    """One row of taps per phase, oldest input first; every row sums to `_UNIT`."""
    if up == down:
        return np.full((1, 1), float(_UNIT))
    span = round(SPAN * source_rate) | 1
    cutoff = min(source_rate, target_rate) / 2 / source_rate
    centre = (span - 1) / 2
    phases = np.arange(up)[:, None] / up
    distance = np.arange(span)[None, :] - centre - phases
    window = np.i0(KAISER_BETA * np.sqrt(np.maximum(0, 1 - (distance / (centre + 1)) ** 2)))
    taps = np.sinc(2 * cutoff * distance) * window
    whole: _Taps = np.round(taps / taps.sum(axis=1, keepdims=True) * _UNIT)
    whole[:, span // 2] += _UNIT - whole.sum(axis=1)
    return whole


def _rounded(sums: npt.NDArray[np.float64]) -> Samples:
    return np.clip(np.floor(sums / _UNIT + 0.5), -32768, 32767).astype(np.int16)
