"""Fits the map from a telephone's bands to the missing ones, from wideband recordings.

    python -m benchmarks.fit_telephone_bands RECORDINGS... --out telephone_bands.npz

RECORDINGS are 16 kHz or 22.05 kHz mono WAV files of people speaking. Those without sound
above 4.2 kHz are passed over. Each is used loud and quiet, and through several line filters.
"""

import argparse
import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt

from voice_agent.core.audio import Encoding, Samples, decode, encode
from voice_agent.core.resample import resample
from voice_agent.engines.stt.spectrum import BANDS, LOG_FLOOR, RATE, MelSpectrum, NoiseRemoval
from voice_agent.engines.stt.telephone_bands import CARRIED, MISSING, in_context

Floats = npt.NDArray[np.float64]

PEAKS = (12_000, 3_000)
LINES = ((300, 3400), (200, 3400), (250, 3700), (0, 3950))
"""Lower and upper edges (Hz) of the lines that are imitated."""
RIDGE = 300.0
LEAST_TREBLE = -45.0
"""dB of 4.2-6.8 kHz against 0.3-3.4 kHz."""


def read(path: Path) -> Floats:
    """A recording at 16 kHz."""
    with wave.open(str(path)) as file:
        sound = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return resample(sound, file.getframerate(), RATE).astype(np.float64)


def passed(sound: Floats, lowest: float, highest: float) -> Floats:
    """Sound within a band of frequencies (Hz)."""
    spectrum = np.fft.rfft(sound)
    hz = np.fft.rfftfreq(len(sound), 1 / RATE)
    spectrum[(hz < lowest) | (hz > highest)] = 0
    return np.fft.irfft(spectrum, len(sound))


def treble(sound: Floats) -> float:
    """How much there is above the telephone's bands, in dB."""
    above, within = (np.sum(passed(sound, *edges) ** 2) for edges in ((4200, 6800), (300, 3400)))
    return float(10 * np.log10(max(above, 1e-9) / max(within, 1e-9)))


def over_the_line(sound: Floats, edges: tuple[float, float]) -> Samples:
    """What arrives at 16 kHz after a mu-law line at 8 kHz."""
    narrow = np.clip(passed(sound, *edges), -32767, 32767).astype(np.int16)[::2]
    line = decode(encode(np.ascontiguousarray(narrow), Encoding.MULAW), Encoding.MULAW)
    return resample(line, 8000, RATE)


def log_spectrum(sound: Samples, bands: slice) -> Floats:
    """Logarithms of some bands without noise."""
    removal = NoiseRemoval(len(range(BANDS)[bands]))
    return np.log(removal.process(MelSpectrum().process(sound)[:, bands]) + LOG_FLOOR)


def pairs(sound: Floats, chance: np.random.Generator) -> list[tuple[Floats, Floats]]:
    """Carried bands in context and the missing bands that belong to them."""
    found = []
    for peak in PEAKS:
        loud = sound * (peak / np.abs(sound).max()) + chance.normal(0, 2, len(sound))
        wide = log_spectrum(loud.astype(np.int16), slice(BANDS))[:, MISSING]
        for edges in LINES:
            carried = log_spectrum(over_the_line(loud, edges), CARRIED)
            length = min(len(wide), len(carried))
            found.append((in_context(carried[:length]), wide[:length]))
    return found


def main() -> None:
    """Fit and write the map."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("recordings", nargs="+", type=Path)
    arguments.add_argument("--out", type=Path, required=True)
    options = arguments.parse_args()
    chance = np.random.default_rng(0)
    sounds = [read(path) for path in options.recordings]
    sounds = [sound for sound in sounds if treble(sound) > LEAST_TREBLE]
    found = [pair for sound in sounds for pair in pairs(sound, chance)]
    inputs, wanted = (np.concatenate(column) for column in zip(*found, strict=True))
    mean, offset = inputs.mean(axis=0), wanted.mean(axis=0)
    centred = inputs - mean
    ridge = np.eye(inputs.shape[1]) * RIDGE * len(LINES)
    weights = np.linalg.solve(centred.T @ centred + ridge, centred.T @ (wanted - offset))
    left = np.var(wanted - offset - centred @ weights, axis=0) / np.var(wanted, axis=0)
    print(f"{len(sounds)} recordings, {sum(map(len, sounds)) / RATE:.0f} s")
    print("explained:", dict(zip(MISSING, np.round(1 - left, 2).tolist(), strict=True)))
    np.savez_compressed(
        options.out,
        weights=weights.astype(np.float32),
        offset=(offset - mean @ weights).astype(np.float32),
    )


if __name__ == "__main__":
    main()
