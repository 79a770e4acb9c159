"""The model is asked before the turn is certainly over."""

from collections.abc import Sequence

import anyio
import pytest

from support.staged_call import ListedTools, Play, Stage, asks, stage
from voice_agent.core.chat import ChatEvent, ChatRequest, Message, Role, TextDelta, ToolEffect
from voice_agent.core.clock import LoopClock
from voice_agent.core.errors import ProviderUnavailable
from voice_agent.core.events import TurnMeasured
from voice_agent.engines.llm.scripted import ScriptedModel, Step, says
from voice_agent.pipeline.foresight import Foresight
from voice_agent.simulation.virtual_time import run_virtual


def asked(text: str) -> ChatRequest:
    return ChatRequest((Message(Role.USER, text),))


def texts(events: Sequence[ChatEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def after(seconds: float, *pieces: str) -> list[Step]:
    return [seconds, *says(*pieces)]


async def _guessed(guess: str, question: str, steps: list[Step]) -> tuple[str, float, int]:
    """Guess, half a second later ask; the answer, how long it took, and how often was asked."""
    model = ScriptedModel(steps)
    foresight = Foresight(model)
    async with anyio.create_task_group() as tasks:
        foresight.begin(asked(guess), tasks)
        await anyio.sleep(0.5)
        began = LoopClock().now()
        events = [event async for event in foresight.stream(asked(question))]
        took = LoopClock().now() - began
    return texts(events), took, len(model.requests)


def test_an_answer_that_was_foreseen_comes_at_once() -> None:
    answer, took, requests = run_virtual(
        _guessed, "where is my order", "Where is my order?", after(0.4, "It ", "left.")
    )
    assert (answer, took, requests) == ("It left.", 0.0, 1)


def test_the_rest_of_a_foreseen_answer_comes_when_it_comes() -> None:
    steps: list[Step] = [0.4, TextDelta("It "), 1.0, *says("left.")]
    answer, took, requests = run_virtual(_guessed, "where is it", "where is it", steps)
    assert (answer, requests) == ("It left.", 1)
    assert took == pytest.approx(0.9)


def test_a_wrong_guess_is_dropped_and_the_right_question_asked() -> None:
    answer, took, requests = run_virtual(
        _guessed, "where is my", "where is my order", after(0.4, "It left.")
    )
    assert (answer, requests) == ("It left.", 2)
    assert took == pytest.approx(0.4)


def test_a_failure_that_was_foreseen_is_a_failure() -> None:
    down = ProviderUnavailable("down", provider="p")
    steps: list[Step] = [TextDelta("Well "), down]
    with pytest.RaisesGroup(ProviderUnavailable):
        run_virtual(_guessed, "where", "where", steps)


def test_a_guess_that_nobody_asks_for_is_cancelled() -> None:
    async def scene() -> tuple[int, int]:
        model = ScriptedModel([TextDelta("It "), 9.0, *says("left.")])
        foresight = Foresight(model)
        async with anyio.create_task_group() as tasks:
            foresight.begin(asked("where is it"), tasks)
            await anyio.sleep(0.1)
            foresight.drop()
        return model.closed, foresight.misses

    assert run_virtual(scene) == (1, 1)


def _latency(*, eager: bool) -> float:
    async def caller(call: Stage) -> None:
        await call.until_quiet()
        await call.line.speak(1.0)
        await call.until_quiet()
        call.line.hang_up()

    answers = [[0.4, *says("On its way.")]]
    call = stage(Play(["where is it"], answers, hearing_delay=0.3, eager=eager), caller)
    assert call.said[-1].text == "On its way."
    assert len(call.model.requests) == 1
    (measured,) = (e.payload for e in call.of(TurnMeasured))
    assert isinstance(measured, TurnMeasured)
    return measured.total_ms


def test_a_recogniser_that_foresees_the_end_makes_the_answer_sooner() -> None:
    assert _latency(eager=True) <= _latency(eager=False) - 250


def test_no_tool_runs_before_the_turn_is_over() -> None:
    tools = ListedTools({"book": (0.0, {"done": True}, ToolEffect.NONE)})

    async def caller(call: Stage) -> None:
        await call.until_quiet()
        await call.line.speak(1.0)
        await anyio.sleep(0.9)
        assert call.tools.calls == []
        await call.until_quiet()
        call.line.hang_up()

    answers = [asks("book"), says("Booked.")]
    call = stage(Play(["book it"], answers, tools, hearing_delay=0.9, eager=True), caller)
    assert [one.name for one in call.tools.calls] == ["book"]
    assert call.said[-1].text == "Booked."
