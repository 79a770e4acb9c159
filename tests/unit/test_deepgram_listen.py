"""The Nova protocol, without a socket and without a clock."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.deepgram_messages import PureCall, final, results, utterance_end
from voice_agent.core.audio import PHONE, AudioFrame
from voice_agent.core.errors import ProviderGarbage, ProviderUnavailable
from voice_agent.core.speech import (
    Expectation,
    RecognitionFailed,
    SpeechStarted,
    SpeechStopped,
    Transcript,
)
from voice_agent.engines.stt.deepgram.listen_protocol import (
    FINALIZE,
    KEEP_ALIVE,
    ListenProtocol,
)


def call() -> PureCall:
    return PureCall(ListenProtocol(0.0, finalize_within=0.5))


# ── the text of a stretch ────────────────────────────────────────────────────────────────


def test_the_text_is_all_finals_joined_not_just_the_last_one() -> None:
    caller = call()
    caller.speaks(6.0)
    caller.receives(final("My card is four", 0.0, 2.9), final("one one", 2.9, 4.6))
    caller.stops()
    caller.receives(final("two.", 4.6, 6.2, speech_final=True, from_finalize=True))
    assert caller.texts == ["My card is four one one two."]
    assert [word.text for word in caller.finals[0].words][-1] == "two."


def test_interim_text_is_the_finals_so_far_and_the_latest_guess() -> None:
    caller = call()
    caller.speaks(4.0)
    caller.receives(
        results("my", 0.0, 1.0),
        results("my card", 0.0, 2.0),
        final("My card", 0.0, 2.5),
        results("is four", 2.5, 3.5),
    )
    assert caller.interims == ["my", "my card", "My card", "My card is four"]


def test_a_final_that_is_shorter_than_its_interim_is_taken_as_it_is() -> None:
    caller = call()
    caller.speaks(2.0)
    caller.receives(results("book a tape bull", 0.0, 1.8), final("Book", 0.0, 1.0))
    assert caller.interims == ["book a tape bull", "Book"]
    caller.stops()
    caller.receives(final("a table.", 1.0, 2.2, from_finalize=True))
    assert caller.texts == ["Book a table."]


def test_a_guess_that_turns_out_to_be_nothing_is_taken_back() -> None:
    caller = call()
    caller.speaks(2.0)
    caller.receives(results("uh", 0.0, 1.0), final("", 0.0, 2.0))
    assert caller.interims == ["uh", ""]


def test_empty_results_only_move_the_clock() -> None:
    caller = call()
    caller.sounds(3.0)
    caller.receives(results("", 0.0, 1.0), final("", 0.0, 3.0))
    assert not caller.told


@pytest.mark.parametrize("is_final", [True, False])
def test_speech_final_is_a_boundary_even_on_a_message_that_calls_itself_interim(
    is_final: bool,
) -> None:
    caller = call()
    caller.speaks(2.0)
    caller.receives(results("Yes.", 0.0, 2.0, is_final=is_final, speech_final=True))
    assert caller.texts == ["Yes."]


# ── ends that the call finds ─────────────────────────────────────────────────────────────


def test_the_end_of_speech_asks_for_the_rest_and_gets_one_final() -> None:
    caller = call()
    caller.speaks(1.0)
    caller.stops()
    assert caller.sent == [FINALIZE]
    assert not caller.finals
    caller.receives(final("Yes.", 0.0, 1.2, speech_final=True, from_finalize=True))
    caller.passes(2.0)
    assert caller.texts == ["Yes."]
    assert not caller.finals[0].ends_turn


def test_without_any_sound_the_end_is_answered_at_once() -> None:
    caller = call()
    caller.hear(SpeechStopped(0.0))
    assert caller.texts == [""]
    assert not caller.sent


def test_a_second_end_without_new_sound_is_answered_at_once() -> None:
    caller = call()
    caller.speaks(1.0)
    caller.stops()
    caller.receives(final("Yes.", 0.0, 1.2, from_finalize=True))
    caller.hear(SpeechStopped(1.0))
    assert caller.texts == ["Yes.", ""]


def test_the_answer_to_finalize_is_not_guaranteed_and_what_covers_the_speech_is_delivered() -> None:
    caller = call()
    caller.speaks(2.0)
    caller.receives(final("I would", 0.0, 1.0), results("like that", 1.0, 2.0))
    caller.stops()
    caller.passes(0.6)
    assert caller.texts == ["I would like that"]
    assert not caller.failures


def test_silence_that_the_server_heard_is_an_empty_final_when_finalize_is_not_answered() -> None:
    caller = call()
    caller.speaks(1.0)
    caller.stops()
    caller.receives(results("", 0.0, 1.1))
    caller.passes(0.6)
    assert caller.texts == [""]


def test_speech_to_which_nothing_came_back_fails_soon_instead_of_being_lost() -> None:
    caller = call()
    caller.speaks(0.8)
    caller.stops()
    caller.passes(0.55)
    assert [type(failure.error) for failure in caller.failures] == [ProviderUnavailable]
    assert not caller.finals


def test_text_with_a_hole_is_not_delivered_but_given_a_second_wait() -> None:
    caller = call()
    caller.speaks(3.0)
    caller.stops()
    caller.passes(0.3)
    caller.receives(results("I would", 0.0, 1.0))
    caller.passes(0.5)
    assert not caller.finals
    assert not caller.failures
    caller.receives(final("I would like that.", 0.0, 3.2, from_finalize=True))
    assert caller.texts == ["I would like that."]


def test_text_with_a_hole_fails_after_the_second_wait() -> None:
    caller = call()
    caller.speaks(3.0)
    caller.stops()
    caller.passes(0.3)
    caller.receives(results("I would", 0.0, 1.0))
    caller.passes(0.8)
    assert len(caller.failures) == 1
    assert not caller.finals


def test_a_server_that_says_nothing_any_more_gets_no_second_wait() -> None:
    caller = call()
    caller.speaks(3.0)
    caller.receives(results("I would", 0.0, 1.0))
    caller.stops()
    caller.passes(0.55)
    assert len(caller.failures) == 1
    assert not caller.finals


def test_an_answer_that_comes_too_late_is_not_repeated() -> None:
    caller = call()
    caller.speaks(2.0)
    caller.receives(results("I would like that", 0.0, 2.0))
    caller.stops()
    caller.passes(0.6)
    caller.receives(final("I would like that.", 0.0, 2.1, from_finalize=True))
    caller.passes(1.0)
    assert caller.texts == ["I would like that"]


def test_what_a_late_answer_holds_beyond_is_kept_for_the_next_stretch() -> None:
    caller = call()
    caller.speaks(2.0)
    caller.receives(results("one two", 0.0, 2.0))
    caller.stops()
    caller.passes(0.6)
    caller.speaks(2.0)
    caller.receives(final("one two three four", 0.0, 4.0))
    caller.stops()
    caller.receives(final("five.", 4.0, 4.4, from_finalize=True))
    assert caller.texts == ["one two", "three four five."]


def test_a_late_answer_to_an_old_question_does_not_end_the_next_stretch_early() -> None:
    caller = call()
    caller.speaks(2.0)
    caller.receives(results("one two", 0.0, 2.0))
    caller.stops()
    caller.passes(0.6)
    caller.speaks(2.0)
    caller.stops()
    caller.receives(final("", 2.0, 2.2, from_finalize=True))
    assert caller.texts == ["one two"]
    caller.receives(final("three.", 2.2, 4.4, from_finalize=True))
    assert caller.texts == ["one two", "three."]


def test_two_ends_in_quick_succession_get_two_finals() -> None:
    caller = call()
    caller.speaks(1.0)
    caller.stops()
    caller.speaks(0.1)
    caller.stops()
    caller.receives(
        final("One.", 0.0, 1.2, from_finalize=True), final("Two.", 1.2, 1.5, from_finalize=True)
    )
    assert caller.texts == ["One.", "Two."]


def test_one_answer_for_two_ends_gives_the_text_once() -> None:
    caller = call()
    caller.speaks(1.0)
    caller.stops()
    caller.speaks(0.1)
    caller.stops()
    caller.receives(final("One two.", 0.0, 1.5, from_finalize=True))
    assert caller.texts == ["One two.", ""]


# ── ends that the server finds ───────────────────────────────────────────────────────────


def test_the_servers_own_end_is_a_final_that_ends_the_turn() -> None:
    caller = call()
    caller.speaks(2.0)
    caller.receives(final("That is all.", 0.0, 2.0, speech_final=True))
    assert caller.texts == ["That is all."]
    assert caller.finals[0].ends_turn


def test_after_the_servers_own_end_the_calls_end_gets_an_empty_final_at_once() -> None:
    caller = call()
    caller.speaks(2.0)
    voiced_until = caller.audio_at
    caller.sounds(0.8)
    caller.receives(final("That is all.", 0.0, 2.8, speech_final=True))
    caller.hear(SpeechStopped(voiced_until))
    assert caller.texts == ["That is all.", ""]
    assert not caller.sent


def test_speech_after_the_servers_own_end_is_asked_for() -> None:
    caller = call()
    caller.speaks(2.0)
    caller.receives(final("That is all.", 0.0, 2.0, speech_final=True))
    caller.sounds(1.0)
    caller.stops()
    assert caller.sent == [FINALIZE]
    caller.receives(final("Thanks.", 2.0, 3.2, from_finalize=True))
    assert caller.texts == ["That is all.", "Thanks."]


def test_an_earlier_end_of_the_servers_does_not_answer_a_later_one_of_the_calls() -> None:
    caller = call()
    caller.speaks(4.0)
    caller.stops()
    caller.receives(final("I want", 0.0, 2.0, speech_final=True))
    assert not caller.finals
    caller.receives(final("two.", 2.0, 4.2, from_finalize=True))
    assert caller.texts == ["I want two."]


def test_the_servers_end_answers_the_calls_end_and_the_answer_to_finalize_adds_nothing() -> None:
    caller = call()
    caller.speaks(2.0)
    caller.stops()
    caller.receives(final("Yes.", 0.0, 2.2, speech_final=True))
    caller.receives(final("", 2.2, 2.2, from_finalize=True))
    caller.passes(2.0)
    assert caller.texts == ["Yes."]


def test_utterance_end_without_a_speech_final_is_the_boundary() -> None:
    caller = call()
    caller.speaks(4.0)
    caller.receives(final("Hold on", 0.0, 1.5), results("please", 1.5, 2.5), utterance_end(2.5))
    assert caller.texts == ["Hold on please"]
    assert caller.finals[0].ends_turn


def test_utterance_end_after_a_speech_final_is_ignored() -> None:
    caller = call()
    caller.speaks(4.0)
    caller.receives(final("Hold on.", 0.0, 2.0, speech_final=True), utterance_end(1.9))
    assert caller.texts == ["Hold on."]


def test_a_late_utterance_end_does_not_cut_the_next_utterance() -> None:
    caller = call()
    caller.speaks(4.0)
    caller.receives(
        final("Hold on.", 0.0, 2.0, speech_final=True),
        results("actually no", 2.5, 4.0),
        utterance_end(1.9),
    )
    assert caller.texts == ["Hold on."]
    assert caller.interims[-1] == "actually no"


@pytest.mark.parametrize("end", [-1.0, 0.0])
def test_utterance_end_without_words_is_ignored(end: float) -> None:
    caller = call()
    caller.speaks(1.0)
    caller.receives(results("so", 0.0, 1.0), utterance_end(end))
    assert not caller.finals


def test_words_begun_after_the_utterances_end_stay_for_the_next() -> None:
    caller = call()
    caller.speaks(5.0)
    caller.receives(final("Hold on", 0.0, 1.5), results("so", 3.5, 4.0), utterance_end(1.5))
    assert caller.texts == ["Hold on"]
    caller.receives(final("So what?", 3.5, 5.0, speech_final=True))
    assert caller.texts == ["Hold on", "So what?"]


def test_repeated_speech_started_messages_change_nothing() -> None:
    caller = call()
    caller.speaks(1.0)
    started = json.dumps({"type": "SpeechStarted", "channel": [0, 1], "timestamp": 0.1})
    caller.receives(started, started)
    assert not caller.told
    assert not caller.notes


# ── clocks ───────────────────────────────────────────────────────────────────────────────


def test_times_are_the_callers_across_a_gap_in_which_nothing_was_sent() -> None:
    caller = call()
    caller.sounds(2.0)
    caller.skips(60.0)
    caller.speaks(2.0)
    caller.receives(final("Still there?", 2.0, 4.0, speech_final=True))
    (heard,) = caller.finals
    assert heard.words[0].start == pytest.approx(62.0)
    assert heard.words[-1].end == pytest.approx(64.0)
    assert (heard.start, heard.end) == pytest.approx((62.0, 64.0))


def test_a_word_that_ends_where_a_gap_begins_ends_before_the_gap() -> None:
    caller = call()
    caller.speaks(2.0)
    caller.skips(60.0)
    caller.sounds(1.0)
    caller.receives(final("Yes.", 1.0, 2.0, speech_final=True))
    assert caller.finals[0].words[0].end == pytest.approx(2.0)


def test_a_new_socket_counts_from_zero_and_the_caller_does_not() -> None:
    caller = call()
    caller.skips(300.0)
    caller.speaks(2.0)
    caller.receives(final("Hello again.", 0.0, 2.0, speech_final=True))
    assert caller.finals[0].start == pytest.approx(300.0)


@given(gaps=st.lists(st.tuples(st.floats(0.02, 3), st.floats(0, 9)), max_size=12))
def test_the_callers_time_never_runs_backwards(gaps: list[tuple[float, float]]) -> None:
    caller = call()
    for sound, gap in gaps:
        caller.sounds(sound)
        caller.skips(gap)
    clock = caller.protocol.clock
    moments = [n * (clock.position + 1) / 50 for n in range(51)]
    starts = [clock.start(moment) for moment in moments]
    ends = [clock.end(moment) for moment in moments]
    assert starts == sorted(starts)
    assert ends == sorted(ends)
    assert all(0 <= e <= s <= caller.audio_at + 1e-6 for s, e in zip(starts, ends, strict=True))


# ── keeping alive, and noticing death ────────────────────────────────────────────────────


def test_keep_alive_is_text_and_comes_every_four_seconds_without_sound() -> None:
    caller = call()
    caller.sounds(1.0)
    caller.passes(13.0)
    assert caller.sent == [KEEP_ALIVE] * 3
    assert json.loads(KEEP_ALIVE) == {"type": "KeepAlive"}


def test_keep_alive_waits_for_the_first_sound() -> None:
    caller = call()
    caller.passes(30.0)
    assert not caller.sent


def test_keep_alive_is_not_sent_while_sound_flows() -> None:
    caller = call()
    caller.sounds(12.0)
    assert not caller.sent


def test_an_empty_frame_is_never_sent_because_it_would_end_the_stream() -> None:
    caller = call()
    caller.hear(AudioFrame(b"", PHONE, 0.0))
    assert not caller.sound


def test_a_voiced_server_silence_of_three_seconds_is_a_failure() -> None:
    caller = call()
    caller.hear(SpeechStarted(0.0))
    caller.sounds(2.9)
    assert not caller.failures
    caller.sounds(0.3)
    assert len(caller.failures) == 1


def test_the_servers_silence_in_the_callers_silence_is_normal() -> None:
    caller = call()
    caller.sounds(30.0)
    assert not caller.failures


def test_any_sign_of_life_in_a_long_speech_will_do() -> None:
    caller = call()
    caller.hear(SpeechStarted(0.0))
    for _ in range(4):
        caller.sounds(2.0)
        caller.receives('{"type":"SomethingNew"}')
    assert not caller.failures


def test_speech_heard_again_in_a_rush_is_no_reason_to_give_up_on_the_server() -> None:
    caller = call()
    caller.hear(SpeechStarted(0.0))
    for n in range(250):
        caller.hear(AudioFrame(b"\x10" * 160, PHONE, n * 0.02))
    assert not caller.failures


# ── nonsense ─────────────────────────────────────────────────────────────────────────────

GARBAGE = [
    "{",
    "[1,2,3]",
    b"\x00\x01",
    '{"type":5}',
    "x" * (2**20 + 1),
    final("x", 0.0, 1.0, start="soon"),
    final("x", 0.0, 1.0, duration=None),
    final("x", 0.0, 1.0, duration=-1.0),
    final("x", 0.0, 1.0, is_final=1),
    final("x", 0.0, 1.0, from_finalize="yes"),
    final("x", 0.0, 1.0, channel={"alternatives": []}),
    final("x", 0.0, 1.0, channel={"alternatives": {"transcript": 7}}),
    final("x", 0.0, 1.0, channel=None),
    '{"type":"UtteranceEnd","last_word_end":"x"}',
]


@pytest.mark.parametrize("message", GARBAGE, ids=lambda m: repr(m[:40]))
def test_a_single_malformed_message_is_counted_and_ignored(message: str | bytes) -> None:
    caller = call()
    caller.speaks(2.0)
    caller.receives(message, final("Yes.", 0.0, 2.0, speech_final=True))
    assert caller.texts == ["Yes."]
    assert len(caller.notes) == 1


def test_more_than_three_malformed_messages_are_garbage() -> None:
    caller = call()
    caller.receives("{", "[]", b"\x00")
    assert not caller.failures
    caller.receives("{")
    assert [type(failure.error) for failure in caller.failures] == [ProviderGarbage]


def test_a_server_that_never_stops_telling_is_garbage() -> None:
    caller = call()
    for n in range(204):
        caller.receives(final("blah", n * 0.1, n * 0.1 + 0.1))
    assert [type(failure.error) for failure in caller.failures] == [ProviderGarbage]


def test_notes_hold_no_words_of_the_caller() -> None:
    caller = call()
    secret = "four one one one"
    caller.receives(final(secret, 0.0, 1.0, start=secret), f'{{"type":"{secret}')
    caller.receives(json.dumps({"type": "Error", "variant": "SchemaError", "message": secret}))
    assert len(caller.notes) == 3
    assert secret not in repr(caller.notes)


def test_unknown_messages_are_ignored_without_counting() -> None:
    caller = call()
    for n in range(20):
        caller.receives(json.dumps({"type": f"New{n}"}))
    assert not caller.notes


def test_words_without_proper_times_cost_only_the_times() -> None:
    caller = call()
    caller.speaks(1.0)
    caller.receives(
        final(
            "Yes.",
            0.0,
            1.0,
            speech_final=True,
            channel={"alternatives": [{"transcript": "Yes.", "words": [{"word": 1}, None]}]},
        )
    )
    assert caller.texts == ["Yes."]
    assert caller.finals[0].words == ()


def test_nothing_comes_after_a_failure() -> None:
    caller = call()
    caller.receives("{", "{", "{", "{")
    told = len(caller.told)
    caller.speaks(1.0)
    caller.stops()
    caller.receives(final("Yes.", 0.0, 1.0, speech_final=True))
    caller.passes(20.0)
    assert len(caller.told) == told
    assert not caller.sent


def test_times_beyond_anything_sent_stay_within_the_call() -> None:
    caller = call()
    caller.speaks(1.0)
    caller.receives(final("Yes.", 1e9, 2e9, speech_final=True))
    (heard,) = caller.finals
    assert 0 <= heard.start <= heard.end <= 1.1


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
NAMES = ["start", "duration", "is_final", "speech_final", "from_finalize", "channel", "type"]


def _broken(name: str, value: Any) -> str:
    return final("x", 0.0, 1.0, **{name: value})


messages = st.one_of(
    st.text(),
    st.binary(max_size=20),
    json_values.map(json.dumps),
    st.builds(_broken, st.sampled_from(NAMES), json_values),
    st.builds(
        lambda text, start, length, **flags: results(text, start, start + length, **flags),
        st.sampled_from(["", "yes", "one two three"]),
        st.floats(0, 20),
        st.floats(0, 5),
        is_final=st.booleans(),
        speech_final=st.booleans(),
        from_finalize=st.booleans(),
        words=st.booleans(),
    ),
    st.builds(utterance_end, st.floats(-1, 30)),
)
steps: st.SearchStrategy[Callable[[PureCall], None]] = st.one_of(
    messages.map(lambda message: lambda caller: caller.receives(message)),
    st.floats(0.02, 2).map(lambda seconds: lambda caller: caller.sounds(seconds)),
    st.floats(0.02, 1).map(lambda seconds: lambda caller: caller.speaks(seconds)),
    st.floats(0, 5).map(lambda seconds: lambda caller: caller.passes(seconds)),
    st.floats(0, 5).map(lambda seconds: lambda caller: caller.skips(seconds)),
    st.just(lambda caller: caller.stops()),
    st.sampled_from(Expectation).map(lambda answer: lambda caller: caller.hear(answer)),
)


@given(st.lists(steps, max_size=15))
def test_whatever_happens_every_end_has_its_one_final_unless_the_stream_failed(
    script: list[Callable[[PureCall], None]],
) -> None:
    caller = call()
    ends = 0

    def stops() -> None:
        nonlocal ends
        ends += 1
        PureCall.stops(caller)

    caller.stops = stops  # type: ignore[method-assign]
    for step in script:
        step(caller)
    caller.passes(5.0)
    asked = [t for t in caller.finals if not t.ends_turn]
    assert len(caller.failures) <= 1
    assert caller.failures or len(asked) <= ends <= len(caller.finals)
    if caller.failures:
        assert isinstance(caller.told[-1], RecognitionFailed)
    for heard in caller.told:
        if isinstance(heard, Transcript):
            assert 0 <= heard.start <= heard.end
            assert 0 <= heard.confidence <= 1
            assert all(heard.start <= w.start < w.end <= heard.end for w in heard.words)
    assert caller.protocol.clock.position == pytest.approx(sum(map(len, caller.sound)) / 8000)
