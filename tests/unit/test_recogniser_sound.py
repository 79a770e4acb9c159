"""The recogniser's ears: spectrum, missing bands, mean."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from pocketsphinx import Decoder

from voice_agent.core.audio import Samples
from voice_agent.engines.stt.cepstra import COEFFICIENTS, CepstralFrontEnd
from voice_agent.engines.stt.spectral_mean import SpectralMean
from voice_agent.engines.stt.spectrum import RATE, Floats
from voice_agent.engines.stt.telephone_bands import CARRIED, BandMender, in_context


def speechlike(seconds: float, seed: int = 0) -> Samples:
    """Noise whose loudness and colour change from moment to moment."""
    chance = np.random.default_rng(seed)
    length = round(seconds * RATE)
    swell = np.interp(
        np.arange(length), np.arange(0, length, 1600), chance.random(-(-length // 1600))
    )
    coloured = np.convolve(chance.normal(0, 3000, length), [1, 0.8, 0.5], mode="same")
    return (coloured * swell).astype(np.int16)


def cepstra(sound: Samples, line_rate: int, cuts: tuple[int, ...] = ()) -> Floats:
    front_end = CepstralFrontEnd(line_rate)
    parts = [front_end.process(part) for part in np.split(sound, cuts)]
    return np.concatenate([*parts, front_end.flush()])


def test_the_cepstra_are_those_of_pocketsphinx() -> None:
    sound = speechlike(2.0)
    decoder = Decoder(lm=None, keyphrase="hello", cmn="batch", loglevel="FATAL")
    decoder.start_utt()
    decoder.process_raw(sound.tobytes(), full_utt=True)
    decoder.end_utt()
    theirs = np.array([float(number) for number in decoder.get_cmn().split(",")])
    assert np.allclose(cepstra(sound, RATE).mean(axis=0), theirs, atol=0.2)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 16_000), max_size=6), st.sampled_from([8000, 16_000]))
def test_it_does_not_matter_how_the_sound_is_cut(cuts: list[int], line_rate: int) -> None:
    sound = speechlike(1.0)
    whole, pieces = cepstra(sound, line_rate), cepstra(sound, line_rate, tuple(sorted(cuts)))
    assert whole.shape == pieces.shape
    assert np.allclose(whole, pieces)


def test_digital_silence_gives_finite_frames() -> None:
    for line_rate in (8000, RATE):
        frames = cepstra(np.zeros(8000, np.int16), line_rate)
        assert frames.shape[1] == COEFFICIENTS
        assert np.isfinite(frames).all()


def test_mending_keeps_the_bands_that_were_carried() -> None:
    rows = np.random.default_rng(0).normal(10, 2, (30, len(range(25)[CARRIED])))
    mender = BandMender()
    complete = np.concatenate((mender.process(rows), mender.flush()))
    assert complete.shape == (30, 25)
    assert np.allclose(complete[:, CARRIED], rows)


def test_context_is_the_frames_around_each() -> None:
    rows = np.arange(5.0)[:, None]
    assert in_context(rows)[0].tolist() == [0, 0, 0, 0, 1, 2, 3]
    assert in_context(rows)[4].tolist() == [1, 2, 3, 4, 4, 4, 4]


def frames(level: float, count: int, seed: int = 0) -> Floats:
    noise = np.random.default_rng(seed).normal(0, 1, (count, COEFFICIENTS))
    noise[:, 0] += level
    return noise


def test_more_silence_does_not_move_the_mean() -> None:
    little = np.concatenate((frames(0, 20), frames(40, 100)))
    much = np.concatenate((frames(0, 200), frames(40, 100)))
    assert np.allclose(SpectralMean().estimate(little), SpectralMean().estimate(much), atol=1)


def test_earlier_stretches_of_the_call_count() -> None:
    mean = SpectralMean()
    mean.learn(np.concatenate((frames(0, 100), frames(40, 100))))
    alone = SpectralMean().estimate(frames(80, 30))
    assert mean.estimate(frames(80, 30))[0] < alone[0]


def test_without_any_frame_the_mean_is_zero() -> None:
    assert not SpectralMean().estimate(np.zeros((0, COEFFICIENTS))).any()
