"""Whole calls by a speech-to-speech model on a virtual clock, and what happens when it is lost."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import anyio
import pytest

from support.staged_call import ListedTools, Play, Stage, stage
from voice_agent.core.audio import AudioFrame
from voice_agent.core.call import Disposition
from voice_agent.core.chat import Role, ToolCall, ToolEffect
from voice_agent.core.errors import ProviderError, ProviderUnavailable
from voice_agent.core.events import (
    AgentSaid,
    AgentSaying,
    CallerSaid,
    CallerStartedSpeaking,
    CallerStoppedSpeaking,
    CallerWentOn,
    ReplyStarted,
    ToolFinished,
    ToolStarted,
    Trouble,
    TurnMeasured,
)
from voice_agent.core.realtime import (
    AddText,
    AddToolResult,
    CancelResponse,
    Respond,
    TruncateItem,
)
from voice_agent.core.usage import EngineSwitched
from voice_agent.engines.llm.scripted import says
from voice_agent.engines.realtime.scripted import ScriptedRealtimeModel, Step
from voice_agent.engines.tts.scripted import ScriptedSpeechOptions
from voice_agent.pipeline.turns import TurnPolicy

GREETING = "Hello, this is the test shop. How can I help you?"
ANSWER = "Your order is on its way and it will be with you on Friday before noon."
DEAD = ProviderUnavailable("gone", provider="scripted")


def speaking(*answers: Sequence[Step], hears: Sequence[str | None] = (), **more: Any) -> Play:
    """A call that a speech-to-speech model answers."""
    realtime = ScriptedRealtimeModel(*answers, hears=hears)
    return Play(realtime=realtime, **more)


def model_of(play: Play) -> ScriptedRealtimeModel:
    assert isinstance(play.realtime, ScriptedRealtimeModel)
    return play.realtime


async def ask_and_hang_up(call: Stage) -> None:
    await call.until_quiet()
    await call.line.speak(1.0)
    await call.until_quiet()
    call.line.hang_up()


def silences(call: Stage) -> list[float]:
    return [after.start - before.end for before, after in pairwise(call.line.heard)]


# ── the model is there ──────────────────────────────────────────────────────────────────


def test_the_model_answers_after_the_agents_own_greeting() -> None:
    call = stage(speaking([ANSWER], hears=["where is my order"]), ask_and_hang_up)
    assert [said.text for said in call.said] == [GREETING, ANSWER]
    assert call.caller_said == ["where is my order"]
    assert call.disposition is Disposition.CALLER_HUNG_UP
    assert not call.model.requests


def test_the_journal_tells_a_turn_as_it_does_in_a_cascade() -> None:
    call = stage(speaking([ANSWER], hears=["where is my order"]), ask_and_hang_up)
    second = [type(event.payload) for event in call.events if event.turn == 2]
    assert {CallerSaid, ReplyStarted, AgentSaying, AgentSaid, TurnMeasured} <= set(second)
    assert call.of(CallerStartedSpeaking)
    assert call.of(CallerStoppedSpeaking)
    assert not call.of(Trouble)


def test_the_latency_of_a_turn_is_measured_from_the_callers_last_sound() -> None:
    call = stage(speaking([ANSWER], hears=["where is my order"]), ask_and_hang_up)
    (measured,) = (e.payload for e in call.events if isinstance(e.payload, TurnMeasured))
    assert 300 < measured.total_ms < 500
    assert sum(measured.stages.values()) == pytest.approx(measured.total_ms, abs=1)


def test_played_sound_has_no_gap() -> None:
    call = stage(speaking([ANSWER], hears=["where is my order"]), ask_and_hang_up)
    assert len(call.line.heard) == 2
    heard = call.line.heard[1]
    assert heard.end - heard.start == pytest.approx(len(ANSWER.split()) * 0.25, abs=0.05)


def test_the_model_is_told_what_the_agent_said_without_it() -> None:
    play = speaking([ANSWER], hears=["where is my order"])
    stage(play, ask_and_hang_up)
    assert AddText(Role.ASSISTANT, GREETING) in model_of(play).commands


@pytest.mark.parametrize("cut", [0.05 + 0.17 * n for n in range(20)])
def test_talking_over_the_model_keeps_only_what_was_heard(cut: float) -> None:
    async def caller(call: Stage) -> None:
        await call.until_quiet()
        await call.line.speak(1.0)
        await call.until_sounding(cut)
        onset = anyio.current_time()
        await call.line.speak(0.6)
        assert call.line.heard[1].end - onset < 0.25
        await call.until_quiet()
        call.line.hang_up()

    play = speaking([ANSWER], ["I see."], hears=["where is my order", "stop"])
    call = stage(play, caller)
    words, heard = ANSWER.split(), call.line.heard[1]
    cut_off = call.said[1]
    assert cut_off.interrupted
    assert abs(len(cut_off.text.split()) - (heard.end - heard.start) / 0.25) <= 1.5
    spoken = cut_off.text.split() + cut_off.unheard.split()
    assert spoken == words[: len(spoken)]
    assert call.said[-1].text == "I see."


def test_the_model_is_told_by_the_playout_ledger_how_much_was_heard() -> None:
    async def caller(call: Stage) -> None:
        await call.until_quiet()
        await call.line.speak(1.0)
        await call.until_sounding(1.6)
        await call.line.speak(0.6)
        await call.until_quiet()
        call.line.hang_up()

    play = speaking([ANSWER], ["I see."], hears=["where is my order", "stop"])
    call = stage(play, caller)
    (truncated,) = (c for c in model_of(play).commands if isinstance(c, TruncateItem))
    heard = call.line.heard[1]
    assert truncated.heard == pytest.approx(heard.end - heard.start, abs=0.15)


def test_a_tool_runs_and_the_model_answers_from_its_result() -> None:
    lookup = ToolCall("call_1", "check_order_status", {"order_id": "1042"})
    tools = ListedTools({"check_order_status": (0.05, {"status": "shipped"}, ToolEffect.NONE)})
    play = speaking([lookup], ["It has shipped."], hears=["order 1042"], tools=tools)
    call = stage(play, ask_and_hang_up)
    assert call.said[-1].text == "It has shipped."
    assert [c.arguments for c in tools.calls] == [{"order_id": "1042"}]
    sent = model_of(play).commands
    assert sent.index(AddToolResult("call_1", {"status": "shipped"})) < sent.index(Respond())
    assert len(call.of(ToolStarted)) == len(call.of(ToolFinished)) == 1


def test_a_slow_tool_is_covered_by_a_sentence_and_does_not_cost_the_model_its_place() -> None:
    lookup = ToolCall("call_1", "look", {})
    tools = ListedTools({"look": (6.0, {"found": True}, ToolEffect.NONE)})
    play = speaking([lookup], ["I found it."], hears=["where is it"], tools=tools)

    async def caller(call: Stage) -> None:
        await call.until_quiet()
        await call.line.speak(1.0)
        await anyio.sleep(12)
        call.line.hang_up()

    call = stage(play, caller)
    assert call.said[-1].text.startswith("One moment, please.")
    assert call.said[-1].text.endswith("I found it.")
    assert not call.of(Trouble)


def test_the_goodbye_is_heard_to_its_end_before_the_agent_hangs_up() -> None:
    bye = ToolCall("call_1", "end_call", {})
    tools = ListedTools({"end_call": (0.0, {"message": "bye"}, ToolEffect.END_CALL)})
    play = speaking([bye], ["Thank you for calling. Goodbye."], hears=["bye"], tools=tools)

    async def caller(call: Stage) -> None:
        await call.until_quiet()
        await call.line.speak(0.6)

    call = stage(play, caller)
    assert call.disposition is Disposition.AGENT_ENDED
    assert call.said[-1].text == "Thank you for calling. Goodbye."
    heard = call.line.heard[-1]
    assert heard.end - heard.start == pytest.approx(5 * 0.25, abs=0.05)
    assert Respond(tools=False) in model_of(play).commands


def test_keys_are_put_to_the_model_as_text_and_zero_as_a_wish_for_a_person() -> None:
    async def caller(call: Stage) -> None:
        await call.until_quiet()
        for digit in "1042#":
            call.line.press(digit)
        await call.until_quiet()
        call.line.press("0")
        await call.until_quiet()
        call.line.hang_up()

    play = speaking(["Thank you."], ["I will connect you."])
    call = stage(play, caller)
    assert call.caller_said == ["1 0 4 2", "I want to talk to a person"]
    assert [said.text for said in call.said[1:]] == ["Thank you.", "I will connect you."]
    assert AddText(Role.USER, "1 0 4 2") in model_of(play).commands


def test_keys_pressed_while_the_model_speaks_silence_it() -> None:
    async def caller(call: Stage) -> None:
        await call.until_quiet()
        await call.line.speak(1.0)
        await call.until_sounding(0.8)
        for digit in "7#":
            call.line.press(digit)
        await anyio.sleep(0.2)
        await call.until_quiet()
        call.line.hang_up()

    play = speaking([ANSWER], ["Seven it is."], hears=["where is my order"])
    call = stage(play, caller)
    assert call.said[1].interrupted
    assert call.said[-1].text == "Seven it is."
    kinds = [type(c) for c in model_of(play).commands]
    assert kinds.index(TruncateItem) < kinds.index(Respond)


def test_a_silent_caller_is_prompted_and_then_left_with_a_goodbye() -> None:
    async def wait(call: Stage) -> None:
        await anyio.sleep(600)

    call = stage(speaking([ANSWER]), wait)
    assert call.disposition is Disposition.CALLER_IDLE
    assert [said.text for said in call.said[1:3]] == [
        "Are you still there?",
        "I can't hear you. Are you still there?",
    ]
    assert not call.of(Trouble)


def test_a_model_that_has_nothing_to_say_is_heard_as_an_apology() -> None:
    call = stage(speaking([], hears=["where is my order"]), ask_and_hang_up)
    assert call.said[-1].text.startswith("Sorry, something went wrong")


def test_a_caller_who_goes_on_is_answered_once_for_both_parts() -> None:
    async def caller(call: Stage) -> None:
        await call.until_quiet()
        await call.line.speak(0.8)
        await anyio.sleep(0.5)
        await call.line.speak(0.8)
        await call.until_quiet()
        call.line.hang_up()

    play = speaking([1.0, "Too early."], [ANSWER], hears=["where is my order", "ten forty two"])
    call = stage(play, caller)
    assert call.caller_said[-1] == "where is my order ten forty two"
    assert len(call.of(CallerWentOn)) == 1
    assert [said.text for said in call.said] == [GREETING, ANSWER]


def test_a_server_that_stops_says_goodbye() -> None:
    async def caller(call: Stage) -> None:
        await call.until_quiet()
        await call.line.speak(1.0)
        await call.until_sounding(0.5)
        call.session.leave()

    call = stage(speaking([ANSWER], hears=["hi"]), caller)
    assert call.disposition is Disposition.SERVER_STOPPED
    assert "maintenance" in call.said[-1].text
    assert call.said[1].interrupted


@pytest.mark.parametrize("moment", [0.0, 0.05, 0.5, 2.0, 4.3, 4.9, 5.2, 5.6, 6.4, 8.0])
def test_hanging_up_at_any_moment_ends_the_call_at_once(moment: float) -> None:
    async def caller(call: Stage) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask_and_hang_up, call)
            await anyio.sleep(moment)
            call.line.hang_up(clean=False)
            tasks.cancel_scope.cancel()

    tools = ListedTools({"look": (0.4, {"found": True}, ToolEffect.NONE)})
    play = speaking([ToolCall("c", "look", {})], [ANSWER], hears=["where is it"], tools=tools)
    call = stage(play, caller)
    assert call.disposition is Disposition.CONNECTION_LOST
    assert call.events[-1].at < moment + 0.2
    assert call.line.closed


# ── the model is lost ───────────────────────────────────────────────────────────────────


def carried_on(call: Stage) -> None:
    """The call went on by the cascade, and its readers know why."""
    assert [event.payload.where for event in call.of(Trouble) if isinstance(event.payload, Trouble)]
    assert call.disposition is Disposition.CALLER_HUNG_UP


def test_a_model_that_cannot_be_reached_leaves_the_call_to_the_cascade() -> None:
    play = Play(["where is my order"], [says(ANSWER)])
    play.realtime = ScriptedRealtimeModel(refusal=DEAD)
    call = stage(play, ask_and_hang_up)
    carried_on(call)
    assert [said.text for said in call.said] == [GREETING, ANSWER]
    assert call.caller_said == ["where is my order"]


def test_what_is_said_while_the_model_is_being_reached_in_vain_is_heard() -> None:
    async def caller(call: Stage) -> None:
        await call.until_sounding(0.2)
        await call.line.speak(0.8)
        await anyio.sleep(1.5)
        await call.until_quiet()
        call.line.hang_up()

    realtime = ScriptedRealtimeModel(refusal=DEAD, opens_in=2.0)
    call = stage(Play(["where is my order"], [says(ANSWER)], realtime=realtime), caller)
    carried_on(call)
    assert call.caller_said == ["where is my order"]


def test_a_model_that_never_opens_is_not_waited_for() -> None:
    realtime = ScriptedRealtimeModel([ANSWER], opens_in=1000.0)
    call = stage(Play(["where is my order"], [says(ANSWER)], realtime=realtime), ask_and_hang_up)
    carried_on(call)
    assert call.caller_said == ["where is my order"]
    assert call.said[-1].text == ANSWER


def test_an_aside_that_hangs_does_not_hold_up_the_next_answer() -> None:
    async def caller(call: Stage) -> None:
        await call.until_quiet()
        await call.line.speak(1.0)
        await anyio.sleep(2.2)
        await call.line.speak(1.0)
        await call.until_quiet()
        call.line.hang_up()

    voice = ScriptedSpeechOptions(first_delay=3.5)
    play = speaking([1000.0], [ANSWER], hears=["where is it", "hello"], voice=voice)
    call = stage(play, caller)
    answered = next(e for e in call.of(ReplyStarted) if e.turn > 2)
    stopped = call.of(CallerStoppedSpeaking)[-1]
    assert answered.at - stopped.at < 0.3
    assert not call.of(Trouble)


def test_a_cough_that_only_we_heard_does_not_cost_the_model_its_place() -> None:
    async def caller(call: Stage) -> None:
        await call.until_quiet()
        realtime.hanging = True
        await call.line.speak(0.15)
        await anyio.sleep(0.5)
        realtime.hanging = False
        await call.until_quiet()
        call.line.hang_up()

    realtime = ScriptedRealtimeModel([ANSWER])
    call = stage(Play(realtime=realtime), caller)
    assert call.said[-1].text == "Are you still there?"
    assert not call.of(Trouble)


def test_the_journal_says_who_took_over() -> None:
    realtime = ScriptedRealtimeModel([DEAD], hears=["where is my order"])
    call = stage(Play([], [says(ANSWER)], realtime=realtime), ask_and_hang_up)
    (switched,) = (e.payload for e in call.events if isinstance(e.payload, EngineSwitched))
    assert (switched.kind, switched.successor) == ("realtime", "cascade")


def test_a_model_lost_between_two_turns_is_not_missed() -> None:
    async def caller(call: Stage) -> None:
        await call.until_quiet()
        await call.line.speak(1.0)
        await call.until_quiet()
        realtime.die(DEAD)
        await anyio.sleep(1.0)
        await call.line.speak(1.0)
        await call.until_quiet()
        call.line.hang_up()

    realtime = ScriptedRealtimeModel([ANSWER], hears=["where is my order"])
    play = Play(["and when will it come"], [says("On Friday.")], realtime=realtime)
    call = stage(play, caller)
    carried_on(call)
    assert [said.text for said in call.said] == [GREETING, ANSWER, "On Friday."]
    history = [(m.role, m.text) for m in call.model.requests[0].messages]
    assert history == [
        (Role.ASSISTANT, GREETING),
        (Role.USER, "where is my order"),
        (Role.ASSISTANT, ANSWER),
        (Role.USER, "and when will it come"),
    ]


def test_a_question_the_model_died_of_is_answered_by_the_cascade_at_once() -> None:
    realtime = ScriptedRealtimeModel([0.4, DEAD], hears=["where is my order"])
    call = stage(Play([], [says(ANSWER)], realtime=realtime), ask_and_hang_up)
    carried_on(call)
    assert call.said[-1].text == ANSWER
    users = [m.text for m in call.model.requests[0].messages if m.role is Role.USER]
    assert users == ["where is my order"]
    (trouble,) = call.of(Trouble)
    answered = next(e for e in call.of(ReplyStarted) if e.at >= trouble.at)
    assert answered.at - trouble.at < 1.0


def test_a_question_that_is_not_in_words_yet_is_heard_again() -> None:
    realtime = ScriptedRealtimeModel([0.1, DEAD], hears=[None])
    call = stage(Play(["where is my order"], [says(ANSWER)], realtime=realtime), ask_and_hang_up)
    carried_on(call)
    assert call.said[-1].text == ANSWER
    assert call.caller_said == ["where is my order"]
    (trouble,) = call.of(Trouble)
    answered = next(e for e in call.of(ReplyStarted) if e.at >= trouble.at)
    assert answered.at - trouble.at < 1.0


@pytest.mark.parametrize("moment", [0.1, 0.5, 0.9])
def test_a_caller_who_speaks_when_the_model_dies_loses_no_word(moment: float) -> None:
    async def caller(call: Stage) -> None:
        await call.until_quiet()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(call.line.speak, 1.0)
            await anyio.sleep(moment)
            realtime.die(DEAD)
        await call.until_quiet()
        call.line.hang_up()

    realtime = ScriptedRealtimeModel([ANSWER])
    call = stage(Play(["where is my order"], [says(ANSWER)], realtime=realtime), caller)
    carried_on(call)
    assert call.caller_said == ["where is my order"]
    voiced = sum(
        frame.duration
        for frame in call.recognizer.inputs
        if isinstance(frame, AudioFrame) and int(abs(frame.samples()).max()) > 500
    )
    assert voiced == pytest.approx(1.0, abs=0.05)


def test_an_answer_that_was_sent_whole_is_heard_whole() -> None:
    async def caller(call: Stage) -> None:
        await call.until_quiet()
        await call.line.speak(1.0)
        await call.until_sounding(1.5)
        realtime.die(DEAD)
        await call.until_quiet()
        call.line.hang_up()

    realtime = ScriptedRealtimeModel([ANSWER], hears=["where is my order"])
    call = stage(Play(realtime=realtime), caller)
    carried_on(call)
    assert call.said[-1].text == ANSWER
    assert not call.said[-1].interrupted
    assert len(call.line.heard) == 2


def test_an_answer_that_plays_on_after_the_models_death_can_still_be_interrupted() -> None:
    async def caller(call: Stage) -> None:
        await call.until_quiet()
        await call.line.speak(1.0)
        await call.until_sounding(0.8)
        realtime.die(DEAD)
        await anyio.sleep(0.5)
        await call.line.speak(0.8)
        await call.until_quiet()
        call.line.hang_up()

    realtime = ScriptedRealtimeModel([ANSWER], hears=["where is my order"])
    call = stage(Play(["no the other one"], [says("I see.")], realtime=realtime), caller)
    assert call.said[1].interrupted
    assert call.said[-1].text == "I see."
    last = call.model.requests[0].messages[-2:]
    assert [m.text for m in last] == [call.said[1].text, "no the other one"]


def test_an_answer_that_broke_off_ends_in_an_apology() -> None:
    steps: list[Step] = ["Your order left on Monday.", 0.5, DEAD]
    realtime = ScriptedRealtimeModel(steps, hears=["where is my order"])
    call = stage(Play(realtime=realtime), ask_and_hang_up)
    carried_on(call)
    assert call.said[-1].text.startswith("Your order left on Monday. Sorry, something went wrong")
    assert all(silence < 1.0 for silence in silences(call)[1:])


def test_a_tool_that_ran_is_not_run_again_when_the_model_dies_over_its_result() -> None:
    lookup = ToolCall("call_1", "book", {})
    tools = ListedTools({"book": (0.3, {"booked": True}, ToolEffect.NONE)})
    realtime = ScriptedRealtimeModel([lookup], [0.2, DEAD], hears=["book it"])
    play = Play([], [says("It is booked.")], tools, realtime=realtime)
    call = stage(play, ask_and_hang_up)
    carried_on(call)
    assert len(tools.calls) == 1
    assert call.said[-1].text == "It is booked."
    roles = [m.role for m in call.model.requests[0].messages]
    assert roles[-3:] == [Role.USER, Role.ASSISTANT, Role.TOOL]


def test_a_model_that_answers_too_late_is_given_up_after_a_word_of_patience() -> None:
    realtime = ScriptedRealtimeModel([1000.0], hears=["where is my order"])

    async def caller(call: Stage) -> None:
        await call.until_quiet()
        await call.line.speak(1.0)
        await anyio.sleep(9)
        call.line.hang_up()

    call = stage(Play([], [says(ANSWER)], realtime=realtime), caller)
    carried_on(call)
    assert call.said[-1].text == ANSWER
    assert all(silence < 4.5 for silence in silences(call)[1:])
    assert any(
        "One moment" in e.payload.text for e in call.events if isinstance(e.payload, AgentSaying)
    )


def test_a_model_that_hangs_while_the_caller_speaks_is_found_out() -> None:
    async def caller(call: Stage) -> None:
        await call.until_quiet()
        realtime.hanging = True
        await call.line.speak(2.5)
        await call.until_quiet()
        call.line.hang_up()

    realtime = ScriptedRealtimeModel([ANSWER])
    call = stage(Play(["where is my order"], [says(ANSWER)], realtime=realtime), caller)
    carried_on(call)
    assert call.said[-1].text == ANSWER


def test_a_word_that_a_hanging_model_missed_is_heard_before_the_caller_is_prompted() -> None:
    async def caller(call: Stage) -> None:
        await call.until_quiet()
        realtime.hanging = True
        await call.line.speak(0.5)
        await call.until_quiet()
        await call.until_quiet()  # after the reassurance
        call.line.hang_up()

    realtime = ScriptedRealtimeModel([ANSWER])
    call = stage(Play(["yes"], [says(ANSWER)], realtime=realtime), caller)
    carried_on(call)
    assert call.caller_said == ["yes"]
    assert call.said[-1].text == ANSWER


def test_a_model_that_hangs_after_the_callers_last_word_is_found_out() -> None:
    async def caller(call: Stage) -> None:
        await call.until_quiet()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(call.line.speak, 1.0)
            await anyio.sleep(0.5)
            realtime.hanging = True
        await call.until_quiet()
        await call.until_quiet()  # after the reassurance
        call.line.hang_up()

    realtime = ScriptedRealtimeModel([ANSWER])
    call = stage(Play(["where is my order"], [says(ANSWER)], realtime=realtime), caller)
    carried_on(call)
    assert call.said[-1].text == ANSWER


@pytest.mark.parametrize("moment", [0.0, 0.3, 1.7, 3.3, 3.6, 3.9, 4.3, 4.45, 4.6, 4.75, 5.0, 7.0])
@pytest.mark.parametrize("text", ["where is my order", None])
def test_the_model_may_die_at_any_moment_and_the_caller_is_answered(
    moment: float, text: str | None
) -> None:
    async def caller(call: Stage) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(talk, call)
            await anyio.sleep(moment)
            realtime.die(DEAD)

    async def talk(call: Stage) -> None:
        await call.until_quiet()
        await call.line.speak(1.0)
        await call.until_quiet()
        call.line.hang_up()

    realtime = ScriptedRealtimeModel([ANSWER], hears=[text])
    call = stage(Play(["where is my order"], [says(ANSWER)], realtime=realtime), caller)
    assert call.disposition is Disposition.CALLER_HUNG_UP
    assert call.said[-1].text.startswith(("Your order is on its way", ANSWER[:4]))
    assert max(silences(call)) < 2.5


def test_errors_of_every_kind_lead_to_the_cascade() -> None:
    errors: list[ProviderError] = [DEAD, ProviderError("odd", provider="scripted")]
    for error in errors:
        realtime = ScriptedRealtimeModel([error], hears=["where is my order"])
        call = stage(Play([], [says(ANSWER)], realtime=realtime), ask_and_hang_up)
        carried_on(call)


def test_the_policy_of_the_longest_call_holds_for_the_model_too() -> None:
    async def caller(call: Stage) -> None:
        while True:
            await call.until_quiet()
            await call.line.speak(0.5)

    play = speaking(["Go on."], hears=["hm"] * 100, policy=TurnPolicy(longest_call=60))
    call = stage(play, caller)
    assert call.disposition is Disposition.TOO_LONG
    assert call.said[-1].text.endswith("Goodbye.")
    assert CancelResponse() not in model_of(play).commands[-1:]
