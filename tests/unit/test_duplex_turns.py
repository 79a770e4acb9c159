"""Which response answers which turn, where its words sound, and whether the model still hears."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_agent.core.audio import PHONE, AudioFrame
from voice_agent.core.chat import Role, ToolCall, ToolResult
from voice_agent.core.realtime import (
    AddText,
    AddToolResult,
    CallerSpeechStarted,
    CallerSpeechStopped,
    CallerText,
    CancelResponse,
    ItemSound,
    ItemText,
    RealtimeEvent,
    Respond,
    ResponseEnded,
    ResponseOutcome,
    ResponseStarted,
)
from voice_agent.pipeline.deafness import MISSED, UNENDED, DeafnessWatch
from voice_agent.pipeline.duplex_turns import (
    MAX_TOOL_ROUNDS,
    NO_TEXT_YET,
    CallerAnswered,
    CallerBegan,
    CallerPaused,
    DuplexTurns,
    Lost,
    Output,
    Owed,
    ReplyOver,
    RunTools,
    Send,
    Speak,
    TextKnown,
)
from voice_agent.pipeline.item_words import BRISK, Stretch
from voice_agent.pipeline.recent_sound import RecentSound

SOUND = ItemSound("r1", "i1", b"\xff" * 80)
CALL = ToolCall("c1", "look", {})


def asked(turns: DuplexTurns, item: str = "u1", at: float = 1.0) -> None:
    """The caller said something and the model begins to answer."""
    turns.handle(CallerSpeechStarted(item, at))
    turns.handle(CallerSpeechStopped(item, at + 1))


def answering(turns: DuplexTurns, response: str = "r1", turn: int = 2) -> list[Output]:
    turns.handle(ResponseStarted(response))
    return turns.begin(turn, NO_TEXT_YET)


def test_the_turn_taker_is_told_what_the_caller_does_and_when_the_model_answers() -> None:
    turns = DuplexTurns()
    assert turns.handle(CallerSpeechStarted("u1", 1.0)) == [CallerBegan()]
    assert turns.handle(CallerSpeechStopped("u1", 2.0)) == [CallerPaused(2.0)]
    assert turns.handle(ResponseStarted("r1")) == [CallerAnswered()]


def test_what_comes_before_the_turn_is_begun_waits_for_it() -> None:
    turns = DuplexTurns()
    asked(turns)
    turns.handle(ResponseStarted("r1"))
    assert not turns.handle(SOUND)
    assert not turns.handle(ResponseEnded("r1", ResponseOutcome.COMPLETED))
    assert turns.begin(2, NO_TEXT_YET) == [Speak(2, SOUND), ReplyOver(2, said=True)]


def test_a_response_whose_turn_never_begins_is_not_heard() -> None:
    turns = DuplexTurns()
    asked(turns)
    turns.handle(ResponseStarted("r1"))
    turns.handle(SOUND)
    turns.handle(CallerSpeechStarted("u2", 3.0))
    turns.handle(CallerSpeechStopped("u2", 4.0))
    turns.handle(ResponseStarted("r2"))
    assert not turns.handle(SOUND)
    assert not turns.begin(2, NO_TEXT_YET)


def test_nothing_of_a_cancelled_turn_is_heard() -> None:
    turns = DuplexTurns()
    asked(turns)
    answering(turns)
    assert turns.handle(SOUND) == [Speak(2, SOUND)]
    assert turns.cancel(2, withdraw=False) == [Send(CancelResponse())]
    assert not turns.handle(SOUND)
    assert not turns.handle(ResponseEnded("r1", ResponseOutcome.COMPLETED, (CALL,)))


def test_what_was_entered_is_put_to_the_model_as_text() -> None:
    turns = DuplexTurns()
    assert turns.begin(2, "1 0 4 2") == [
        Send(AddText(Role.USER, "1 0 4 2")),
        Send(Respond()),
        TextKnown(2, "1 0 4 2"),
    ]
    assert not turns.handle(ResponseStarted("r1"))
    assert turns.handle(SOUND) == [Speak(2, SOUND)]


def test_the_callers_text_is_told_late_and_once() -> None:
    turns = DuplexTurns()
    asked(turns)
    answering(turns)
    assert turns.handle(CallerText("u1", "where is it")) == [TextKnown(2, "where is it")]
    assert not turns.handle(CallerText("u1", "where is it"))


def test_both_parts_of_a_turn_that_went_on_are_one_text() -> None:
    turns = DuplexTurns()
    asked(turns)
    answering(turns)
    turns.handle(CallerSpeechStarted("u2", 3.0))
    turns.cancel(2, withdraw=True)
    turns.handle(CallerSpeechStopped("u2", 4.0))
    turns.handle(CallerText("u1", "where is my order"))
    answering(turns, "r2", 3)
    assert turns.handle(CallerText("u2", "ten")) == [TextKnown(3, "where is my order ten")]


def test_tools_are_run_and_their_results_answered_in_the_same_turn() -> None:
    turns = DuplexTurns()
    asked(turns)
    answering(turns)
    ended = ResponseEnded("r1", ResponseOutcome.COMPLETED, (CALL,))
    assert turns.handle(ended) == [RunTools(2, (CALL,))]
    result = ToolResult("c1", "look", ok=True, content={"x": 1})
    assert turns.results(2, (result,), last=False) == [
        Send(AddToolResult("c1", {"x": 1})),
        Send(Respond()),
    ]
    assert not turns.handle(ResponseStarted("r2"))
    late = ItemSound("r2", "i2", b"")
    assert turns.handle(late) == [Speak(2, late)]


def test_after_so_many_rounds_of_tools_the_model_may_only_speak() -> None:
    turns = DuplexTurns()
    asked(turns)
    answering(turns)
    for number in range(MAX_TOOL_ROUNDS):
        turns.handle(ResponseEnded(f"r{number + 1}", ResponseOutcome.COMPLETED, (CALL,)))
        asks = turns.results(2, (), last=False)
        turns.handle(ResponseStarted(f"r{number + 2}"))
    assert asks == [Send(Respond(tools=False))]


def test_results_of_a_turn_that_is_over_are_told_and_not_answered() -> None:
    turns = DuplexTurns()
    asked(turns)
    answering(turns)
    turns.handle(ResponseEnded("r1", ResponseOutcome.COMPLETED, (CALL,)))
    turns.cancel(2, withdraw=False)
    result = ToolResult("c1", "look", ok=True, content={})
    assert turns.results(2, (result,), last=False) == [Send(AddToolResult("c1", {}))]


def test_a_response_that_failed_loses_the_model() -> None:
    turns = DuplexTurns()
    asked(turns)
    answering(turns)
    (lost,) = turns.handle(ResponseEnded("r1", ResponseOutcome.FAILED))
    assert isinstance(lost, Lost)


# ── what is owed ────────────────────────────────────────────────────────────────────────


def test_nothing_is_owed_when_the_caller_was_answered() -> None:
    turns = DuplexTurns()
    asked(turns)
    answering(turns)
    turns.handle(SOUND)
    turns.handle(ResponseEnded("r1", ResponseOutcome.COMPLETED))
    assert turns.owed() == Owed()


def test_a_question_in_words_is_owed_in_words() -> None:
    turns = DuplexTurns()
    asked(turns)
    turns.handle(CallerText("u1", "where is it"))
    assert turns.owed() == Owed("where is it")
    answering(turns)
    assert turns.owed() == Owed("where is it", turn=2)


def test_a_question_without_words_is_owed_from_its_first_sound() -> None:
    turns = DuplexTurns()
    asked(turns, "u1", 1.0)
    answering(turns)
    turns.handle(CallerText("u1", "where is it"))
    turns.handle(CallerSpeechStarted("u2", 5.0))
    turns.cancel(2, withdraw=True)
    assert turns.owed() == Owed("", 1.0)


def test_an_answer_that_broke_off_is_named() -> None:
    turns = DuplexTurns()
    asked(turns)
    answering(turns)
    turns.handle(SOUND)
    assert turns.owed() == Owed(turn=2, said=True)


names = st.sampled_from(["r1", "r2", "r3"])
items = st.sampled_from(["u1", "u2", "u3"])
moments = st.floats(0, 100)
model_events: st.SearchStrategy[RealtimeEvent] = st.one_of(
    st.builds(CallerSpeechStarted, items, moments),
    st.builds(CallerSpeechStopped, items, moments),
    st.builds(CallerText, items, st.sampled_from(["", "yes", "no"])),
    st.builds(ResponseStarted, names),
    st.builds(ItemSound, names, st.just("i"), st.just(b"x")),
    st.builds(ItemText, names, st.just("i"), st.just("x")),
    st.builds(
        ResponseEnded, names, st.sampled_from(ResponseOutcome), st.sampled_from([(), (CALL,)])
    ),
)
commands = st.sampled_from(["begin", "cancel", "withdraw", "results"])


@given(steps=st.lists(model_events | commands, max_size=60))
def test_only_the_turn_that_is_alive_is_ever_heard(steps: list[RealtimeEvent | str]) -> None:
    turns, turn, alive = DuplexTurns(), 0, False
    for step in steps:
        match step:
            case "begin":
                if alive:
                    turns.cancel(turn, withdraw=False)
                turn, alive = turn + 1, True
                out = turns.begin(turn, NO_TEXT_YET)
            case "cancel" | "withdraw":
                out = turns.cancel(turn, withdraw=step == "withdraw")
                alive = False
            case "results":
                out = turns.results(turn, (), last=False)
            case _:
                assert not isinstance(step, str)
                out = turns.handle(step)
        for heard in out:
            if isinstance(heard, Speak | RunTools | ReplyOver):
                assert alive
                assert heard.turn == turn


@given(steps=st.lists(model_events, max_size=40))
def test_no_word_is_lost_when_the_model_is(steps: list[RealtimeEvent]) -> None:
    turns, said = DuplexTurns(), []
    for step in steps:
        turns.handle(step)
        if isinstance(step, CallerSpeechStarted):
            said.append(step.item)
    owed = turns.owed()
    texts = {step.item: step.text for step in steps if isinstance(step, CallerText)}
    if any(item not in texts for item in said):
        assert owed.sound_from is not None
    else:
        assert owed.text == " ".join(filter(None, (texts[item] for item in said)))


# ── the words of an item ────────────────────────────────────────────────────────────────


def test_the_words_of_a_finished_item_are_spread_over_all_of_its_sound() -> None:
    stretch = Stretch("i", start=1.0, text_start=4, seconds=2.0, text="abc def ")
    assert list(stretch.word_ends(finished=True)) == [(2.0, 8), (3.0, 12)]


def test_text_that_ran_ahead_of_the_sound_is_not_believed_to_have_sounded() -> None:
    stretch = Stretch("i", start=0.0, text_start=0, seconds=0.1, text="word " * 20)
    believed = [end for sound, end in stretch.word_ends(finished=False) if sound <= 0.1]
    assert len(believed) <= 0.1 * BRISK / 5 + 1


@given(text=st.text(max_size=60), seconds=st.floats(0, 30), finished=st.booleans())
def test_words_end_in_order_and_the_last_one_with_the_text(
    text: str, seconds: float, *, finished: bool
) -> None:
    ends = list(Stretch("i", 0.0, 0, seconds, text).word_ends(finished=finished))
    assert ends == sorted(ends)
    assert not text.strip() or ends[-1][1] == len(text)


@given(heard=st.floats(0, 100))
def test_a_stretch_was_never_heard_longer_than_it_is(heard: float) -> None:
    assert 0 <= Stretch("i", 3.0, 0, 2.0).heard(heard) <= 2.0


# ── hearing ─────────────────────────────────────────────────────────────────────────────


def test_a_model_that_says_nothing_about_a_caller_who_speaks_is_deaf() -> None:
    watch = DeafnessWatch()
    watch.we_heard(speaking=True, at=10.0)
    assert not watch.deaf(10.0 + MISSED, agent_sounds=False)
    assert watch.deaf(10.1 + MISSED, agent_sounds=False)


def test_a_model_that_reports_the_caller_is_not_deaf() -> None:
    watch = DeafnessWatch()
    watch.we_heard(speaking=True, at=10.0)
    watch.model_heard(speaking=True)
    assert not watch.deaf(20.0, agent_sounds=False)
    assert watch.unheard_from is None


def test_an_echo_of_the_agent_does_not_make_the_model_deaf() -> None:
    watch = DeafnessWatch()
    watch.we_heard(speaking=True, at=10.0)
    assert not watch.deaf(20.0, agent_sounds=True)
    assert not watch.deaf(20.0 + MISSED, agent_sounds=False)


def test_a_model_that_never_sees_the_end_of_speech_is_deaf() -> None:
    watch = DeafnessWatch()
    watch.we_heard(speaking=True, at=10.0)
    watch.model_heard(speaking=True)
    watch.we_heard(speaking=False, at=11.0)
    assert not watch.deaf(11.0 + UNENDED, agent_sounds=False)
    assert watch.deaf(11.1 + UNENDED, agent_sounds=False)


@pytest.mark.parametrize("seconds", [0.5, 9.0, 30.0])
def test_of_the_callers_sound_no_more_than_ten_seconds_are_kept(seconds: float) -> None:
    recent = RecentSound()
    for number in range(round(seconds / 0.02)):
        recent.push(AudioFrame(PHONE.silence(0.02), PHONE, number * 0.02))
    kept = sum(frame.duration for frame in recent.since(0.0))
    assert kept == pytest.approx(min(seconds, 10.0), abs=0.03)
    assert recent.position == pytest.approx(seconds)
    assert len(recent.since(recent.position - 0.1)) in (5, 6)
