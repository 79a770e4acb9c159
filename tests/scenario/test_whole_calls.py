"""Whole calls on a virtual clock: what the caller hears, and what is remembered of it."""

from itertools import pairwise

import anyio
import pytest

from support.staged_call import ListedTools, Play, Stage, asks, stage
from voice_agent.core.call import Disposition
from voice_agent.core.chat import Role, TextDelta, ToolEffect
from voice_agent.core.errors import ProviderUnavailable
from voice_agent.core.events import CallEnded, ReplyStarted, ToolFinished, TurnMeasured
from voice_agent.engines.llm.scripted import Step, says
from voice_agent.engines.tts.scripted import ScriptedSpeechOptions
from voice_agent.pipeline.turns import TurnPolicy

GREETING = "Hello, this is the test shop. How can I help you?"
LONG_ANSWER = "Your order is on its way and it will be with you on Friday before noon."


async def ask_and_hang_up(call: Stage) -> None:
    await call.until_quiet()
    await call.line.speak(1.0)
    await call.until_quiet()
    call.line.hang_up()


def test_the_agent_greets_answers_and_lets_the_caller_hang_up() -> None:
    call = stage(Play(["where is my order"], [says(LONG_ANSWER)]), ask_and_hang_up)
    assert [said.text for said in call.said] == [GREETING, LONG_ANSWER]
    assert call.caller_said == ["where is my order"]
    assert call.disposition is Disposition.CALLER_HUNG_UP
    assert isinstance(call.events[-1].payload, CallEnded)


def test_hanging_up_after_the_last_word_interrupts_nothing() -> None:
    async def caller(call: Stage) -> None:
        await call.until_sounding(10 * 0.25)
        while call.line.sounding:  # noqa: ASYNC110 - what the caller's ear does
            await anyio.sleep(0.005)
        call.line.hang_up()

    call = stage(Play(), caller)
    assert call.said[0].text == GREETING
    assert not call.said[0].interrupted


def test_the_events_of_a_call_are_numbered_in_order() -> None:
    call = stage(Play(["hi"], [says("Hello.")]), ask_and_hang_up)
    assert [event.seq for event in call.events] == list(range(len(call.events)))
    assert [event.at for event in call.events] == sorted(event.at for event in call.events)


def test_the_answer_sounds_within_half_a_second_and_its_stages_sum() -> None:
    call = stage(Play(["where is my order"], [says(LONG_ANSWER)]), ask_and_hang_up)
    (measured,) = (e.payload for e in call.events if isinstance(e.payload, TurnMeasured))
    assert measured.total_ms < 450
    assert sum(measured.stages.values()) == pytest.approx(measured.total_ms, abs=1)


def test_played_sound_has_no_gap() -> None:
    call = stage(Play(["where is my order"], [says(LONG_ANSWER)]), ask_and_hang_up)
    assert len(call.line.heard) == 2


def test_talking_over_the_reply_silences_it_and_keeps_only_what_was_heard() -> None:
    async def caller(call: Stage) -> None:
        await call.until_quiet()
        await call.line.speak(1.0)
        await call.until_sounding(1.3)
        onset = anyio.current_time()
        await call.line.speak(0.8)
        assert call.line.heard[-1].end - onset < 0.25
        await call.until_quiet()
        call.line.hang_up()

    play = Play(["where is my order", "no the other one"], [says(LONG_ANSWER), says("I see.")])
    call = stage(play, caller)
    cut = call.said[1]
    assert cut.interrupted
    words = LONG_ANSWER.split()
    heard = call.line.heard[1]
    played = (heard.end - heard.start) / 0.25
    assert abs(len(cut.text.split()) - played) <= 1
    assert cut.text.split() + cut.unheard.split() == words
    history = call.model.requests[1].messages
    assert history[-2].text == cut.text
    assert history[-2].interrupted
    assert history[-1].text == "no the other one"


@pytest.mark.parametrize("cut", [0.05 + 0.17 * n for n in range(20)])
def test_an_answer_cut_at_any_moment_is_kept_to_the_word(cut: float) -> None:
    async def caller(call: Stage) -> None:
        await call.until_quiet()
        await call.line.speak(1.0)
        await call.until_sounding(cut)
        await call.line.speak(0.6)
        await call.until_quiet()
        call.line.hang_up()

    play = Play(["where is my order", "stop"], [says(LONG_ANSWER), says("I see.")])
    call = stage(play, caller)
    cut_off = call.said[1]
    heard = call.line.heard[1]
    assert cut_off.interrupted
    assert abs(len(cut_off.text.split()) - (heard.end - heard.start) / 0.25) <= 1


def test_a_cough_makes_the_agent_resume_what_was_not_heard() -> None:
    async def caller(call: Stage) -> None:
        await call.until_quiet()
        await call.line.speak(1.0)
        await call.until_sounding(1.0)
        await call.line.speak(0.3)
        await call.until_quiet()
        call.line.hang_up()

    call = stage(Play(["where is my order", ""], [says(LONG_ANSWER)]), caller)
    assert call.said[2].text == f"As I was saying, {call.said[1].unheard}"


def test_a_caller_who_goes_on_is_answered_once_for_both_parts() -> None:
    async def caller(call: Stage) -> None:
        await call.until_quiet()
        await call.line.speak(0.8)
        await anyio.sleep(0.35)
        await call.line.speak(0.8)
        await call.until_quiet()
        call.line.hang_up()

    play = Play(["where is my order", "ten forty two"], [[0.5, *says(LONG_ANSWER)]])
    call = stage(play, caller)
    assert call.caller_said[-1] == "where is my order ten forty two"
    users = [m.text for m in call.model.requests[-1].messages if m.role is Role.USER]
    assert users == ["where is my order ten forty two"]


def test_a_tools_result_reaches_the_model_and_the_caller() -> None:
    tools = ListedTools({"check_order_status": (0.05, {"status": "shipped"}, ToolEffect.NONE)})
    answers = [asks("check_order_status", order_id="1042"), says("Order 1042 has shipped.")]
    call = stage(Play(["where is my order"], answers, tools), ask_and_hang_up)
    assert call.said[-1].text == "Order 1042 has shipped."
    assert [c.arguments for c in tools.calls] == [{"order_id": "1042"}]
    assert call.model.requests[1].messages[-1].role is Role.TOOL


def test_what_the_model_says_before_a_tool_is_heard_while_the_tool_works() -> None:
    tools = ListedTools({"look": (1.1, {"found": True}, ToolEffect.NONE)})
    answers = [[TextDelta("Let me look"), *asks("look")], says("I found it.")]
    call = stage(Play(["where is it"], answers, tools), ask_and_hang_up_later)
    started = next(e for e in call.events if isinstance(e.payload, ReplyStarted) and e.turn > 1)
    finished = next(e for e in call.events if isinstance(e.payload, ToolFinished))
    assert started.at < finished.at
    assert "Let me look I found it." in [said.text for said in call.said]


def test_a_slow_tool_is_covered_by_a_sentence_instead_of_silence() -> None:
    tools = ListedTools({"look": (6.0, {"found": True}, ToolEffect.NONE)})
    call = stage(
        Play(["where is it"], [asks("look"), says("I found it.")], tools), ask_and_hang_up_later
    )
    assert call.said[-1].text.startswith("One moment, please.")
    assert call.said[-1].text.endswith("I found it.")
    silences = [b.start - a.end for a, b in pairwise(call.line.heard[1:])]
    assert max(silences) < 4.5


async def ask_and_hang_up_later(call: Stage) -> None:
    await call.until_quiet()
    await call.line.speak(1.0)
    await anyio.sleep(12)
    call.line.hang_up()


def test_the_goodbye_is_heard_to_its_end_before_the_agent_hangs_up() -> None:
    async def caller(call: Stage) -> None:
        await call.until_quiet()
        await call.line.speak(0.6)

    tools = ListedTools({"end_call": (0.0, {"message": "bye"}, ToolEffect.END_CALL)})
    goodbye = "Thank you for calling. Goodbye."
    call = stage(Play(["bye"], [asks("end_call"), says(goodbye)], tools), caller)
    assert call.disposition is Disposition.AGENT_ENDED
    assert call.said[-1].text == goodbye
    heard = call.line.heard[-1]
    assert heard.end - heard.start == pytest.approx(5 * 0.25, abs=0.05)


def test_a_dead_model_is_heard_as_an_apology() -> None:
    dead = ProviderUnavailable("down", provider="scripted")
    call = stage(Play(["where is my order"], [[dead]]), ask_and_hang_up)
    assert call.said[-1].text.startswith("Sorry, something went wrong")


def test_a_model_that_says_nothing_is_heard_as_an_apology() -> None:
    call = stage(Play(["where is my order"], [says("")]), ask_and_hang_up)
    assert call.said[-1].text.startswith("Sorry, something went wrong")


def test_a_model_that_dies_in_mid_sentence_does_not_just_stop() -> None:
    dead = ProviderUnavailable("down", provider="scripted")
    steps: list[Step] = [TextDelta("Your order left on Monday. "), TextDelta("It will be"), dead]
    call = stage(Play(["where is my order"], [steps]), ask_and_hang_up)
    assert "Your order left on Monday." in call.said[-1].text
    assert "something went wrong" in call.said[-1].text


def test_a_model_that_never_answers_is_given_up_with_an_apology() -> None:
    call = stage(Play(["where is my order"], [[1000.0]]), ask_and_wait_long)
    texts = [said.text for said in call.said]
    assert any("One moment" in text for text in texts)
    assert any("went wrong" in text for text in texts)


async def ask_and_wait_long(call: Stage) -> None:
    await call.until_quiet()
    await call.line.speak(1.0)
    await anyio.sleep(32)
    call.line.hang_up()


def test_a_voice_that_cannot_speak_ends_the_call_instead_of_keeping_silent() -> None:
    play = Play(voice=ScriptedSpeechOptions(fail_on=" "))
    call = stage(play, wait_for_the_end)
    assert call.disposition is Disposition.FAILED


async def wait_for_the_end(call: Stage) -> None:
    await anyio.sleep(600)


def test_a_silent_caller_is_prompted_and_then_left_with_a_goodbye() -> None:
    call = stage(Play(), wait_for_the_end)
    assert call.disposition is Disposition.CALLER_IDLE
    assert [said.text for said in call.said[1:3]] == [
        "Are you still there?",
        "I can't hear you. Are you still there?",
    ]
    assert call.said[-1].text.endswith("Goodbye.")
    assert not call.said[-1].interrupted


def test_the_longest_call_has_an_end() -> None:
    async def caller(call: Stage) -> None:
        while True:
            await call.until_quiet()
            await call.line.speak(0.5)

    play = Play(["hm"] * 100, [says("Go on.")], policy=TurnPolicy(longest_call=60))
    call = stage(play, caller)
    assert call.disposition is Disposition.TOO_LONG
    assert call.said[-1].text.endswith("Goodbye.")


def test_a_recogniser_that_dies_is_opened_again_and_no_word_is_lost() -> None:
    async def caller(call: Stage) -> None:
        await call.until_quiet()
        await call.line.speak(1.0)
        await call.until_quiet()
        call.line.hang_up()

    call = stage(Play([None, "where is my order"], [says("On its way.")]), caller)
    assert call.recognizer.opened == 2
    assert call.caller_said == ["where is my order"]
    assert [said.text for said in call.said][1:] == ["On its way."]


def test_keys_are_understood_as_digits_and_zero_as_a_wish_for_a_person() -> None:
    async def caller(call: Stage) -> None:
        await call.until_quiet()
        for digit in "1042#":
            call.line.press(digit)
        await call.until_quiet()
        call.line.press("0")
        await call.until_quiet()
        call.line.hang_up()

    call = stage(Play([], [says("Thank you."), says("I will connect you.")]), caller)
    assert call.caller_said == ["1 0 4 2", "I want to talk to a person"]


@pytest.mark.parametrize("moment", [0.0, 0.05, 0.5, 2.0, 4.3, 4.9, 5.2, 5.6, 6.4, 8.0])
def test_hanging_up_at_any_moment_ends_the_call_at_once(moment: float) -> None:
    async def caller(call: Stage) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask_and_hang_up_later, call)
            await anyio.sleep(moment)
            call.line.hang_up(clean=False)
            tasks.cancel_scope.cancel()

    tools = ListedTools({"look": (0.4, {"found": True}, ToolEffect.NONE)})
    call = stage(Play(["where is it"], [asks("look"), says(LONG_ANSWER)], tools), caller)
    assert call.disposition is Disposition.CONNECTION_LOST
    assert call.events[-1].at < moment + 0.2
    assert call.line.closed


def test_a_server_that_stops_says_goodbye() -> None:
    async def caller(call: Stage) -> None:
        await call.until_sounding(0.5)
        call.session.leave()

    call = stage(Play(), caller)
    assert call.disposition is Disposition.SERVER_STOPPED
    assert "maintenance" in call.said[-1].text
