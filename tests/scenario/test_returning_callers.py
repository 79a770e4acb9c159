"""Whole calls of people who called before, on a virtual clock."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import anyio
import pytest

from support.remembered_callers import KEYS, NUMBER, CallersInMemory, caller, lesson
from support.scripted_dialogue import assert_valid_history
from support.staged_call import ListedTools, Play, Stage, asks, stage
from voice_agent.core.call import Disposition
from voice_agent.core.chat import Role, TextDelta, ToolEffect
from voice_agent.core.clock import LoopClock
from voice_agent.core.errors import ProviderUnavailable
from voice_agent.core.events import AgentSaid, TurnMeasured
from voice_agent.core.memory import ConsentSource, Learned
from voice_agent.core.ports import LanguageModel
from voice_agent.engines.llm.scripted import ScriptedModel, Step, says
from voice_agent.memory.recollection import MemorySettings
from voice_agent.memory.service import MemoryService
from voice_agent.pipeline.phrases import load_phrases
from voice_agent.pipeline.turns import ReplyReason

STANDARD = load_phrases("en", "the test shop").say(ReplyReason.GREET, 0)
WELCOME = f"Welcome back, Anna. {STANDARD}"
Caller = Callable[[Stage], Coroutine[Any, Any, None]]


def remembered(*lessons: Learned) -> CallersInMemory:
    async def remember() -> CallersInMemory:
        callers = CallersInMemory()
        for one in lessons:
            await callers.remember(caller(), one)
        return callers

    return anyio.run(remember)


def play(
    callers: CallersInMemory,
    hears: Sequence[str],
    answers: Sequence[Sequence[Step]],
    person: Caller,
    *,
    settings: MemorySettings | None = None,
    minutes: LanguageModel | None = None,
) -> Stage:
    """A call from the number that may be remembered; memory is closed after it."""
    memory = MemoryService(settings or MemorySettings(), callers, KEYS, LoopClock(), minutes)
    order = {"check_order_status": (0.2, {"status": "delayed"}, ToolEffect.NONE)}
    return stage(
        Play(hears, answers, ListedTools(dict(order)), memory=memory, caller=NUMBER), person
    )


def questions(count: int) -> Caller:
    """A person who listens, asks so many questions and hangs up."""

    async def person(call: Stage) -> None:
        await call.until_quiet()
        for _ in range(count):
            await call.line.speak(1.0)
            await call.until_quiet()
        call.line.hang_up()

    return person


def test_a_returning_caller_is_greeted_by_name_and_the_last_matter_is_known() -> None:
    call = play(remembered(lesson()), ["Is it there?"], [says("Not yet.")], questions(1))
    assert call.said[0].text == WELCOME
    (request,) = call.model.requests
    assert "order 1042" in request.system
    assert "status delayed" in request.system
    assert request.system.startswith("You are the telephone agent")
    assert call.disposition is Disposition.CALLER_HUNG_UP


def test_a_stranger_is_greeted_as_always_and_leaves_no_trace() -> None:
    callers = CallersInMemory()
    call = play(callers, ["Hello, my name is Bob"], [says("Hello.")], questions(1))
    assert call.said[0].text == STANDARD
    assert "caller_record" not in call.model.requests[0].system
    assert callers.held == {}


def test_from_a_first_call_with_consent_to_a_second_that_knows() -> None:
    callers = CallersInMemory()
    play(
        callers,
        ["My name is Anna, where is my order?", "Yes, please."],
        [
            asks("check_order_status", order_id=1042),
            says("It is delayed. May I remember you for your next call?"),
            says("Thank you."),
        ],
        questions(2),
        settings=MemorySettings(ask=True),
    )
    held = callers.held[caller().key]
    assert held.profile.consent.source is ConsentSource.CALLER
    assert (held.profile.calls[0].matter, held.profile.calls[0].outcome) == (
        "order 1042",
        "done, status delayed",
    )
    second = play(callers, ["And now?"], [says("Still delayed.")], questions(1))
    assert second.said[0].text == WELCOME
    assert "order 1042" in second.model.requests[0].system


def test_a_memory_that_hangs_costs_the_greeting_fifty_milliseconds_at_most() -> None:
    callers = remembered(lesson())
    callers.delay = 20.0
    call = play(callers, ["Hello?"], [says("Hello.")], questions(1))
    assert call.said[0].text == STANDARD
    (measured,) = (e.payload for e in call.events if isinstance(e.payload, TurnMeasured))
    assert measured.total_ms < 450


def test_what_was_not_heard_is_not_remembered_as_said() -> None:
    callers = remembered(lesson())

    async def person(call: Stage) -> None:
        await call.until_quiet()
        await call.line.speak(1.0)
        await call.until_sounding(1.0)
        await call.line.speak(1.0)
        await call.until_quiet()
        call.line.hang_up()

    answer = "Your order left us on Monday and the driver is called Maximilian."
    call = play(callers, ["Where is it?", "Stop."], [says(answer), says("Sorry.")], person)
    (cut,) = (e.payload for e in call.events if isinstance(e.payload, AgentSaid) and e.turn == 2)
    assert cut.interrupted
    turns = [turn for turn in callers.held[caller().key].turns if turn.call_id == "CA1"]
    assert cut.text in [turn.agent for turn in turns]
    assert "Maximilian" not in str(callers.held)


def test_a_long_call_is_summed_up_and_no_turn_waits_for_it() -> None:
    minutes = ScriptedModel([5.0, TextDelta("The caller asked a lot. "), *says("All answered.")])
    count = 10
    call = play(
        remembered(lesson()),
        [f"Question number {chr(97 + index)}" for index in range(count)],
        [says(f"Answer {chr(97 + index)}.") for index in range(count)],
        questions(count),
        settings=MemorySettings(max_turns=4),
        minutes=minutes,
    )
    shown = [request.messages for request in call.model.requests]
    for messages in shown:
        assert_valid_history(messages)
    assert len(shown[4]) == 2 * 5
    assert shown[-1][0].role is Role.SYSTEM
    assert "The caller asked a lot. All answered." in shown[-1][0].text
    assert "Question number a" not in str(shown[-1])
    assert shown[-1][-1].text == "Question number j"
    measured = [e.payload.total_ms for e in call.events if isinstance(e.payload, TurnMeasured)]
    assert len(measured) == count
    assert max(measured) < 450


@pytest.mark.parametrize(
    "steps", [[3600.0], [ProviderUnavailable("down", provider="listed")]], ids=["hangs", "dies"]
)
def test_a_model_that_hangs_or_dies_over_the_minutes_is_not_missed(steps: list[Step]) -> None:
    call = play(
        CallersInMemory(),
        [f"Question number {chr(97 + index)}" for index in range(7)],
        [says("Yes.")],
        questions(7),
        settings=MemorySettings(max_turns=4),
        minutes=ScriptedModel(steps),
    )
    assert call.disposition is Disposition.CALLER_HUNG_UP
    assert len(call.said) == 8
    if steps != [3600.0]:
        assert "Question number a" in call.model.requests[-1].messages[0].text


def test_who_asks_to_be_forgotten_is_a_stranger_next_time() -> None:
    callers = remembered(lesson())
    play(callers, ["Please forget everything you know about me."], [says("Done.")], questions(1))
    assert not callers.held[caller().key].profile.consent.granted
    assert "Anna" not in str(callers.held)
    call = play(callers, ["Hello?"], [says("Hello.")], questions(1))
    assert call.said[0].text == STANDARD
