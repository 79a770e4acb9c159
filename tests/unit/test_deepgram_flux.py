"""The Flux protocol, without a socket and without a clock."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.deepgram_messages import PureCall, turn_info
from voice_agent.core.audio import PHONE, WIDEBAND, AudioFrame
from voice_agent.core.errors import ProviderGarbage, ProviderUnavailable
from voice_agent.core.speech import (
    RecognitionFailed,
    SpeechStarted,
    SpeechStopped,
    Transcript,
    TurnEndExpected,
    TurnResumed,
)
from voice_agent.engines.stt.deepgram.flux_protocol import (
    FORCE_END_TURN,
    FluxProtocol,
)
from voice_agent.engines.stt.deepgram.protocol import Mark, Padding


def call(*, force: bool = False) -> PureCall:
    return PureCall(FluxProtocol(0.0, PHONE, turn_end_within=0.6, force_end_turn=force))


# ── turns ────────────────────────────────────────────────────────────────────────────────


def test_the_first_text_starts_the_turn_with_or_without_a_start_of_turn() -> None:
    caller = call()
    caller.speaks(1.0)
    caller.receives(turn_info("Update", "", 0.5), turn_info("Update", "I'd like", 1.0))
    assert caller.interims == ["I'd like"]


def test_the_end_of_a_turn_is_a_final_that_ends_the_turn() -> None:
    caller = call()
    caller.speaks(2.0)
    caller.receives(
        turn_info("StartOfTurn", "I'd", 0.5),
        turn_info("Update", "I'd like two.", 1.8),
        turn_info("EndOfTurn", "I'd like two.", 2.0),
    )
    (heard,) = caller.finals
    assert heard.text == "I'd like two."
    assert heard.ends_turn
    assert heard.completeness == 0.8
    assert [word.text for word in heard.words] == ["I'd", "like", "two."]


def test_after_the_end_of_a_turn_the_calls_end_gets_an_empty_final_at_once() -> None:
    caller = call()
    caller.speaks(2.0)
    voiced_until = caller.audio_at
    caller.sounds(0.3)
    caller.receives(turn_info("EndOfTurn", "Two.", 2.3))
    caller.hear(SpeechStopped(voiced_until))
    assert caller.texts == ["Two.", ""]


def test_the_end_of_a_turn_answers_the_calls_end() -> None:
    caller = call()
    caller.speaks(2.0)
    caller.stops()
    assert not caller.finals
    caller.receives(turn_info("EndOfTurn", "Two.", 2.2))
    caller.passes(0.4)
    assert caller.texts == ["Two."]
    assert caller.finals[0].ends_turn


def test_eager_ends_and_second_thoughts_are_told() -> None:
    caller = call()
    caller.speaks(2.0)
    caller.receives(
        turn_info("EagerEndOfTurn", "I'd like two", 1.0),
        turn_info("TurnResumed", "I'd like two", 1.2),
        turn_info("Update", "I'd like two teas", 1.8),
        turn_info("EagerEndOfTurn", "I'd like two teas", 1.9),
        turn_info("EndOfTurn", "I'd like two teas", 2.0),
    )
    told = [event for event in caller.told if not isinstance(event, Transcript)]
    assert told == [
        TurnEndExpected("I'd like two"),
        TurnResumed(),
        TurnEndExpected("I'd like two teas"),
    ]
    assert caller.texts == ["I'd like two teas"]


def test_a_turn_that_never_seemed_over_is_not_resumed() -> None:
    caller = call()
    caller.speaks(1.0)
    caller.receives(turn_info("TurnResumed", "well", 1.0))
    assert TurnResumed() not in caller.told


def test_an_eager_end_without_text_is_not_told() -> None:
    caller = call()
    caller.speaks(1.0)
    caller.receives(turn_info("EagerEndOfTurn", "", 1.0))
    assert not caller.told


def test_messages_about_a_turn_that_is_over_change_nothing() -> None:
    caller = call()
    caller.speaks(2.0)
    caller.receives(turn_info("EndOfTurn", "Two.", 2.0), turn_info("Update", "Two. And", 2.1))
    caller.receives(turn_info("EndOfTurn", "Two.", 2.0))
    assert caller.texts == ["Two."]
    assert [note.event for note in caller.notes] == ["stale_turn", "stale_turn"]


def test_repeated_messages_change_nothing() -> None:
    caller = call()
    caller.speaks(2.0)
    caller.receives(
        turn_info("Update", "Two", 1.0, sequence_id=0),
        turn_info("EndOfTurn", "Two.", 2.0, sequence_id=1),
        turn_info("Update", "Three", 2.0, sequence_id=1, turn=1),
    )
    assert caller.texts == ["Two."]
    assert caller.interims == ["Two"]


def test_missed_messages_are_noted() -> None:
    caller = call()
    caller.receives('{"type":"Connected","sequence_id":0}', '{"type":"New","sequence_id":3}')
    assert [(note.event, note.detail) for note in caller.notes] == [("missed_messages", "2")]


def test_a_turn_whose_end_was_never_told_is_not_lost() -> None:
    caller = call()
    caller.speaks(4.0)
    caller.receives(turn_info("Update", "One.", 1.5), turn_info("Update", "Two", 3.5, turn=1))
    assert caller.texts == ["One."]
    assert caller.interims == ["One.", "Two"]


def test_an_earlier_turns_end_does_not_answer_a_later_end_of_the_calls() -> None:
    caller = call()
    caller.speaks(4.0)
    caller.stops()
    caller.receives(turn_info("EndOfTurn", "One.", 2.0))
    assert not caller.finals
    caller.receives(turn_info("EndOfTurn", "Two.", 4.2, start=2.5, turn=1))
    assert caller.texts == ["One. Two."]


# ── ends that the call finds ─────────────────────────────────────────────────────────────


def test_without_an_end_in_time_the_text_so_far_is_delivered() -> None:
    caller = call()
    caller.speaks(2.0)
    caller.receives(turn_info("Update", "I'd like two", 2.0))
    caller.stops()
    caller.passes(0.7)
    (heard,) = caller.finals
    assert heard.text == "I'd like two"
    assert not heard.ends_turn
    assert heard.completeness == 0.1
    assert not caller.sent


def test_the_turns_later_repetition_of_delivered_text_is_ignored() -> None:
    caller = call()
    caller.speaks(2.0)
    caller.receives(turn_info("Update", "I'd like two", 2.0))
    caller.stops()
    caller.passes(0.7)
    caller.receives(
        turn_info("Update", "I'd like two", 2.0), turn_info("EndOfTurn", "I'd like two", 2.0)
    )
    assert caller.texts == ["I'd like two"]


@pytest.mark.parametrize("timed", [True, False], ids=["timed words", "words without times"])
def test_what_the_turn_holds_beyond_the_delivered_text_is_not_lost(timed: bool) -> None:
    def told(event: str, text: str, end: float) -> str:
        return turn_info(event, text, end) if timed else turn_info(event, text, end, words=[])

    caller = call()
    caller.speaks(2.0)
    caller.receives(told("Update", "one two", 2.0))
    caller.stops()
    caller.passes(0.7)
    caller.speaks(2.0)
    caller.receives(told("Update", "one two three four", 4.4))
    caller.stops()
    caller.receives(told("EndOfTurn", "one two three four", 4.9))
    assert caller.texts == ["one two", "three four"]
    assert caller.interims[-1] == "three four"


def test_a_noise_in_a_turn_that_was_delivered_has_an_empty_final() -> None:
    caller = call()
    caller.speaks(2.0)
    caller.receives(turn_info("Update", "one two", 2.0))
    caller.stops()
    caller.passes(0.7)
    caller.speaks(0.3)
    caller.stops()
    caller.receives(turn_info("EndOfTurn", "one two", 2.0, audio_window_end=3.4))
    assert caller.texts == ["one two", ""]


def test_the_turns_end_is_forced_once_where_that_is_allowed() -> None:
    caller = call(force=True)
    caller.speaks(2.0)
    caller.receives(turn_info("Update", "I'd like", 2.0))
    caller.stops()
    caller.passes(0.7)
    assert caller.sent == [FORCE_END_TURN]
    assert not caller.finals
    caller.receives(turn_info("EndOfTurn", "I'd like two.", 2.2, trigger="manual"))
    assert caller.texts == ["I'd like two."]
    assert not caller.finals[0].ends_turn


def test_a_forced_end_that_does_not_come_leaves_the_text_so_far() -> None:
    caller = call(force=True)
    caller.speaks(2.0)
    caller.receives(turn_info("Update", "I'd like", 2.0))
    caller.stops()
    caller.passes(1.3)
    assert caller.sent == [FORCE_END_TURN]
    assert caller.texts == ["I'd like"]


def test_speech_to_which_nothing_came_back_fails_soon_instead_of_being_lost() -> None:
    caller = call()
    caller.speaks(0.8)
    caller.stops()
    caller.passes(0.7)
    assert [type(failure.error) for failure in caller.failures] == [ProviderUnavailable]


def test_text_with_a_hole_is_not_delivered() -> None:
    caller = call()
    caller.speaks(3.0)
    caller.receives(turn_info("Update", "I'd like", 1.5))
    caller.stops()
    caller.passes(1.3)
    assert not caller.finals
    assert len(caller.failures) == 1


def test_without_any_sound_the_end_is_answered_at_once() -> None:
    caller = call()
    caller.hear(SpeechStopped(0.0))
    assert caller.texts == [""]


def test_a_turn_that_ends_before_the_question_is_written_leaves_the_next_wait_alone() -> None:
    protocol = FluxProtocol(0.0, PHONE, turn_end_within=0.6)
    frame = AudioFrame(b"\x10" * 8000, PHONE, 0.0)
    later = AudioFrame(b"\x10" * 8000, PHONE, 1.0)
    protocol.hear(SpeechStarted(0.0), 0.0)
    protocol.hear(frame, 0.0)
    protocol.written(frame, 0.0)
    protocol.hear(SpeechStopped(1.0), 0.0)
    protocol.receive(turn_info("EndOfTurn", "One.", 1.0), 0.1)
    protocol.hear(SpeechStarted(1.0), 0.1)
    protocol.hear(later, 0.1)
    protocol.hear(SpeechStopped(2.0), 0.1)
    protocol.written(Mark(), 0.1)
    assert protocol.tick(1.0) == [Padding(b"\xff" * 4000, 0.5)]


# ── traps ────────────────────────────────────────────────────────────────────────────────


def test_neither_keep_alive_nor_finalize_is_ever_sent() -> None:
    caller = call(force=True)
    caller.speaks(2.0)
    caller.receives(turn_info("Update", "one", 2.0))
    caller.stops()
    caller.passes(1.0)
    assert caller.sent == [FORCE_END_TURN]


@pytest.mark.parametrize(("audio", "byte"), [(PHONE, 0xFF), (WIDEBAND, 0x00)])
def test_a_pause_in_the_sound_is_filled_with_silence_so_that_the_turn_can_end(
    audio: Any, byte: int
) -> None:
    caller = PureCall(FluxProtocol(0.0, audio))
    caller.passes(1.2)
    assert len(caller.sound) == 2
    assert set(b"".join(caller.sound)) == {byte}
    assert caller.protocol.clock.position == pytest.approx(1.0)


def test_nothing_is_filled_in_while_sound_flows() -> None:
    caller = call()
    caller.sounds(2.0)
    assert len(caller.sound) == 100


def test_filled_pauses_do_not_shift_the_callers_clock() -> None:
    caller = call()
    caller.sounds(1.0)
    caller.passes(0.6)
    caller.skips(10.0)
    caller.speaks(1.0)
    position = caller.protocol.clock.position
    caller.receives(turn_info("EndOfTurn", "Hello.", position, start=position - 1.0))
    (heard,) = caller.finals
    assert heard.words[0].start == pytest.approx(11.0)
    assert heard.words[0].end == pytest.approx(12.0)


def test_a_silent_stall_while_sound_flows_is_a_failure() -> None:
    caller = call()
    caller.receives('{"type":"Connected","sequence_id":0}')
    caller.sounds(2.9)
    assert not caller.failures
    caller.sounds(0.3)
    assert len(caller.failures) == 1


def test_empty_updates_are_a_sign_of_life() -> None:
    caller = call()
    for n in range(20):
        caller.sounds(0.5)
        caller.receives(turn_info("Update", "", 0.5 * n))
    assert not caller.failures
    assert not caller.told


def test_an_error_of_the_servers_is_fatal_and_named_by_its_code() -> None:
    caller = call()
    caller.receives('{"type":"Error","sequence_id":3,"code":"INACTIVE_CLIENT","description":"x"}')
    (failure,) = caller.failures
    assert "INACTIVE_CLIENT" in str(failure.error)


def test_warnings_are_noted_without_what_the_caller_said() -> None:
    caller = call()
    secret = "four one one one"
    caller.receives(
        json.dumps({"type": "Warning", "code": secret, "description": secret}),
        json.dumps({"type": "ConfigureFailure", "code": "SOME_CODE", "description": secret}),
    )
    assert [note.detail for note in caller.notes] == ["an unnamed code", "SOME_CODE"]


GARBAGE = [
    "{",
    "[]",
    b"\x00",
    '{"type":null}',
    turn_info("Update", "x", 1.0, turn_index="one"),
    turn_info("Update", "x", 1.0, turn_index=None),
    turn_info("Update", "x", 1.0, turn_index=-1),
    turn_info("Update", "x", 1.0, transcript=None),
    turn_info("Update", "x", 1.0, event=5),
    turn_info("Update", "x", 1.0, audio_window_end="late"),
    turn_info("Update", "x", 1.0, audio_window_start=2.0),
    turn_info("Update", "x", 1.0, sequence_id="first"),
    turn_info("Update", "x", 1.0, end_of_turn_confidence=[]),
]


@pytest.mark.parametrize("message", GARBAGE, ids=lambda m: repr(m[:40]))
def test_a_single_malformed_message_is_counted_and_ignored(message: str | bytes) -> None:
    caller = call()
    caller.speaks(2.0)
    caller.receives(message, turn_info("EndOfTurn", "Yes.", 2.0))
    assert caller.texts == ["Yes."]
    assert [note.event for note in caller.notes] == ["garbage"]


def test_more_than_three_malformed_messages_are_garbage() -> None:
    caller = call()
    caller.receives("{", "[]", b"\x00", "{")
    assert [type(failure.error) for failure in caller.failures] == [ProviderGarbage]


EVENTS = ["Update", "StartOfTurn", "EagerEndOfTurn", "TurnResumed", "EndOfTurn", "Novelty"]
json_values = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
messages = st.one_of(
    st.text(),
    st.binary(max_size=20),
    st.builds(
        lambda name, value: turn_info("Update", "x", 1.0, **{name: value}),
        st.sampled_from(["type", "turn_index", "transcript", "event", "words", "sequence_id"]),
        json_values | st.lists(json_values, max_size=2),
    ),
    st.builds(
        lambda event, text, start, length, turn: turn_info(
            event, text, start + length, start=start, turn=turn
        ),
        st.sampled_from(EVENTS),
        st.sampled_from(["", "yes", "yes please", "one two three"]),
        st.floats(0, 20),
        st.floats(0, 5),
        st.integers(0, 3),
    ),
)
steps: st.SearchStrategy[Callable[[PureCall], None]] = st.one_of(
    messages.map(lambda message: lambda caller: caller.receives(message)),
    st.floats(0.02, 2).map(lambda seconds: lambda caller: caller.sounds(seconds)),
    st.floats(0.02, 1).map(lambda seconds: lambda caller: caller.speaks(seconds)),
    st.floats(0, 5).map(lambda seconds: lambda caller: caller.passes(seconds)),
    st.just(lambda caller: caller.stops()),
)


@given(st.lists(steps, max_size=15), st.booleans())
def test_whatever_happens_every_end_has_its_one_final_unless_the_stream_failed(
    script: list[Callable[[PureCall], None]], force: bool
) -> None:
    caller = call(force=force)
    ends = 0

    def stops() -> None:
        nonlocal ends
        ends += 1
        PureCall.stops(caller)

    caller.stops = stops  # type: ignore[method-assign]
    for step in script:
        step(caller)
    caller.passes(2.5)
    asked = [t for t in caller.finals if not t.ends_turn]
    assert len(caller.failures) <= 1
    assert caller.failures or len(asked) <= ends <= len(caller.finals)
    if caller.failures:
        assert isinstance(caller.told[-1], RecognitionFailed)
    for heard in caller.told:
        if isinstance(heard, Transcript):
            assert 0 <= heard.start <= heard.end
            assert all(heard.start <= w.start < w.end <= heard.end for w in heard.words)
    assert len([e for e in caller.told if isinstance(e, TurnResumed)]) <= len(
        [e for e in caller.told if isinstance(e, TurnEndExpected)]
    )


def test_speech_that_only_started_is_no_reason_for_a_final() -> None:
    caller = call()
    caller.hear(SpeechStarted(0.0))
    caller.passes(2.0)
    assert not caller.told
