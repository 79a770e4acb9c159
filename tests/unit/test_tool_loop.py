"""The tool loop against a scripted model and scripted tools."""

from contextlib import aclosing
from dataclasses import replace

import anyio
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.scripted_dialogue import (
    ScriptedTools,
    asks,
    assert_valid_history,
    result_of,
)
from voice_agent.core.chat import (
    Finished,
    FinishReason,
    Message,
    Role,
    TextDelta,
    ToolCall,
    ToolChoice,
    ToolContext,
    ToolEffect,
    ToolResult,
)
from voice_agent.core.errors import ProviderGarbage, ProviderUnavailable
from voice_agent.core.usage import Unit, Usage
from voice_agent.engines.llm.scripted import ScriptedModel, Step, says
from voice_agent.pipeline.tool_loop import ConverseEvent, converse, settle_reply

CONTEXT = ToolContext(call_id="call", turn=1)
LOOK = ToolCall("t1", "look", {"order": 1042})
TEN = Usage("scripted", "one", {Unit.INPUT_TOKENS: 10, Unit.OUTPUT_TOKENS: 2})
TWENTY = Usage("scripted", "one", {Unit.INPUT_TOKENS: 20, Unit.OUTPUT_TOKENS: 3})


def asked(text: str = "where is it") -> list[Message]:
    return [Message(Role.USER, text)]


async def run(
    model: ScriptedModel, tools: ScriptedTools, messages: list[Message], max_rounds: int = 3
) -> list[ConverseEvent]:
    answer = converse(model, tools, messages, CONTEXT, "Be brief.", max_rounds=max_rounds)
    return [event async for event in answer]


def text_of(events: list[ConverseEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


@pytest.mark.anyio
async def test_an_answer_without_tools_is_passed_on_and_history_left_alone() -> None:
    messages, model = asked(), ScriptedModel(says("It ", "left."))
    events = await run(model, ScriptedTools(), messages)
    assert events == [TextDelta("It "), TextDelta("left."), Finished(FinishReason.STOP)]
    assert messages == asked()
    assert model.requests[0].system == "Be brief."


@pytest.mark.anyio
async def test_a_tool_is_run_and_its_result_is_what_the_model_sees_next() -> None:
    messages = asked()
    model = ScriptedModel(asks(LOOK, text="One moment."), says("Shipped."))
    tools = ScriptedTools()
    events = await run(model, tools, messages)
    assert [type(e) for e in events] == [TextDelta, ToolCall, ToolResult, TextDelta, Finished]
    assert [m.role for m in messages] == [Role.USER, Role.ASSISTANT, Role.TOOL]
    assert messages[1] == Message(Role.ASSISTANT, "One moment.", tool_calls=(LOOK,))
    assert orjson.loads(messages[2].text) == {"done": "look"}
    assert model.requests[1].messages == tuple(messages)
    assert tools.executed == [(LOOK, CONTEXT)]


@pytest.mark.anyio
async def test_after_the_last_round_the_model_may_only_speak() -> None:
    messages, model = asked(), ScriptedModel(asks(LOOK))
    events = await run(model, ScriptedTools(), messages)
    choices = [request.tool_choice for request in model.requests]
    assert choices == [ToolChoice.AUTO] * 3 + [ToolChoice.NONE]
    assert sum(isinstance(event, ToolResult) for event in events) == 3
    assert isinstance(events[-1], Finished)
    assert_valid_history(messages)


@pytest.mark.anyio
async def test_a_tool_that_ends_the_call_is_the_last_one() -> None:
    async def hang_up(call: ToolCall) -> ToolResult:
        return result_of(call, ToolEffect.END_CALL)

    model = ScriptedModel(asks(ToolCall("t1", "end_call", {})), says("Goodbye."))
    events = await run(model, ScriptedTools(end_call=hang_up), asked())
    assert model.requests[1].tool_choice is ToolChoice.NONE
    assert text_of(events) == "Goodbye."


@pytest.mark.anyio
async def test_tools_of_one_round_run_side_by_side_and_answer_in_the_order_asked() -> None:
    second_done = anyio.Event()

    async def slow(call: ToolCall) -> ToolResult:
        await second_done.wait()
        return result_of(call)

    async def fast(call: ToolCall) -> ToolResult:
        second_done.set()
        return result_of(call)

    messages = asked()
    model = ScriptedModel(asks(ToolCall("a", "slow", {}), ToolCall("b", "fast", {})), says("ok"))
    with anyio.fail_after(5):
        await run(model, ScriptedTools(slow=slow, fast=fast), messages)
    assert [m.call_id for m in messages if m.role is Role.TOOL] == ["a", "b"]


@pytest.mark.anyio
async def test_cancelling_a_read_leaves_a_cancelled_result() -> None:
    started = anyio.Event()

    async def endless(call: ToolCall) -> ToolResult:
        started.set()
        await anyio.sleep_forever()
        return result_of(call)

    messages = asked()
    model = ScriptedModel(asks(LOOK, ToolCall("t2", "quick", {})), says("never"))
    async with anyio.create_task_group() as group:
        group.start_soon(run, model, ScriptedTools(look=endless), messages)
        await started.wait()
        await anyio.wait_all_tasks_blocked()
        group.cancel_scope.cancel()
    assert_valid_history(messages)
    results = [orjson.loads(m.text) for m in messages if m.role is Role.TOOL]
    assert results[0]["error"] == "cancelled"
    assert results[1] == {"done": "quick"}


@pytest.mark.anyio
async def test_a_write_that_shields_itself_is_waited_for_and_recorded() -> None:
    started, may_finish = anyio.Event(), anyio.Event()

    async def write(call: ToolCall) -> ToolResult:
        with anyio.CancelScope(shield=True):
            started.set()
            await may_finish.wait()
        return result_of(call)

    messages = asked()
    async with anyio.create_task_group() as group:
        group.start_soon(run, ScriptedModel(asks(LOOK)), ScriptedTools(look=write), messages)
        await started.wait()
        group.cancel_scope.cancel()
        may_finish.set()
    assert orjson.loads(messages[-1].text) == {"done": "look"}
    assert_valid_history(messages)


@pytest.mark.anyio
async def test_what_an_interrupted_round_did_is_written_down_once_and_moves_no_call() -> None:
    started, may_finish = anyio.Event(), anyio.Event()
    unseen: list[ToolResult] = []

    async def write(call: ToolCall) -> ToolResult:
        with anyio.CancelScope(shield=True):
            started.set()
            await may_finish.wait()
        return replace(result_of(call), effect=ToolEffect.TRANSFER)

    async def talk() -> None:
        model, tools = ScriptedModel(asks(LOOK)), ScriptedTools(look=write)
        stream = converse(model, tools, asked(), CONTEXT, "", unseen=unseen.append)
        async with aclosing(stream):
            async for event in stream:
                assert not isinstance(event, ToolResult)

    async with anyio.create_task_group() as group:
        group.start_soon(talk)
        await started.wait()
        group.cancel_scope.cancel()
        may_finish.set()
    (result,) = unseen
    assert (result.ok, result.content) == (True, {"done": "look"})
    assert result.effect is ToolEffect.NONE


@pytest.mark.anyio
async def test_leaving_the_loop_early_closes_the_model_and_keeps_the_history_valid() -> None:
    model = ScriptedModel(asks(LOOK), says("a", "b"))
    for stop_after in range(1, 5):
        messages, seen = asked(), 0
        model.requests.clear()
        async with aclosing(converse(model, ScriptedTools(), messages, CONTEXT, "")) as stream:
            async for _ in stream:
                seen += 1
                if seen == stop_after:
                    break
        assert_valid_history(messages)
        assert model.closed >= len(model.requests)
        model.closed = 0


@pytest.mark.anyio
async def test_a_crashing_tool_gives_the_model_a_failed_result() -> None:
    async def broken(call: ToolCall) -> ToolResult:
        raise ZeroDivisionError

    events = await run(ScriptedModel(asks(LOOK), says("ok")), ScriptedTools(look=broken), asked())
    (result,) = [event for event in events if isinstance(event, ToolResult)]
    assert not result.ok
    assert result.content["error"] == "crashed"


@pytest.mark.anyio
async def test_a_stream_without_an_end_is_a_failure_and_runs_no_tools() -> None:
    messages, tools = asked(), ScriptedTools()
    with pytest.raises(ProviderGarbage):
        await run(ScriptedModel([TextDelta("It l"), LOOK]), tools, messages)
    assert tools.executed == []
    assert messages == asked()


@pytest.mark.anyio
async def test_a_failing_model_is_told_upwards_and_earlier_rounds_stay() -> None:
    messages = asked()
    down = ProviderUnavailable("down", provider="scripted")
    with pytest.raises(ProviderUnavailable):
        await run(ScriptedModel(asks(LOOK), [down]), ScriptedTools(), messages)
    assert len(messages) == 3
    assert_valid_history(messages)


@pytest.mark.anyio
async def test_a_refused_answer_runs_nothing() -> None:
    tools = ScriptedTools()
    events = await run(ScriptedModel([LOOK, Finished(FinishReason.REFUSED)]), tools, asked())
    assert events[-1] == Finished(FinishReason.REFUSED)
    assert tools.executed == []


@pytest.mark.anyio
@given(
    rounds=st.lists(
        st.lists(st.sampled_from(["", "x", "y", "call-1"]), max_size=4), min_size=1, max_size=5
    ),
    max_rounds=st.integers(0, 4),
)
async def test_ids_left_out_or_repeated_still_give_one_result_per_call(
    rounds: list[list[str]], max_rounds: int
) -> None:
    answers: list[list[Step]] = [asks(*(ToolCall(i, "look", {}) for i in ids)) for ids in rounds]
    messages = asked()
    model = ScriptedModel(*answers, says("done"))
    events = await run(model, ScriptedTools(), messages, max_rounds)
    assert_valid_history(messages)
    assert sum(isinstance(event, Finished) for event in events) == 1
    assert isinstance(events[-1], Finished)


@pytest.mark.anyio
async def test_token_counts_of_every_round_are_passed_on() -> None:
    first: list[Step] = [TEN, *asks(LOOK)]
    events = await run(ScriptedModel(first, [TWENTY, *says("ok")]), ScriptedTools(), asked())
    assert [e for e in events if isinstance(e, Usage)] == [TEN, TWENTY]


def spoken_round() -> list[Message]:
    return [
        *asked(),
        Message(Role.ASSISTANT, "One moment please.", tool_calls=(LOOK,)),
        Message(Role.TOOL, "{}", call_id="t1"),
    ]


def test_what_was_heard_before_and_after_a_tool_is_divided_between_the_messages() -> None:
    messages = spoken_round()
    settle_reply(messages, 1, "One moment please. It has", interrupted=True)
    assert messages[1].text == "One moment please."
    assert messages[-1] == Message(Role.ASSISTANT, "It has", interrupted=True)


def test_a_reply_cut_before_its_tool_keeps_only_the_words_heard() -> None:
    messages = spoken_round()
    settle_reply(messages, 1, "One moment", interrupted=True)
    assert messages[1].text == "One moment"
    assert len(messages) == 3


def test_a_reply_nobody_heard_leaves_no_words() -> None:
    messages = spoken_round()
    settle_reply(messages, 1, "", interrupted=True)
    assert messages[1].text == ""
    assert_valid_history(messages)
