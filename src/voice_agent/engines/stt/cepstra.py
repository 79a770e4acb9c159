"""From sound to the cepstra that pocketsphinx decodes, one stretch of speech at a time."""

from functools import cache
from typing import Final

import numpy as np

from voice_agent.core.audio import Samples
from voice_agent.engines.stt.spectrum import (
    BANDS,
    LOG_FLOOR,
    RATE,
    Floats,
    MelSpectrum,
    NoiseRemoval,
)
from voice_agent.engines.stt.telephone_bands import CARRIED, BandMender

COEFFICIENTS: Final = 13
LIFTER: Final = 22
"""Both from the acoustic model's `feat.params`."""
FRAME: Final = 0.01
"""Seconds from one frame to the next."""


@cache
def transform() -> Floats:
    """Bands to liftered cepstra (25 x 13): an orthonormal cosine transform, then weights."""
    order = np.arange(COEFFICIENTS)
    angles = np.outer(np.arange(BANDS) + 0.5, order) * np.pi / BANDS
    scale = np.where(order == 0, np.sqrt(1 / BANDS), np.sqrt(2 / BANDS))
    weights = 1 + LIFTER / 2 * np.sin(order * np.pi / LIFTER)
    matrix: Floats = np.cos(angles) * scale * weights
    return matrix


class CepstralFrontEnd:
    """Cepstra of one stretch, as its sound comes in."""

    def __init__(self, line_rate: int) -> None:
        """`line_rate` is the rate (Hz) the line carries: below 16 kHz it is taken for a phone.

        The sound itself always comes at 16 kHz.
        """
        narrow = line_rate < RATE
        self._bands = CARRIED if narrow else slice(BANDS)
        self._mender = BandMender() if narrow else None
        self._spectrum = MelSpectrum()
        self._noise = NoiseRemoval(len(range(BANDS)[self._bands]))

    def process(self, samples: Samples) -> Floats:
        """The frames (rows of 13) that are now certain."""
        power = self._noise.process(self._spectrum.process(samples)[:, self._bands])
        logarithms = np.log(power + LOG_FLOOR)
        return (self._mender.process(logarithms) if self._mender else logarithms) @ transform()

    def flush(self) -> Floats:
        """The last frames of the stretch."""
        rows = self._mender.flush() if self._mender else np.zeros((0, BANDS))
        return rows @ transform()
