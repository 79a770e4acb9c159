"""Every latency is a difference of two stamps, and the parts sum to the whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_agent.pipeline.audio_clock import AudioClock
from voice_agent.pipeline.keypad import IDLE, Keypad
from voice_agent.pipeline.timeline import Stamp, TurnTimeline


def test_stages_are_differences_of_neighbouring_stamps() -> None:
    timeline = TurnTimeline()
    for n, stamp in enumerate(Stamp):
        timeline.reach(stamp, 10 + n / 10)
    assert timeline.total_ms == pytest.approx(600)
    assert all(ms == pytest.approx(100) for ms in timeline.stages_ms().values())


def test_only_the_first_time_counts() -> None:
    timeline = TurnTimeline()
    timeline.reach(Stamp.SPEECH_END, 1.0)
    timeline.reach(Stamp.SPEECH_END, 9.0)
    timeline.reach(Stamp.ON_THE_WIRE, 1.5)
    assert timeline.total_ms == pytest.approx(500)


@given(st.dictionaries(st.sampled_from(list(Stamp)), st.floats(0, 1000)))
def test_stages_sum_to_the_total(stamps: dict[Stamp, float]) -> None:
    timeline = TurnTimeline()
    for stamp, at in stamps.items():
        timeline.reach(stamp, at)
    assert sum(timeline.stages_ms().values()) == pytest.approx(timeline.total_ms)
    assert all(ms >= 0 for ms in timeline.stages_ms().values())


def test_a_late_frame_does_not_move_the_callers_sound_into_the_future() -> None:
    clock = AudioClock()
    clock.frame_arrived(0.02, at=100.02)
    clock.frame_arrived(0.04, at=100.30)
    assert clock.moment(0.04) == pytest.approx(100.04)


def test_keys_become_an_entry_by_the_hash_key_or_by_a_pause() -> None:
    pad = Keypad()
    assert [pad.press(digit, 1.0) for digit in "104"] == [None, None, None]
    assert pad.press("#", 1.5) == "104"
    pad.press("7", 2.0)
    assert pad.expire(2.0 + IDLE - 0.1) is None
    assert pad.expire(2.0 + IDLE) == "7"
    assert pad.deadline is None


def test_the_star_key_starts_the_entry_over() -> None:
    pad = Keypad()
    for digit in "12*34":
        pad.press(digit, 0.0)
    assert pad.press("#", 0.0) == "34"


@given(st.text("0123456789*#", max_size=100))
def test_any_keys_make_entries_of_digits_only(keys: str) -> None:
    pad = Keypad()
    for key in keys:
        entry = pad.press(key, 0.0)
        assert entry is None or (entry.isdigit() and len(entry) <= 32)
