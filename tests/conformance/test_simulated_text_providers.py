"""The vendors' own clients are the judges of the simulated text providers."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import anthropic
import anyio
import httpx2
import openai
import pytest
from google.genai import errors as gemini_errors
from google.genai import types
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client as TwilioClient

from support.simulated_providers import desk
from support.vendor_clients import (
    ACCOUNT,
    anthropic_client,
    gemini_client,
    openai_client,
    twilio_client,
)
from support.waiting import until
from voice_agent.core.chat import Finished, FinishReason, Role, TextDelta, ToolCall
from voice_agent.engines.llm.scripted import ScriptedModel, Step, says
from voice_agent.simulation.providers.desk import Desk
from voice_agent.simulation.providers.faults import Fault, FaultKind

pytestmark = pytest.mark.anyio

TEXT = "Hello from the other side."
LOOK = ToolCall("", "look_up", {"order_id": "1042", "also": 'a "quoted" word'})
WAIT = ToolCall("", "wait", {})
SCHEMA = {"type": "object", "properties": {"order_id": {"type": "string"}}}
NAMES = ("look_up", "wait")
MID_STREAM = 2

HI: Any = [{"role": "user", "content": "hi"}]
OPENAI_TOOLS: Any = [
    {"type": "function", "function": {"name": name, "parameters": SCHEMA}} for name in NAMES
]
ANTHROPIC_TOOLS: Any = [{"name": name, "input_schema": SCHEMA} for name in NAMES]
GEMINI_TOOLS = [
    types.Tool(
        function_declarations=[
            types.FunctionDeclaration(name=name, parameters_json_schema=SCHEMA) for name in NAMES
        ]
    )
]


def calling() -> ScriptedModel:
    """Says something, calls two tools at once, and answers when it has their results."""
    turn: list[Step] = [TextDelta("One moment. "), LOOK, WAIT, Finished(FinishReason.TOOL_CALLS)]
    return ScriptedModel(turn, says("It is ", "on its way."))


def results_seen(model: ScriptedModel) -> list[tuple[str, str]]:
    """Names of the tools called and the results that came back to the model."""
    request = model.requests[-1]
    calls = {call.id: call.name for m in request.messages for call in m.tool_calls}
    return [(calls[m.call_id], m.text) for m in request.messages if m.role is Role.TOOL]


def troubled(provider: str, kind: FaultKind, after: int = 0) -> Desk:
    simulated = desk()
    simulated.faults.order(Fault(provider=provider, kind=kind, after=after, retry_after=7))
    return simulated


async def outcome_of(answer: Awaitable[Any]) -> Any:
    """The answer, or the exception in its place."""
    try:
        return await answer
    except Exception as error:  # noqa: BLE001
        return error


# OpenAI


async def openai_stream(client: openai.AsyncOpenAI, **more: Any) -> list[Any]:
    stream = await client.chat.completions.create(
        model="gpt-4.1-mini", messages=HI, stream=True, **more
    )
    return [chunk async for chunk in stream]


async def test_openai_answers_in_one_piece() -> None:
    async with openai_client(desk()) as client:
        answer = await client.chat.completions.create(model="gpt-4.1-mini", messages=HI)
    assert answer.choices[0].message.content == TEXT
    assert answer.choices[0].finish_reason == "stop"
    assert answer.model == "gpt-4.1-mini-2025-04-14"
    assert answer.usage
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


async def test_openai_streams_in_canonical_order() -> None:
    async with openai_client(desk()) as client:
        chunks = await openai_stream(client, stream_options={"include_usage": True})
    first, *middle, end, bill = chunks
    assert first.choices[0].delta.role == "assistant"
    assert first.choices[0].delta.content == ""
    assert "".join(c.choices[0].delta.content for c in middle) == TEXT
    assert end.choices[0].finish_reason == "stop"
    assert {c.id for c in chunks} == {first.id}
    assert [c.usage for c in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert bill.usage.completion_tokens > 0


async def test_choices_may_be_empty_on_the_usage_chunk() -> None:
    async with openai_client(desk()) as client:
        chunks = await openai_stream(client, stream_options={"include_usage": True})
    assert chunks[-1].choices == []


async def test_obfuscation_is_there_by_default_and_can_be_switched_off() -> None:
    async with openai_client(desk()) as client:
        usual = await openai_stream(client)
        plain = await openai_stream(client, stream_options={"include_obfuscation": False})
    assert all(chunk.obfuscation for chunk in usual)
    assert not any(getattr(chunk, "obfuscation", None) for chunk in plain)


async def test_openai_tool_deltas_carry_id_and_name_only_in_the_first_of_an_index() -> None:
    async with openai_client(desk(calling())) as client:
        chunks = await openai_stream(client, tools=OPENAI_TOOLS)
    deltas = [d for c in chunks for d in c.choices[0].delta.tool_calls or []]
    for index, call in enumerate((LOOK, WAIT)):
        first, *rest = [d for d in deltas if d.index == index]
        assert first.id.startswith("call_")
        assert (first.type, first.function.name) == ("function", call.name)
        assert first.function.arguments == ""
        assert not any(d.id or d.type or d.function.name for d in rest)
        assert json.loads("".join(d.function.arguments for d in rest)) == call.arguments
    assert len([d for d in deltas if d.index == 0]) > 2
    assert chunks[-1].choices[0].finish_reason == "tool_calls"


async def test_openai_tools_make_the_round_trip() -> None:
    model = calling()
    async with openai_client(desk(model)) as client:
        asked = await client.chat.completions.create(
            model="gpt-4.1-mini", messages=HI, tools=OPENAI_TOOLS
        )
        message = asked.choices[0].message
        results = [
            {"role": "tool", "tool_call_id": call.id, "content": f"result of {call.function.name}"}
            for call in message.tool_calls or []
            if call.type == "function"
        ]
        history: Any = [*HI, message.model_dump(exclude_none=True), *results]
        answer = await client.chat.completions.create(
            model="gpt-4.1-mini", messages=history, tools=OPENAI_TOOLS
        )
    assert answer.choices[0].message.content == "It is on its way."
    assert results_seen(model) == [(name, f"result of {name}") for name in NAMES]


async def test_a_named_choice_ends_with_stop_although_the_tool_was_called() -> None:
    choice: Any = {"type": "function", "function": {"name": "wait"}}
    async with openai_client(desk(calling())) as client:
        chunks = await openai_stream(client, tools=OPENAI_TOOLS, tool_choice=choice)
    assert any(c.choices[0].delta.tool_calls for c in chunks)
    assert chunks[-1].choices[0].finish_reason == "stop"


async def test_openai_calls_no_tool_when_told_not_to_and_one_when_not_in_parallel() -> None:
    async with openai_client(desk(calling())) as client:
        silent = await openai_stream(client, tools=OPENAI_TOOLS, tool_choice="none")
    async with openai_client(desk(calling())) as client:
        single = await openai_stream(client, tools=OPENAI_TOOLS, parallel_tool_calls=False)
    assert not any(c.choices[0].delta.tool_calls for c in silent)
    assert silent[-1].choices[0].finish_reason == "stop"
    assert {d.index for c in single for d in c.choices[0].delta.tool_calls or []} == {0}


async def test_openai_stops_at_the_token_limit() -> None:
    async with openai_client(desk()) as client:
        chunks = await openai_stream(client, max_completion_tokens=3)
    assert chunks[-1].choices[0].finish_reason == "length"
    said = "".join(c.choices[0].delta.content or "" for c in chunks)
    assert TEXT.startswith(said)
    assert 0 < len(said) <= 12


async def test_openai_lists_its_models() -> None:
    async with openai_client(desk()) as client:
        names = [model.id async for model in client.models.list()]
        one = await client.models.retrieve("gpt-6-luna")
        with pytest.raises(openai.NotFoundError) as missing:
            await client.models.retrieve("gpt-4.1-nano")
    assert "gpt-6-luna" in names
    assert one.id == "gpt-6-luna"
    assert missing.value.code == "model_not_found"


async def test_openai_refusals_have_their_class_and_code() -> None:
    async with openai_client(desk(), key="wrong") as client:
        with pytest.raises(openai.AuthenticationError) as wrong_key:
            await openai_stream(client)
    async with openai_client(troubled("openai", FaultKind.THROTTLE)) as client:
        with pytest.raises(openai.RateLimitError) as throttled:
            await openai_stream(client)
    async with openai_client(troubled("openai", FaultKind.ERROR)) as client:
        with pytest.raises(openai.InternalServerError) as failed:
            await openai_stream(client)
    assert wrong_key.value.code == "invalid_api_key"
    assert throttled.value.code == "rate_limit_exceeded"
    assert throttled.value.response.headers["retry-after"] == "7"
    assert throttled.value.response.headers["x-ratelimit-remaining-requests"] == "0"
    assert failed.value.type == "server_error"


async def test_openai_mid_stream_faults_look_as_its_client_knows_them() -> None:
    simulated = desk()

    async def outcome(kind: FaultKind) -> Any:
        simulated.faults.clear()
        simulated.faults.order(Fault(provider="openai", kind=kind, after=MID_STREAM))
        return await outcome_of(openai_stream(client))

    async with openai_client(simulated) as client:
        failed = await outcome(FaultKind.ERROR)
        assert isinstance(failed, openai.APIError)
        assert not hasattr(failed, "status_code")
        assert isinstance(await outcome(FaultKind.RESET), openai.APIConnectionError)
        assert isinstance(await outcome(FaultKind.REFUSE), openai.APIConnectionError)
        assert isinstance(await outcome(FaultKind.GARBAGE), json.JSONDecodeError)
        cut = await outcome(FaultKind.CUT)
        assert [c.choices[0].finish_reason for c in cut] == [None, None]


# Anthropic

HAIKU: Any = {"model": "claude-haiku-5-5", "max_tokens": 200, "thinking": {"type": "disabled"}}


async def anthropic_stream(client: anthropic.AsyncAnthropic, **more: Any) -> list[Any]:
    asked = {**HAIKU, "messages": HI, **more}
    stream = await client.messages.create(stream=True, **asked)
    return [event async for event in stream]


async def test_anthropic_answers_in_one_piece() -> None:
    async with anthropic_client(desk()) as client:
        answer = await client.messages.create(messages=HI, **HAIKU)
    assert [b.text for b in answer.content if b.type == "text"] == [TEXT]
    assert answer.stop_reason == "end_turn"
    assert answer.usage.output_tokens > 0


async def test_anthropic_streams_in_canonical_order() -> None:
    simulated = desk()
    async with (
        anthropic_client(simulated) as client,
        client.messages.with_streaming_response.create(
            stream=True, messages=HI, **HAIKU
        ) as response,
    ):
        lines = [line async for line in response.iter_lines()]
    names = [line.removeprefix("event: ") for line in lines if line.startswith("event: ")]
    assert names == [
        *("message_start", "content_block_start", "ping"),
        *("content_block_delta", "content_block_delta", "content_block_stop"),
        *("message_delta", "message_stop"),
    ]


async def test_anthropic_start_input_is_a_placeholder_and_no_arguments_stay_none() -> None:
    async with anthropic_client(desk(calling())) as client:
        events = await anthropic_stream(client, tools=ANTHROPIC_TOOLS)
    starts = [e for e in events if e.type == "content_block_start"]
    assert [s.content_block.type for s in starts] == ["text", "tool_use", "tool_use"]
    assert [s.content_block.input for s in starts[1:]] == [{}, {}]
    parts = [e for e in events if e.type == "content_block_delta" and e.index > 0]
    for index, call in ((1, LOOK), (2, WAIT)):
        text = "".join(e.delta.partial_json for e in parts if e.index == index)
        assert json.loads(text or "{}") == call.arguments
    assert len([e for e in parts if e.index == 1]) > 2
    assert events[-2].delta.stop_reason == "tool_use"


async def test_anthropic_tools_make_the_round_trip() -> None:
    model = calling()
    async with anthropic_client(desk(model)) as client:
        async with client.messages.stream(messages=HI, tools=ANTHROPIC_TOOLS, **HAIKU) as stream:
            asked = await stream.get_final_message()
        results = [
            {"type": "tool_result", "tool_use_id": b.id, "content": f"result of {b.name}"}
            for b in asked.content
            if b.type == "tool_use"
        ]
        blocks = [block.model_dump(exclude_none=True) for block in asked.content]
        history: Any = [
            *HI,
            {"role": "assistant", "content": blocks},
            {"role": "user", "content": results},
        ]
        answer = await client.messages.create(messages=history, tools=ANTHROPIC_TOOLS, **HAIKU)
    assert [b.text for b in answer.content if b.type == "text"] == ["It is on its way."]
    assert results_seen(model) == [(name, f"result of {name}") for name in NAMES]


async def test_thinking_is_on_by_default_so_the_first_block_may_be_a_thought() -> None:
    async with anthropic_client(desk()) as client:
        answer = await client.messages.create(model="claude-haiku-5-5", max_tokens=200, messages=HI)
    assert [block.type for block in answer.content] == ["thinking", "text"]


async def test_no_tokens_at_all_warm_the_cache_without_an_answer() -> None:
    model = ScriptedModel(says("never said"))
    async with anthropic_client(desk(model)) as client:
        answer = await client.messages.create(**{**HAIKU, "max_tokens": 0}, messages=HI)
    assert (answer.content, answer.stop_reason) == ([], "max_tokens")
    assert not model.requests


async def test_anthropic_cached_tokens_are_counted_beside_the_others() -> None:
    marked: Any = [{"type": "text", "text": "w " * 3000, "cache_control": {"type": "ephemeral"}}]
    async with anthropic_client(desk()) as client:
        first = (await client.messages.create(messages=HI, system=marked, **HAIKU)).usage
        second = (await client.messages.create(messages=HI, system=marked, **HAIKU)).usage
    assert first.cache_creation_input_tokens == second.cache_read_input_tokens == 1500
    assert second.cache_creation_input_tokens == first.cache_read_input_tokens == 0
    assert first.input_tokens == second.input_tokens < 10


async def test_anthropic_counts_tokens_and_lists_its_models() -> None:
    async with anthropic_client(desk()) as client:
        counted = await client.messages.count_tokens(model="claude-haiku-5-5", messages=HI)
        names = [model.id async for model in client.models.list()]
        one = await client.models.retrieve("claude-haiku-5-5")
        with pytest.raises(anthropic.NotFoundError):
            await client.models.retrieve("claude-2")
    assert counted.input_tokens == 1
    assert one.id in names


async def test_anthropic_refusals_have_their_class_and_type() -> None:
    async with anthropic_client(desk(), key="wrong") as client:
        with pytest.raises(anthropic.AuthenticationError) as wrong_key:
            await anthropic_stream(client)
    async with anthropic_client(troubled("anthropic", FaultKind.THROTTLE)) as client:
        with pytest.raises(anthropic.RateLimitError) as throttled:
            await anthropic_stream(client)
    async with anthropic_client(troubled("anthropic", FaultKind.ERROR)) as client:
        with pytest.raises(anthropic.InternalServerError) as failed:
            await anthropic_stream(client)
    assert wrong_key.value.type == "authentication_error"
    assert throttled.value.type == "rate_limit_error"
    assert throttled.value.response.headers["retry-after"] == "7"
    assert failed.value.type == "api_error"


async def test_anthropic_overload_in_mid_stream_has_status_200() -> None:
    async with anthropic_client(troubled("anthropic", FaultKind.ERROR, MID_STREAM)) as client:
        with pytest.raises(anthropic.APIStatusError) as failed:
            await anthropic_stream(client)
    assert (failed.value.status_code, failed.value.type) == (200, "overloaded_error")
    assert not isinstance(failed.value, anthropic.InternalServerError)


async def test_anthropic_mid_stream_faults_look_as_its_client_knows_them() -> None:
    simulated = desk()

    async def outcome(kind: FaultKind) -> Any:
        simulated.faults.clear()
        simulated.faults.order(Fault(provider="anthropic", kind=kind, after=MID_STREAM))
        return await outcome_of(anthropic_stream(client))

    async with anthropic_client(simulated) as client:
        assert isinstance(await outcome(FaultKind.RESET), httpx2.RemoteProtocolError)
        assert isinstance(await outcome(FaultKind.REFUSE), anthropic.APIConnectionError)
        assert isinstance(await outcome(FaultKind.GARBAGE), json.JSONDecodeError)
        assert [e.type for e in await outcome(FaultKind.CUT)] == [
            "message_start",
            "content_block_start",
        ]


async def test_a_stream_cut_short_is_no_exception_in_any_client() -> None:
    async with (
        anthropic_client(troubled("anthropic", FaultKind.CUT, 4)) as client,
        client.messages.stream(messages=HI, **HAIKU) as stream,
    ):
        message = await stream.get_final_message()
    assert message.stop_reason is None


# Gemini

FLASH = "gemini-3.8-flash"


def gemini_config(**more: Any) -> types.GenerateContentConfig:
    return types.GenerateContentConfig(
        system_instruction="Be brief.",
        thinking_config=types.ThinkingConfig(thinking_level=types.ThinkingLevel.MINIMAL),
        **more,
    )


async def gemini_stream(client: Any, contents: Any = "hi", **more: Any) -> list[Any]:
    stream = await client.models.generate_content_stream(
        model=FLASH, contents=contents, config=gemini_config(**more)
    )
    return [chunk async for chunk in stream]


def parts_of(chunks: list[Any]) -> list[types.Part]:
    candidates = [candidate for chunk in chunks for candidate in chunk.candidates]
    return [part for c in candidates if c.content for part in c.content.parts or []]


@pytest.mark.parametrize("version", ["v1", "v1beta"])
async def test_gemini_answers_in_one_piece(version: str) -> None:
    model = ScriptedModel(says(TEXT))
    async with gemini_client(desk(model), version=version) as client:
        answer = await client.models.generate_content(
            model=FLASH, contents="hi", config=gemini_config()
        )
    assert answer.text == TEXT
    assert model.requests[0].system == "Be brief."
    usage = answer.usage_metadata
    assert usage
    assert usage.total_token_count == sum(
        count or 0
        for count in (
            usage.prompt_token_count,
            usage.candidates_token_count,
            usage.thoughts_token_count,
        )
    )


async def test_gemini_streams_and_says_why_it_stopped_only_at_the_end() -> None:
    async with gemini_client(desk()) as client:
        chunks = await gemini_stream(client)
    assert "".join(part.text or "" for part in parts_of(chunks)) == TEXT
    reasons = [chunk.candidates[0].finish_reason for chunk in chunks]
    assert reasons == [None] * (len(chunks) - 1) + [types.FinishReason.STOP]
    assert all(chunk.usage_metadata for chunk in chunks)
    assert chunks[-1].usage_metadata.candidates_token_count


async def test_gemini_has_no_finish_reason_for_tools_and_signs_only_the_first_call() -> None:
    async with gemini_client(desk(calling())) as client:
        chunks = await gemini_stream(client, tools=GEMINI_TOOLS)
    calls = [part for part in parts_of(chunks) if part.function_call]
    assert [call.function_call.args for call in calls if call.function_call] == [
        LOOK.arguments,
        WAIT.arguments,
    ]
    assert [bool(call.thought_signature) for call in calls] == [True, False]
    assert chunks[-1].candidates[0].finish_reason is types.FinishReason.STOP


async def test_gemini_tools_make_the_round_trip() -> None:
    model = calling()
    async with gemini_client(desk(model)) as client:
        parts = parts_of(await gemini_stream(client, tools=GEMINI_TOOLS))
        calls = [part.function_call for part in parts if part.function_call]
        results = [
            types.Part(
                function_response=types.FunctionResponse(
                    id=call.id, name=call.name, response={"output": f"result of {call.name}"}
                )
            )
            for call in calls
        ]
        contents = [
            types.Content(role="user", parts=[types.Part(text="hi")]),
            types.Content(role="model", parts=[p for p in parts if p.text or p.function_call]),
            types.Content(role="user", parts=results),
        ]
        chunks = await gemini_stream(client, contents, tools=GEMINI_TOOLS)
    assert "".join(part.text or "" for part in parts_of(chunks)) == "It is on its way."
    assert results_seen(model) == [(name, f"result of {name}") for name in NAMES]


async def test_gemini_thoughts_come_out_of_the_output_limit() -> None:
    async with gemini_client(desk()) as client:
        answer = await client.models.generate_content(
            model=FLASH,
            contents="hi",
            config=types.GenerateContentConfig(max_output_tokens=20),
        )
    assert answer.candidates
    assert answer.candidates[0].finish_reason is types.FinishReason.MAX_TOKENS
    assert answer.candidates[0].content is None


async def test_gemini_thoughts_are_marked_as_such() -> None:
    config = types.GenerateContentConfig(
        thinking_config=types.ThinkingConfig(include_thoughts=True)
    )
    async with gemini_client(desk()) as client:
        stream = await client.models.generate_content_stream(
            model=FLASH, contents="hi", config=config
        )
        parts = parts_of([chunk async for chunk in stream])
    assert parts[0].thought
    assert "".join(part.text or "" for part in parts if not part.thought) == TEXT


async def test_gemini_lists_models_and_some_exist_only_in_the_beta() -> None:
    async with gemini_client(desk()) as client:
        names = [model.name async for model in await client.models.list()]
        counted = await client.models.count_tokens(model=FLASH, contents="hi there")
        with pytest.raises(gemini_errors.ClientError) as missing:
            await client.models.get(model="gemini-flash-latest")
    async with gemini_client(desk(), version="v1beta") as client:
        latest = await client.models.get(model="gemini-flash-latest")
    assert f"models/{FLASH}" in names
    assert counted.total_tokens == 2
    assert (missing.value.code, missing.value.status) == (404, "NOT_FOUND")
    assert latest.name == "models/gemini-flash-latest"


async def test_gemini_refusals_have_their_code_and_status() -> None:
    async with gemini_client(desk(), key="wrong") as client:
        with pytest.raises(gemini_errors.ClientError) as wrong_key:
            await gemini_stream(client)
    async with gemini_client(troubled("gemini", FaultKind.THROTTLE)) as client:
        with pytest.raises(gemini_errors.ClientError) as throttled:
            await gemini_stream(client)
    async with gemini_client(troubled("gemini", FaultKind.ERROR)) as client:
        with pytest.raises(gemini_errors.ServerError) as failed:
            await gemini_stream(client)
    assert (wrong_key.value.code, wrong_key.value.status) == (400, "INVALID_ARGUMENT")
    assert "API_KEY_INVALID" in json.dumps(wrong_key.value.details)
    assert (throttled.value.code, throttled.value.status) == (429, "RESOURCE_EXHAUSTED")
    assert '"retryDelay": "7s"' in json.dumps(throttled.value.details)
    assert (failed.value.code, failed.value.status) == (500, "INTERNAL")


async def test_gemini_mid_stream_faults_look_as_its_client_knows_them() -> None:
    simulated = desk()

    async def outcome(kind: FaultKind) -> Any:
        simulated.faults.clear()
        simulated.faults.order(Fault(provider="gemini", kind=kind, after=MID_STREAM))
        return await outcome_of(gemini_stream(client))

    async with gemini_client(simulated) as client:
        failed = await outcome(FaultKind.ERROR)
        assert isinstance(failed, gemini_errors.ServerError)
        assert failed.code == 503
        assert isinstance(await outcome(FaultKind.RESET), httpx2.RemoteProtocolError)
        assert isinstance(await outcome(FaultKind.REFUSE), httpx2.TransportError)
        assert isinstance(await outcome(FaultKind.GARBAGE), gemini_errors.UnknownApiResponseError)
        assert [c.candidates[0].finish_reason for c in await outcome(FaultKind.CUT)] == [None, None]


# All of them

Listener = Callable[[], None]
"""Told of every event; what it raises ends the stream."""


async def _from_openai(simulated: Desk, tell: Listener) -> None:
    async with openai_client(simulated) as client:
        stream = await client.chat.completions.create(
            model="gpt-4.1-mini", messages=HI, stream=True
        )
        async for _ in stream:
            tell()


async def _from_anthropic(simulated: Desk, tell: Listener) -> None:
    async with anthropic_client(simulated) as client:
        async for _ in await client.messages.create(stream=True, messages=HI, **HAIKU):
            tell()


async def _from_gemini(simulated: Desk, tell: Listener) -> None:
    async with gemini_client(simulated) as client:
        stream = await client.models.generate_content_stream(model=FLASH, contents="hi")
        async for _ in stream:
            tell()


READERS = {"openai": _from_openai, "anthropic": _from_anthropic, "gemini": _from_gemini}


async def events_until_it_is_left(provider: str, simulated: Desk) -> int:
    """How many came before the client lost patience, 0.2 s after the second."""
    events = 0
    with anyio.move_on_after(20) as patience:

        def count() -> None:
            nonlocal events
            events += 1
            if events == MID_STREAM:
                patience.deadline = anyio.current_time() + 0.2

        await READERS[provider](simulated, count)
    assert patience.cancelled_caught
    return events


@pytest.mark.parametrize("provider", READERS)
async def test_a_stall_lasts_until_the_client_leaves(provider: str) -> None:
    simulated = troubled(provider, FaultKind.STALL, MID_STREAM)
    assert await events_until_it_is_left(provider, simulated) == MID_STREAM


@pytest.mark.parametrize("provider", READERS)
async def test_a_client_that_leaves_ends_the_model_s_work(provider: str) -> None:
    model = ScriptedModel([TextDelta("Well, "), TextDelta("now "), 60.0, *says("never said")])
    await events_until_it_is_left(provider, desk(model))
    await until(lambda: model.closed)
    assert len(model.requests) == 1


@pytest.mark.parametrize("provider", READERS)
async def test_every_request_is_noted_with_its_body(provider: str) -> None:
    simulated = desk()
    await READERS[provider](simulated, lambda: None)
    (seen,) = simulated.journal
    assert seen.provider == provider
    assert seen.path.startswith(f"/{provider}/v1")
    assert "hi" in json.dumps(seen.body)


# Twilio


def make_and_end_a_call(client: TwilioClient) -> list[Any]:
    call = client.calls.create(
        to="+15005550009", from_="+15005550006", twiml="<Response><Pause/></Response>"
    )
    states = [call.status]
    while call.status != "in-progress":
        call = call.fetch()
    recording = call.recordings.create(recording_channels="dual")
    stopped = call.recordings("Twilio.CURRENT").update(status="stopped")
    ended = call.update(status="completed")
    return [*states, recording.channels, stopped.status, ended.status, ended.duration]


async def test_twilio_s_client_makes_records_and_ends_a_call() -> None:
    async with twilio_client(desk()) as client:
        seen = await anyio.to_thread.run_sync(make_and_end_a_call, client)
    assert seen == ["queued", 2, "completed", "completed", "0"]


def warm_transfer(client: TwilioClient) -> list[Any]:
    room = client.conferences("transfer-7")
    agent = room.participants.create(from_="+15005550006", to="+15005550009", label="agent")
    held = client.conferences(agent.conference_sid).participants("agent").update(hold=True)
    (found,) = client.conferences.list(friendly_name="transfer-7")
    ended = client.conferences(found.sid).update(status="completed")
    return [agent.status, held.hold, ended.status]


async def test_twilio_s_client_brings_an_agent_into_a_conference() -> None:
    async with twilio_client(desk()) as client:
        assert await anyio.to_thread.run_sync(warm_transfer, client) == [
            "queued",
            True,
            "completed",
        ]


def list_three_in_pages_of_two(client: TwilioClient) -> tuple[int, str]:
    for _ in range(3):
        client.calls.create(to="+15005550009", from_="+15005550006", url="http://example.com/")
    return len(client.calls.list(page_size=2)), client.api.accounts(ACCOUNT).fetch().status


async def test_twilio_s_client_turns_pages() -> None:
    async with twilio_client(desk()) as client:
        listed = await anyio.to_thread.run_sync(list_three_in_pages_of_two, client)
    assert listed == (3, "active")


def refusals_of(client: TwilioClient) -> list[tuple[int, int]]:
    found = []
    asks: list[Callable[[], object]] = [
        lambda: client.calls("CA" + "0" * 32).fetch(),
        lambda: client.calls.create(to="nobody", from_="+15005550006", twiml="<Response/>"),
        lambda: client.calls.create(to="+15005550009", from_="+15005550006"),
    ]
    for ask in asks:
        try:
            ask()
        except TwilioRestException as error:
            found.append((error.status, error.code))
    return found


async def test_twilio_s_client_knows_the_refusals_by_their_codes() -> None:
    async with twilio_client(desk()) as client:
        refusals = await anyio.to_thread.run_sync(refusals_of, client)
    async with twilio_client(desk(), token="wrong") as client:
        strangers = await anyio.to_thread.run_sync(refusals_of, client)
    assert refusals == [(404, 20404), (400, 21211), (400, 21205)]
    assert set(strangers) == {(401, 20003)}
