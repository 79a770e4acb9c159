"""The Messages API as values: what is asked, and what is understood of the answer."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from support.answer_reading import HELLO, REQUESTS, calls, finish, outcome, read, said, sse, usage
from support.dialogue import NINE_TOOLS
from voice_agent.core.chat import ChatRequest, FinishReason, Message, Role, ToolCall, ToolChoice
from voice_agent.core.errors import (
    ProviderError,
    ProviderGarbage,
    ProviderMisconfigured,
    ProviderRejected,
    ProviderThrottled,
    ProviderUnavailable,
)
from voice_agent.core.usage import Unit
from voice_agent.engines.llm.anthropic.options import Options
from voice_agent.engines.llm.anthropic.wire import VERSION, AnthropicWire
from voice_agent.engines.llm.event_stream import EventStreamDecoder
from voice_agent.simulation.providers.anthropic.request import read_request

WIRE = AnthropicWire(Options(api_key="a key"))  # type: ignore[arg-type]
START = {"type": "message_start", "message": {"usage": {"input_tokens": 10, "output_tokens": 1}}}
STOP = {"type": "message_stop"}
LOOKED = ToolCall("call-1", "check_order_status", {"order_id": "1"})


def begin(index: int, kind: str, **more: object) -> dict[str, object]:
    block = {"type": kind, **more}
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index: int, kind: str, **more: object) -> dict[str, object]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **more}}


def stop(index: int) -> dict[str, object]:
    return {"type": "content_block_stop", "index": index}


def end(reason: str | None, **figures: object) -> dict[str, object]:
    return {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": figures}


def text(index: int, words: str) -> list[dict[str, object]]:
    return [begin(index, "text", text=""), delta(index, "text_delta", text=words), stop(index)]


def tool(index: int, identifier: str, *parts: str) -> list[dict[str, object]]:
    fragments = [delta(index, "input_json_delta", partial_json=part) for part in parts]
    return [begin(index, "tool_use", id=identifier, name="f", input={}), *fragments, stop(index)]


def body(*messages: Message, tools: Any = NINE_TOOLS, model: str = "claude-haiku-5-5") -> Any:
    return AnthropicWire(Options(model=model)).body(ChatRequest(messages, tools))


def user(words: str) -> Message:
    return Message(Role.USER, words)


def agent(words: str, *made: ToolCall) -> Message:
    return Message(Role.ASSISTANT, words, tool_calls=made)


# What is asked.


def test_the_key_is_a_bearer_and_the_version_the_newest() -> None:
    assert WIRE.headers == {"authorization": "Bearer a key", "anthropic-version": "2026-10-21"}


def test_there_are_no_sampling_parameters_and_thinking_is_disabled() -> None:
    asked = WIRE.body(HELLO)
    assert asked["max_tokens"] == 600
    assert asked["thinking"] == {"type": "disabled"}
    assert asked["output_config"] == {"effort": "low"}
    assert asked["tool_choice"] == {"type": "auto"}
    assert not {"temperature", "top_p", "top_k"} & asked.keys()


@pytest.mark.parametrize(
    ("model", "thinking", "effort"),
    [
        ("claude-haiku-5-5", "disabled", "low"),
        ("claude-sonnet-5-5", "between_tools", "low"),
        ("claude-opus-5-5", "adaptive", "low"),
        ("claude-haiku-4-5", "disabled", None),
    ],
)
def test_each_family_is_told_to_think_least_in_its_own_way(
    model: str, thinking: str, effort: str | None
) -> None:
    asked = body(user("hi"), model=model)
    assert asked["thinking"] == {"type": thinking}
    assert asked.get("output_config", {}).get("effort") == effort


def test_an_unknown_model_or_effort_is_refused_at_once() -> None:
    with pytest.raises(ValidationError, match="claude-haiku-5-5"):
        Options(model="claude-3")
    with pytest.raises(ValidationError, match="knows no effort"):
        Options(model="claude-haiku-4-5", effort="low")
    assert Options(model="claude-3", base_url="http://gateway").model


def test_results_come_first_in_the_very_next_message_all_together() -> None:
    other = ToolCall("b", "end_call", {})
    made = body(
        user("where"),
        agent("One moment.", LOOKED, other),
        user("hello?"),
        Message(Role.TOOL, '{"error": "timeout"}', call_id="b"),
    )["messages"]
    assert [message["role"] for message in made] == ["user", "assistant", "user"]
    assert [block["type"] for block in made[1]["content"]] == ["text", "tool_use", "tool_use"]
    first, second, words = made[2]["content"]
    assert (first["tool_use_id"], second["tool_use_id"]) == ("call-1", "b")
    assert "cancelled" in first["content"]
    assert second["is_error"] is True
    assert words == {"type": "text", "text": "hello?"}


def test_after_a_barge_in_the_history_never_ends_with_the_assistant() -> None:
    made = body(user("hours"), agent("We are open Mon"))["messages"]
    assert [message["role"] for message in made] == ["user", "assistant", "user"]
    assert made[1]["content"] == [{"type": "text", "text": "We are open Mon"}]


def test_tools_stay_declared_with_choice_none() -> None:
    request = ChatRequest((user("hi"),), NINE_TOOLS, ToolChoice.NONE)
    asked = WIRE.body(request)
    assert asked["tool_choice"] == {"type": "none"}
    assert len(asked["tools"]) == len(NINE_TOOLS)


def test_a_history_with_calls_declares_tools_although_none_are_left() -> None:
    asked = body(user("where"), agent("", LOOKED), user("hello?"), tools=())
    assert [one["name"] for one in asked["tools"]] == ["check_order_status"]
    assert asked["tool_choice"] == {"type": "none"}
    assert "tools" not in body(user("hi"), tools=())


@settings(max_examples=100, deadline=None)
@given(
    request=REQUESTS,
    model=st.sampled_from(["claude-haiku-5-5", "claude-sonnet-5-5", "claude-haiku-4-5"]),
)
def test_any_history_is_one_that_anthropic_takes(request: ChatRequest, model: str) -> None:
    made = AnthropicWire(Options(model=model)).body(request)
    raw = json.dumps(made).encode("utf-8", "replace")
    assert read_request(raw, VERSION).stream


# What is understood.


def test_figures_are_totals_and_cache_counts_are_not_part_of_the_input() -> None:
    start = {
        "type": "message_start",
        "message": {
            "usage": {
                "input_tokens": 10,
                "cache_creation_input_tokens": 20,
                "cache_read_input_tokens": 30,
                "output_tokens": 1,
            }
        },
    }
    events = read(
        WIRE,
        sse(start, *text(0, "Hi"), end(None, output_tokens=3), end("end_turn", output_tokens=5))
        + sse(STOP),
    )
    assert usage(events).amounts == {
        Unit.INPUT_TOKENS: 10,
        Unit.CACHE_WRITE_TOKENS: 20,
        Unit.CACHED_TOKENS: 30,
        Unit.OUTPUT_TOKENS: 5,
    }
    assert not usage(events).estimated
    assert finish(events).reason is FinishReason.STOP


def test_blocks_are_known_by_type_and_the_first_may_be_a_thought() -> None:
    raw = sse(
        START,
        begin(0, "thinking", thinking="", signature=""),
        delta(0, "thinking_delta", thinking="hm"),
        delta(0, "signature_delta", signature="s"),
        stop(0),
        *text(1, "Hi"),
        begin(2, "server_tool_use", id="x", name="y", input={}),
        delta(2, "input_json_delta", partial_json="{"),
        stop(2),
        delta(1, "citations_delta", citation={}),
        {"type": "a_new_event", "index": "what"},
        {"type": "ping"},
        end("end_turn"),
        STOP,
    )
    events = read(WIRE, raw)
    assert said(events) == "Hi"
    assert not calls(events)


def test_tool_input_is_joined_and_nothing_means_no_arguments() -> None:
    raw = sse(
        START,
        *text(0, "One moment."),
        *tool(1, "a", "", '{"x"', ": 1}"),
        *tool(2, "b"),
        end("tool_use"),
        STOP,
    )
    events = read(WIRE, raw)
    assert [(call.id, call.arguments) for call in calls(events)] == [("a", {"x": 1}), ("b", {})]
    assert finish(events).reason is FinishReason.TOOL_CALLS


def test_the_stop_reason_is_no_tool_detector() -> None:
    events = read(WIRE, sse(START, *tool(0, "a", "{}"), end("end_turn"), STOP))
    assert finish(events).reason is FinishReason.TOOL_CALLS


def test_a_call_cut_by_the_token_limit_is_dropped() -> None:
    for cut in ((), ('{"x": ',)):
        raw = sse(START, *text(0, "Let me"), *tool(1, "a", *cut), end("max_tokens"), STOP)
        events = read(WIRE, raw)
        assert not calls(events)
        assert finish(events).reason is FinishReason.LENGTH


def test_broken_tool_input_is_garbage() -> None:
    with pytest.raises(ProviderGarbage):
        read(WIRE, sse(START, *tool(0, "a", '{"x": '), end("tool_use"), STOP))


def test_a_refusal_calls_no_tools() -> None:
    events = read(WIRE, sse(START, *tool(0, "a", "{}"), end("refusal"), STOP))
    assert not calls(events)
    assert finish(events).reason is FinishReason.REFUSED


def test_a_stream_without_message_stop_ended_in_the_middle() -> None:
    for cut in ((), (end("end_turn"),)):
        with pytest.raises(ProviderUnavailable, match="ended in the middle"):
            read(WIRE, sse(START, *text(0, "Hi"), *cut))


def test_pings_and_thoughts_are_no_progress() -> None:
    reader = WIRE.reader(HELLO, 10)
    raw = sse(
        START,
        {"type": "ping"},
        begin(0, "thinking", thinking=""),
        delta(0, "thinking_delta", thinking="hm"),
    )
    for event in EventStreamDecoder("anthropic").feed(raw):
        assert reader.take(event) == []
    assert reader.progress == 0


def thoughtful(model: str) -> ToolCall:
    """A call that a thought led to."""
    raw = sse(
        START,
        begin(0, "thinking", thinking="", signature=""),
        delta(0, "thinking_delta", thinking="look it up"),
        delta(0, "signature_delta", signature="sig"),
        stop(0),
        *text(1, "One moment."),
        *tool(2, "a", "{}"),
        end("tool_use"),
        STOP,
    )
    [call] = calls(read(AnthropicWire(Options(model=model)), raw))
    return call


def test_thoughts_go_back_unchanged_with_the_results_they_led_to() -> None:
    call = thoughtful("claude-sonnet-5-5")
    made = body(user("x"), agent("One moment.", call), model="claude-sonnet-5-5")["messages"]
    assert made[1]["content"][0] == {
        "type": "thinking",
        "thinking": "look it up",
        "signature": "sig",
    }


def test_thoughts_are_dropped_when_the_words_were_cut_or_the_model_is_another() -> None:
    call = thoughtful("claude-sonnet-5-5")
    for words, model in (("One", "claude-sonnet-5-5"), ("One moment.", "claude-opus-5-5")):
        made = body(user("x"), agent(words, call), model=model)["messages"]
        assert [block["type"] for block in made[1]["content"]] == ["text", "tool_use"]


# What goes wrong.


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("overloaded_error", ProviderUnavailable),
        ("api_error", ProviderUnavailable),
        ("timeout_error", ProviderUnavailable),
        ("a_new_error", ProviderUnavailable),
        ("rate_limit_error", ProviderThrottled),
        ("invalid_request_error", ProviderRejected),
        ("authentication_error", ProviderMisconfigured),
        ("billing_error", ProviderMisconfigured),
    ],
)
def test_an_error_in_mid_stream_is_classified_by_type(
    kind: str, expected: type[ProviderError]
) -> None:
    error = {"type": "error", "error": {"type": kind, "message": "m"}, "request_id": "r"}
    with pytest.raises(expected) as caught:
        read(WIRE, sse(START, *text(0, "Hi"), error))
    assert type(caught.value) is expected


@pytest.mark.parametrize(
    ("status", "kind", "expected"),
    [
        (400, "invalid_request_error", ProviderRejected),
        (401, "authentication_error", ProviderMisconfigured),
        (402, "billing_error", ProviderMisconfigured),
        (403, "permission_error", ProviderMisconfigured),
        (404, "not_found_error", ProviderMisconfigured),
        (413, "request_too_large", ProviderRejected),
        (429, "rate_limit_error", ProviderThrottled),
        (500, "api_error", ProviderUnavailable),
        (504, "timeout_error", ProviderUnavailable),
        (529, "overloaded_error", ProviderUnavailable),
    ],
)
def test_every_status_has_its_kind(status: int, kind: str, expected: type[ProviderError]) -> None:
    raw = orjson.dumps({"type": "error", "error": {"type": kind, "message": "m"}}).decode()
    assert type(WIRE.refusal(status, raw, None)) is expected


def test_a_reached_spend_limit_is_no_throttle() -> None:
    details = {"error_code": "enforced_spend_limit_reached"}
    error = {"type": "rate_limit_error", "message": "m", "details": details}
    raw = orjson.dumps({"type": "error", "error": error}).decode()
    assert type(WIRE.refusal(429, raw, None)) is ProviderMisconfigured


@pytest.mark.parametrize("raw", ["", "<html>", "[]", '{"error": 7}', '{"error": {"type": 7}}'])
def test_a_refusal_may_say_anything(raw: str) -> None:
    assert type(WIRE.refusal(502, raw, None)) is ProviderUnavailable
    assert "ANTHROPIC_API_KEY" in str(WIRE.refusal(401, raw, None))


KEYS = st.sampled_from(
    [
        *("type", "index", "delta", "content_block", "message", "usage", "text", "partial_json"),
        *("thinking", "signature", "id", "name", "stop_reason", "error", "input_tokens"),
    ]
)
TYPES = st.sampled_from(
    [
        *("message_start", "content_block_start", "content_block_delta", "content_block_stop"),
        *("message_delta", "message_stop", "error", "text", "tool_use", "thinking"),
        *("text_delta", "input_json_delta", "thinking_delta", "signature_delta"),
        *("redacted_thinking", "ping"),
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | TYPES | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=12,
)
EVENTS = st.fixed_dictionaries(
    {"type": TYPES},
    optional={"index": VALUES, "delta": VALUES, "content_block": VALUES, "message": VALUES},
)


@settings(max_examples=100, deadline=None)
@given(payloads=st.lists(EVENTS | VALUES, max_size=6), tail=st.sampled_from([b"", b"\xff{"]))
def test_any_garbage_is_events_or_an_error_of_ours(payloads: list[object], tail: bytes) -> None:
    outcome(WIRE, [sse(*payloads, ending=tail)])


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_chopping_anywhere_changes_nothing(data: st.DataObject) -> None:
    raw = sse(START, *text(0, "Grüße 🙂\u2028"), *tool(1, "a", '{"x":', '"ü"}'), end("tool_use"))
    raw += sse(STOP)
    cut = data.draw(st.integers(0, len(raw)))
    assert outcome(WIRE, [raw[:cut], raw[cut:]]) == outcome(WIRE, [raw])
    assert outcome(WIRE, [bytes([byte]) for byte in raw]) == outcome(WIRE, [raw])
