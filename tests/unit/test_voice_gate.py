"""When a caller began and stopped speaking, from probabilities."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_agent.core.speech import SpeechStarted, SpeechStopped, VoiceActivity
from voice_agent.pipeline.voice_gate import VoiceGate, VoiceGateOptions

WINDOW = 0.032
Told = tuple[float, SpeechStarted | SpeechStopped]

chances = st.lists(
    st.tuples(st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.4, 0.9])), st.integers(1, 30)),
    max_size=40,
).map(lambda runs: [chance for chance, count in runs for _ in range(count)])


def listen(probabilities: list[float], options: VoiceGateOptions | None = None) -> list[Told]:
    """What the gate tells, each with the end of the window that made it tell."""
    gate, told = VoiceGate(options), []
    for number, probability in enumerate(probabilities):
        end = (number + 1) * WINDOW
        event = gate.process(VoiceActivity(number * WINDOW, end, probability))
        if event is not None:
            told.append((end, event))
    return told


def test_speech_starts_where_its_first_window_starts() -> None:
    ((at, event),) = listen([0.0] * 10 + [0.9] * 5)
    assert isinstance(event, SpeechStarted)
    assert event.at == pytest.approx(10 * WINDOW)
    assert at == pytest.approx(12 * WINDOW)


def test_speech_stops_where_its_last_voiced_window_ends() -> None:
    told = listen([0.9] * 10 + [0.0] * 10)
    at, event = told[-1]
    assert isinstance(event, SpeechStopped)
    assert event.at == pytest.approx(10 * WINDOW)
    assert at - 10 * WINDOW == pytest.approx(7 * WINDOW)


def test_one_loud_window_is_no_speech() -> None:
    assert listen([0.0, 0.9, 0.0, 0.0, 0.9, 0.2] * 5) == []


def test_a_dip_shorter_than_the_pause_is_no_end() -> None:
    assert len(listen([0.9] * 5 + [0.0] * 5 + [0.9] * 5)) == 1


def test_between_the_thresholds_speech_goes_on_but_does_not_begin() -> None:
    assert listen([0.45] * 50) == []
    assert len(listen([0.9] * 2 + [0.45] * 50)) == 1


def test_a_hole_in_the_sound_does_not_confirm_a_start() -> None:
    gate = VoiceGate()
    assert gate.process(VoiceActivity(0.0, WINDOW, 0.9)) is None
    assert gate.process(VoiceActivity(5.0, 5.0 + WINDOW, 0.9)) is None
    assert gate.process(VoiceActivity(5.0 + WINDOW, 5.0 + 2 * WINDOW, 0.9)) == SpeechStarted(5.0)


def test_a_hole_in_the_sound_counts_as_silence() -> None:
    gate = VoiceGate()
    gate.process(VoiceActivity(0.0, WINDOW, 0.9))
    gate.process(VoiceActivity(WINDOW, 2 * WINDOW, 0.9))
    assert gate.process(VoiceActivity(3.0, 3.0 + WINDOW, 0.0)) == SpeechStopped(2 * WINDOW)


@given(chances)
def test_starts_and_stops_alternate(probabilities: list[float]) -> None:
    kinds = [type(event) for _, event in listen(probabilities)]
    assert kinds == [SpeechStarted, SpeechStopped] * (len(kinds) // 2) + (
        [SpeechStarted] if len(kinds) % 2 else []
    )


@given(chances)
def test_times_never_go_back_and_never_lie_in_the_future(probabilities: list[float]) -> None:
    told = listen(probabilities)
    assert all(before.at < after.at for (_, before), (_, after) in pairwise(told))
    assert all(0 <= event.at < end + 1e-9 for end, event in told)


@given(chances, st.floats(0.0, 0.3), st.floats(0.05, 1.0))
def test_speech_is_confirmed_and_ended_in_the_time_that_was_set(
    probabilities: list[float], confirm: float, stop_after: float
) -> None:
    for end, event in listen(
        probabilities, VoiceGateOptions(confirm=confirm, stop_after=stop_after)
    ):
        wait = confirm if isinstance(event, SpeechStarted) else stop_after
        assert wait - 1e-5 <= end - event.at < wait + WINDOW + 1e-5
