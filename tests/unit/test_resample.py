"""Changing the rate of live sound."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voice_agent.core.audio import Samples
from voice_agent.core.errors import ConfigurationError
from voice_agent.core.resample import Resampler, resample

RATES = (8000, 16000, 22050, 24000, 44100, 48000)
PAIRS = [(a, b) for a in RATES for b in RATES if a != b]
DOWNWARD = [(a, b) for a, b in PAIRS if a > 1.2 * b]


def tone(frequency: float, rate: int, seconds: float = 0.25) -> Samples:
    time = np.arange(round(rate * seconds)) / rate
    return (10000 * np.sin(2 * np.pi * frequency * time)).astype(np.int16)


def inner(samples: Samples) -> npt.NDArray[np.float64]:
    return samples[300:-300].astype(np.float64)


def signal_to_noise(samples: Samples, frequency: float, rate: int) -> float:
    """dB of the best fitting sine over everything else."""
    middle = inner(samples)
    angle = 2 * np.pi * frequency * np.arange(len(middle)) / rate
    basis = np.stack([np.sin(angle), np.cos(angle)], axis=1)
    fitted = basis @ np.linalg.lstsq(basis, middle, rcond=None)[0]
    return float(10 * np.log10(fitted.var() / (middle - fitted).var()))


def whole(resampler: Resampler, samples: Samples) -> Samples:
    return np.concatenate((resampler.process(samples), resampler.flush()))


@given(
    pair=st.sampled_from(PAIRS),
    cuts=st.lists(st.integers(0, 900), max_size=8),
    seed=st.integers(0, 2**32 - 1),
)
@settings(deadline=None, max_examples=60)
def test_cutting_the_input_anywhere_gives_the_same_output(
    pair: tuple[int, int], cuts: list[int], seed: int
) -> None:
    noise = np.random.default_rng(seed).integers(-32768, 32767, 900).astype(np.int16)
    expected = whole(Resampler(*pair), noise)
    pieces = np.split(noise, sorted(cuts))
    resampler = Resampler(*pair)
    got = np.concatenate([*(resampler.process(piece) for piece in pieces), resampler.flush()])
    assert np.array_equal(got, expected)


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_a_sine_stays_a_sine(source: int, target: int) -> None:
    for frequency in (1000.0, 3000.0):
        result = resample(tone(frequency, source), source, target)
        assert signal_to_noise(result, frequency, target) > 60
        assert np.sqrt(np.mean(inner(result) ** 2)) == pytest.approx(10000 / np.sqrt(2), rel=0.02)


@pytest.mark.parametrize(("source", "target"), DOWNWARD)
def test_what_the_lower_rate_cannot_hold_is_removed(source: int, target: int) -> None:
    for frequency in np.linspace(target * 0.575, source * 0.48, 5):
        left = inner(resample(tone(float(frequency), source), source, target))
        assert 20 * np.log10(max(left.std(), 1e-3) / (10000 / np.sqrt(2))) < -50


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_nothing_is_held_back(source: int, target: int) -> None:
    resampler = Resampler(source, target)
    for _ in range(50):
        before = np.zeros(source // 50, np.int16)
        assert abs(len(resampler.process(before)) - target / 50) <= 1
    assert 0.001 <= resampler.delay <= 0.002


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_a_click_keeps_its_place(source: int, target: int) -> None:
    click = np.zeros(source // 10, np.int16)
    click[source // 20] = 20000
    assert np.argmax(np.abs(resample(click, source, target))) == pytest.approx(
        target / 20, abs=max(2, target / source)
    )


def test_full_scale_sound_clips_instead_of_wrapping() -> None:
    square = np.where(np.arange(2000) // 20 % 2, 32767, -32768).astype(np.int16)
    result = resample(square, 8000, 16000)
    assert result.max() == 32767
    assert result.min() == -32768


def test_equal_rates_change_nothing() -> None:
    sound = tone(440, 8000)
    resampler = Resampler(8000, 8000)
    assert np.array_equal(whole(resampler, sound), sound)
    assert resampler.delay == 0


def test_a_flushed_resampler_starts_afresh() -> None:
    resampler, sound = Resampler(22050, 8000), tone(440, 22050)
    assert np.array_equal(whole(resampler, sound), whole(resampler, sound))


@pytest.mark.parametrize(("source", "target"), [(0, 8000), (8000, -1), (8000, 16001)])
def test_impossible_rates_are_refused_in_words(source: int, target: int) -> None:
    with pytest.raises(ConfigurationError, match=f"cannot resample {source} Hz to {target} Hz"):
        Resampler(source, target)
