"""The detector of last resort: loudness over the room's noise."""

import numpy as np
import pytest

from voice_agent.core.audio import PHONE, AudioFrame, Encoding, Samples, encode
from voice_agent.core.speech import VoiceActivity
from voice_agent.engines.vad.energy import EnergyDetector


def listen(samples: Samples) -> list[VoiceActivity]:
    told: list[VoiceActivity] = []
    stream = EnergyDetector().open(PHONE, told.append)
    for at in range(0, len(samples), 160):
        data = encode(samples[at : at + 160], Encoding.MULAW)
        stream.push(AudioFrame(data, PHONE, at / 8000))
    return told


def noise(level: float, seconds: float) -> Samples:
    scale = 32768 * 10 ** (level / 20)
    return np.random.default_rng(1).normal(0, scale, round(seconds * 8000)).astype(np.int16)


def test_it_answers_at_once_without_threads() -> None:
    assert len(listen(noise(-60, 0.32))) == 10


@pytest.mark.parametrize("level", [-70, -50, -30])
def test_a_steady_noise_is_no_speech(level: float) -> None:
    assert max(window.probability for window in listen(noise(level, 5))[3:]) < 0.35


def test_a_call_may_begin_in_the_middle_of_a_word() -> None:
    assert listen(noise(-20, 0.1))[0].probability > 0.5


def test_sound_over_the_noise_counts_until_it_has_become_the_noise() -> None:
    told = listen(np.concatenate((noise(-55, 2), noise(-25, 12))))
    chances = [window.probability for window in told]
    assert chances[70] > 0.5
    assert chances[-1] < 0.35


def test_a_constant_offset_is_silence() -> None:
    assert listen(np.full(8000, 9000, np.int16))[-1].probability < 0.35
