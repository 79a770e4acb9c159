"""The model that says exactly what it was given."""

import anyio
import pytest

from voice_agent.core.chat import (
    ChatEvent,
    ChatRequest,
    Finished,
    FinishReason,
    Message,
    Role,
    TextDelta,
    ToolCall,
)
from voice_agent.core.errors import ProviderUnavailable
from voice_agent.engines.llm.scripted import PROVIDER, ScriptedModel, says
from voice_agent.engines.registry import read_options
from voice_agent.simulation.virtual_time import run_virtual

pytestmark = pytest.mark.anyio
REQUEST = ChatRequest((Message(Role.USER, "hi"),))


async def everything(model: ScriptedModel) -> list[ChatEvent]:
    return [event async for event in model.stream(REQUEST)]


async def test_answers_are_given_in_turn_and_the_last_one_again() -> None:
    model = ScriptedModel(says("one"), says("two"))
    heard = [await everything(model) for _ in range(3)]
    assert [events[0] for events in heard] == [
        TextDelta("one"),
        TextDelta("two"),
        TextDelta("two"),
    ]
    assert model.requests == [REQUEST] * 3
    assert model.closed == 3


async def test_calls_and_failures_come_where_the_script_has_them() -> None:
    call = ToolCall("a", "look", {})
    model = ScriptedModel([call, ProviderUnavailable("down", provider="scripted")])
    stream = model.stream(REQUEST)
    assert await anext(stream) == call
    with pytest.raises(ProviderUnavailable):
        await anext(stream)
    assert model.closed == 1


def test_a_delay_is_waited_for() -> None:
    async def timed() -> float:
        start = anyio.current_time()
        await everything(ScriptedModel([2.5, *says("late")]))
        return anyio.current_time() - start

    assert run_virtual(timed) == pytest.approx(2.5)


async def test_without_a_script_it_stops_at_once() -> None:
    assert await everything(ScriptedModel()) == [Finished(FinishReason.STOP)]


async def test_the_provider_plays_the_texts_of_its_options() -> None:
    model = PROVIDER.build(read_options(PROVIDER, {"answers": ["first", "second"]}))
    assert (await everything(model))[0] == TextDelta("first")
    assert (await everything(model))[0] == TextDelta("second")
