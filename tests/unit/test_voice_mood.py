"""How a caller sounds makes a mood more likely, against how they sounded at first."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_agent.core.audio import PHONE, AudioFrame, encode
from voice_agent.core.speech import Emotion
from voice_agent.pipeline.voice_mood import SHOUTING, TurnMeter, TurnSound, VoiceMood, corrected

CALM = TurnSound(-30.0, 2.5)


def after_calm_turns(words: Emotion, sound: TurnSound) -> Emotion:
    mood = VoiceMood()
    for _ in range(2):
        assert mood.mood(Emotion.NEUTRAL, CALM) is Emotion.NEUTRAL
    return mood.mood(words, sound)


def test_who_shouts_frustrated_words_is_angry() -> None:
    assert after_calm_turns(Emotion.FRUSTRATED, TurnSound(-18.0, 2.5)) is Emotion.ANGRY


def test_a_raised_voice_that_hurries_makes_frustration_anger() -> None:
    assert after_calm_turns(Emotion.FRUSTRATED, TurnSound(-24.0, 3.6)) is Emotion.ANGRY


def test_loudness_alone_says_nothing_about_neutral_words() -> None:
    assert after_calm_turns(Emotion.NEUTRAL, TurnSound(-15.0, 2.5)) is Emotion.NEUTRAL


def test_shouting_in_haste_is_frustration_whatever_the_words() -> None:
    assert after_calm_turns(Emotion.NEUTRAL, TurnSound(-15.0, 4.0)) is Emotion.FRUSTRATED


def test_joy_may_be_loud() -> None:
    assert after_calm_turns(Emotion.HAPPY, TurnSound(-10.0, 5.0)) is Emotion.HAPPY


def test_who_is_loud_from_the_start_is_not_angry() -> None:
    mood = VoiceMood()
    for _ in range(5):
        assert mood.mood(Emotion.FRUSTRATED, TurnSound(-8.0, 4.0)) is Emotion.FRUSTRATED


def test_speaking_over_the_agent_counts_from_the_second_time() -> None:
    mood = VoiceMood()
    over = TurnSound(-24.0, 2.5, overlapped=True)
    for _ in range(2):
        mood.mood(Emotion.NEUTRAL, CALM)
    assert mood.mood(Emotion.FRUSTRATED, over) is Emotion.FRUSTRATED
    assert mood.mood(Emotion.FRUSTRATED, over) is Emotion.ANGRY


def test_a_turn_without_sound_leaves_the_words_as_they_are() -> None:
    assert after_calm_turns(Emotion.FRUSTRATED, TurnSound()) is Emotion.FRUSTRATED


def tone(amplitude: float, seconds: float = 1.0) -> AudioFrame:
    samples = amplitude * np.sin(np.arange(int(8000 * seconds)) * 0.3)
    return AudioFrame(encode(samples.astype(np.int16), PHONE.encoding), PHONE, 0.0)


def test_ten_times_the_amplitude_is_twenty_decibels() -> None:
    levels = []
    for amplitude in (1000, 10000):
        meter = TurnMeter()
        meter.add(tone(amplitude))
        loudness = meter.sound(3).loudness
        assert loudness is not None
        levels.append(loudness)
    assert levels[1] - levels[0] == pytest.approx(20, abs=0.5)


def test_pace_is_words_a_second_and_unknown_of_a_short_answer() -> None:
    meter = TurnMeter()
    meter.add(tone(1000, 0.4))
    assert meter.sound(1).pace is None
    meter.add(tone(1000, 1.6))
    assert meter.sound(5).pace == pytest.approx(2.5)


def test_a_turn_in_which_nothing_was_heard_has_no_loudness() -> None:
    assert TurnMeter().sound(0) == TurnSound()


@given(st.sampled_from(Emotion), st.floats(-60, 60), st.integers(0, 3))
def test_sound_never_makes_a_mood_brighter(words: Emotion, louder: float, signs: int) -> None:
    mood = corrected(words, louder, signs)
    assert mood is words or mood in {Emotion.FRUSTRATED, Emotion.ANGRY}
    assert corrected(words, min(louder, SHOUTING - 6), 0) is words
