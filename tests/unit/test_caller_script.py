"""A scripted caller against an agent that is a list of moments at which it sounds."""

from collections.abc import Sequence

import pytest

from support.echo_agent import tone
from voice_agent.core.audio import PHONE
from voice_agent.simulation.caller import (
    CallerScript,
    HangUp,
    Manners,
    Press,
    Step,
    Utter,
    Wait,
)
from voice_agent.simulation.handset import Heard

Spans = Sequence[tuple[float, float]]


class Rehearsal:
    """Ticks a caller until it hangs up; the agent sounds within the given spans (seconds)."""

    def __init__(self, steps: list[Step], agent: Spans, manners: Manners | None = None) -> None:
        self.caller = CallerScript(steps, PHONE, manners or Manners())
        self.keys: list[tuple[float, str]] = []
        self.hung_up_at = -1.0
        self.spoken: list[float] = []
        for tick in range(20_000):
            now = tick * 0.02
            voiced = any(start <= now < end for start, end in agent)
            act = self.caller.act(Heard(now, b"", voiced, coming=False))
            if act.frame is not None:
                self.spoken.append(now)
            self.keys += [(now, key) for key in act.keys]
            if act.hang_up:
                self.hung_up_at = now
                break

    @property
    def starts(self) -> list[float]:
        return [round(u.start, 3) for u in self.caller.utterances]


def test_the_caller_waits_for_the_end_of_the_greeting() -> None:
    run = Rehearsal([Utter(tone(1.0))], [(0.1, 2.0)])
    assert run.starts == pytest.approx([2.6], abs=0.021)


def test_a_pause_shorter_than_the_patience_is_not_the_end() -> None:
    run = Rehearsal([Utter(tone(1.0))], [(0.1, 1.0), (1.5, 2.0)])
    assert run.starts == pytest.approx([2.6], abs=0.021)


def test_sound_that_waits_to_be_played_is_not_the_end() -> None:
    caller = CallerScript([Utter(tone(1.0))], PHONE, Manners())
    for tick in range(200):
        act = caller.act(Heard(tick * 0.02, b"", voiced=tick < 10, coming=True))
        assert act.frame is None


def test_the_second_utterance_waits_for_the_reply() -> None:
    run = Rehearsal([Utter(tone(1.0)), Utter(tone(1.0))], [(0.0, 1.0), (3.5, 5.0)])
    assert run.starts == pytest.approx([1.6, 5.6], abs=0.021)


def test_the_caller_hangs_up_after_the_last_reply() -> None:
    run = Rehearsal([Utter(tone(1.0))], [(0.0, 1.0), (3.0, 4.0)], Manners(farewell=1.0))
    assert run.hung_up_at == pytest.approx(5.0, abs=0.021)
    assert run.caller.unanswered == 0


def test_a_caller_who_stays_never_hangs_up_first() -> None:
    manners = Manners(stay=True, longest=30.0)
    run = Rehearsal([Utter(tone(1.0))], [(0.0, 1.0), (3.0, 4.0)], manners)
    assert run.hung_up_at == pytest.approx(30.0, abs=0.021)
    assert "longest" in run.caller.gave_up_because


def test_a_silent_agent_is_given_up_and_noted() -> None:
    run = Rehearsal([Utter(tone(1.0))], [], Manners(answer_timeout=5.0))
    assert run.starts == pytest.approx([5.0], abs=0.021)
    assert run.hung_up_at == pytest.approx(11.0, abs=0.05)
    assert run.caller.unanswered == 2


def test_barging_in_counts_from_the_first_sound_of_the_reply() -> None:
    steps: list[Step] = [Utter(tone(1.0)), Utter(tone(0.5), after=1.0)]
    run = Rehearsal(steps, [(0.0, 1.0), (3.5, 9.0)])
    assert run.starts == pytest.approx([1.6, 4.5], abs=0.021)
    assert [u.barged_in for u in run.caller.utterances] == [False, True]


def test_barging_into_the_greeting() -> None:
    run = Rehearsal([Utter(tone(0.5), after=0.5)], [(1.0, 5.0)])
    assert run.starts == pytest.approx([1.5], abs=0.021)


def test_a_reply_too_short_to_barge_in_is_simply_answered() -> None:
    steps: list[Step] = [Utter(tone(1.0)), Utter(tone(0.5), after=3.0)]
    run = Rehearsal(steps, [(0.0, 1.0), (3.5, 4.0)])
    assert run.starts == pytest.approx([1.6, 4.6], abs=0.021)
    assert [u.barged_in for u in run.caller.utterances] == [False, False]


def test_a_reply_that_begins_in_a_recordings_trailing_silence_is_noticed() -> None:
    sound = tone(1.0) + b"\xff" * 8000 * 4
    run = Rehearsal([Utter(sound), Utter(tone(0.5))], [(0.0, 1.0), (3.2, 4.0)])
    assert run.starts == pytest.approx([1.6, 6.6], abs=0.041)


def test_keys_are_pressed_one_after_the_other() -> None:
    run = Rehearsal([Press("12#")], [(0.0, 1.0)])
    assert [key for _, key in run.keys] == ["1", "2", "#"]
    assert [at for at, _ in run.keys] == pytest.approx([1.6, 1.8, 2.0], abs=0.021)


def test_waiting_passes_the_time_whatever_the_agent_does() -> None:
    run = Rehearsal([Wait(2.0), Utter(tone(0.5))], [(0.0, 1.0)])
    assert run.starts == pytest.approx([2.02], abs=0.021)


def test_hanging_up_does_not_wait_for_an_answer() -> None:
    run = Rehearsal([Utter(tone(1.0)), HangUp()], [(0.0, 1.0)])
    assert run.hung_up_at == pytest.approx(2.6, abs=0.021)


def test_hanging_up_in_the_middle_of_the_reply() -> None:
    run = Rehearsal([Utter(tone(1.0)), HangUp(after=0.5)], [(0.0, 1.0), (3.0, 9.0)])
    assert run.hung_up_at == pytest.approx(3.5, abs=0.021)


def test_an_utterance_is_sent_whole_in_frames_of_20_ms() -> None:
    sound = tone(0.515)
    caller = CallerScript([Utter(sound)], PHONE, Manners(answer_timeout=0.0))
    frames = []
    for tick in range(40):
        act = caller.act(Heard(tick * 0.02, b"", voiced=False, coming=False))
        frames += [act.frame] if act.frame else []
    assert {len(frame) for frame in frames} == {160}
    assert b"".join(frames) == sound + b"\xff" * 40
