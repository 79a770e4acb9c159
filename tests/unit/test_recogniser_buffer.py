import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from voice_agent.core.audio import Samples
from voice_agent.engines.stt.spectrum import RATE
from voice_agent.engines.stt.speech_buffer import KEPT, LEAD_IN, LONGEST, TAIL, SpeechBuffer


def ramp(start: float, seconds: float) -> Samples:
    """Sound whose every sample tells its own time, in hundredths of a second."""
    times = start + np.arange(round(seconds * RATE)) / RATE
    return (times * 100).astype(np.int16)


def filled(seconds: float) -> SpeechBuffer:
    buffer = SpeechBuffer()
    for number in range(round(seconds / 0.02)):
        buffer.push(ramp(number * 0.02, 0.02), number * 0.02)
    return buffer


def test_a_stretch_begins_before_speech_was_found_and_ends_after_it() -> None:
    buffer = filled(2.0)
    buffer.begin(1.0)
    stretch = buffer.close(1.5)
    assert abs(stretch.start - (1.0 - LEAD_IN)) < 0.001
    assert abs(stretch.end - (1.5 + TAIL)) < 0.001
    assert abs(stretch.samples[0] - 100 * stretch.start) <= 2


def test_the_next_stretch_does_not_repeat_the_last_one() -> None:
    buffer = filled(2.0)
    buffer.begin(1.0)
    first = buffer.close(1.5)
    buffer.begin(1.6)
    assert buffer.close(1.9).start >= first.end - 1e-6


def test_speech_found_at_the_very_start_is_kept() -> None:
    buffer = filled(0.3)
    buffer.begin(0.1)
    assert buffer.close(0.3).start == 0.0


def test_long_quiet_is_forgotten() -> None:
    buffer = filled(KEPT + 3)
    buffer.begin(0.0)
    stretch = buffer.close(KEPT + 3)
    assert abs(stretch.end - stretch.start - KEPT) < 0.05


def test_closing_without_opening_gives_nothing() -> None:
    stretch = filled(1.0).close(0.7)
    assert len(stretch.samples) == 0
    assert stretch.start == 0.7


def test_lost_sound_becomes_silence_of_the_same_length() -> None:
    buffer = filled(1.0)
    buffer.begin(0.8)
    buffer.push(ramp(1.4, 0.02), 1.4)
    stretch = buffer.close(1.42)
    assert abs(stretch.end - 1.42) < 0.01
    assert not stretch.samples[-6000:-400].any()


def test_a_caller_who_never_stops_is_noticed() -> None:
    buffer = filled(1.0)
    buffer.begin(0.5)
    buffer.push(np.zeros(round((LONGEST + 1) * RATE), np.int16), 1.0)
    assert buffer.overlong


events = st.lists(
    st.tuples(st.sampled_from(["push", "begin", "close", "jump"]), st.floats(-0.5, 0.5)),
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(events)
def test_stretches_never_overlap_whatever_is_reported(steps: list[tuple[str, float]]) -> None:
    buffer, clock, last = SpeechBuffer(), 0.0, 0.0
    for kind, value in steps:
        if kind == "push":
            buffer.push(np.zeros(round(0.1 * RATE), np.int16), clock)
            clock += 0.1
        elif kind == "jump":
            clock += abs(value)
        elif kind == "begin":
            buffer.begin(clock + value)
        elif buffer.speaking:
            stretch = buffer.close(clock + value)
            assert stretch.start >= last - 1e-3
            assert stretch.end <= clock + 1e-3
            last = stretch.end
