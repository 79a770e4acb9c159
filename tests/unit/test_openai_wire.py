"""Chat Completions as values: what is asked, and what is understood of the answer."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from support.answer_reading import HELLO, REQUESTS, calls, finish, outcome, read, said, sse, usage
from support.dialogue import NINE_TOOLS
from voice_agent.core.chat import (
    ChatRequest,
    FinishReason,
    Message,
    Role,
    TextDelta,
    ToolCall,
    ToolChoice,
)
from voice_agent.core.errors import (
    ProviderError,
    ProviderGarbage,
    ProviderMisconfigured,
    ProviderRejected,
    ProviderThrottled,
    ProviderUnavailable,
)
from voice_agent.core.usage import Unit
from voice_agent.engines.llm.openai.options import MODELS, Options
from voice_agent.engines.llm.openai.wire import OpenAIWire
from voice_agent.simulation.providers.openai.request import read_request

DONE = b"data: [DONE]\n\n"
WIRE = OpenAIWire(Options())


def wire(**options: Any) -> OpenAIWire:
    return OpenAIWire(Options(base_url="http://localhost:11434/v1", **options))


def chunk(delta: object = None, reason: object = None, **more: object) -> dict[str, object]:
    choice = {"index": 0, "delta": delta or {}, "finish_reason": reason}
    return {"id": "chatcmpl-1", "choices": [choice], **more}


def piece(arguments: object = None, **more: object) -> dict[str, object]:
    """A delta of one tool call."""
    function: dict[str, object] = {}
    if "name" in more:
        function["name"] = more.pop("name")
    if arguments is not None:
        function["arguments"] = arguments
    return {"tool_calls": [{**more, "function": function}]}


def called(*payloads: object, ending: bytes = DONE) -> list[tuple[str, str, object]]:
    events = read(WIRE, sse(*payloads, ending=ending))
    assert finish(events).reason is FinishReason.TOOL_CALLS
    return [(call.id, call.name, call.arguments) for call in calls(events)]


# What is asked.


def test_tools_go_with_reasoning_effort_none() -> None:
    body = WIRE.body(HELLO)
    assert body["model"] == "gpt-6-luna"
    assert body["reasoning_effort"] == "none"
    assert body["max_completion_tokens"] == 600
    assert body["stream_options"] == {"include_usage": True, "include_obfuscation": False}
    assert body["tool_choice"] == "auto"
    assert len(body["tools"]) == len(NINE_TOOLS)
    assert not {"temperature", "top_p", "max_tokens", "parallel_tool_calls"} & body.keys()


def test_a_model_that_does_not_reason_gets_no_effort() -> None:
    assert "reasoning_effort" not in OpenAIWire(Options(model="gpt-4.1")).body(HELLO)


def test_a_server_of_ones_own_gets_only_what_it_knows() -> None:
    body = wire(model="llama3.2", stream_options=False).body(HELLO)
    assert body["max_tokens"] == 600
    assert not {"reasoning_effort", "stream_options", "max_completion_tokens"} & body.keys()
    full = wire(
        model="x",
        max_tokens_field="max_completion_tokens",
        parallel_tool_calls=False,
        reasoning_effort="low",
        system_role="developer",
    ).body(HELLO)
    assert full["max_completion_tokens"] == 600
    assert full["parallel_tool_calls"] is False
    assert full["reasoning_effort"] == "low"
    assert full["messages"][0] == {"role": "developer", "content": "Be brief."}
    assert full["stream_options"] == {"include_usage": True}


def test_a_server_that_ignores_tool_choice_none_gets_no_tools() -> None:
    request = ChatRequest(HELLO.messages, NINE_TOOLS, ToolChoice.NONE)
    assert WIRE.body(request)["tool_choice"] == "none"
    assert "tools" not in wire(model="x", tools_with_choice_none=False).body(request)


def test_tool_results_follow_their_calls_one_for_each_id() -> None:
    looked, ended = ToolCall("a", "check_order_status", {"order_id": "1"}), ToolCall("b", "x", {})
    history = (
        Message(Role.USER, "where"),
        Message(Role.ASSISTANT, "", (looked, ended)),
        Message(Role.TOOL, '{"ok": 1}', call_id="b"),
        Message(Role.USER, "hello?"),
    )
    [_, asking, first, second, last] = WIRE.body(ChatRequest(history, NINE_TOOLS))["messages"]
    assert asking["content"] is None
    assert [call["id"] for call in asking["tool_calls"]] == ["a", "b"]
    assert json.loads(asking["tool_calls"][0]["function"]["arguments"]) == {"order_id": "1"}
    assert (first["tool_call_id"], second["tool_call_id"]) == ("a", "b")
    assert "cancelled" in first["content"]
    assert second["content"] == '{"ok": 1}'
    assert last == {"role": "user", "content": "hello?"}
    assert (
        wire(model="x", null_content=False).body(ChatRequest(history))["messages"][1]["content"]
        == ""
    )


@settings(max_examples=100, deadline=None)
@given(request=REQUESTS)
def test_any_history_is_one_that_openai_takes(request: ChatRequest) -> None:
    body = json.dumps(WIRE.body(request)).encode("utf-8", "replace")
    assert read_request(body, created=0).stream


def test_openai_itself_has_a_list_of_models_and_other_servers_have_not() -> None:
    with pytest.raises(ValidationError, match=r"gpt-6-luna, .*gpt-4o-mini"):
        Options(model="gpt-4.1-nano")
    with pytest.raises(ValidationError, match="reasoning_effort none only"):
        Options(reasoning_effort="low")
    assert Options(model="gpt-4.1-nano", base_url="http://gateway/v1").model
    with pytest.raises(ValidationError, match="http://"):
        Options(base_url="localhost:11434")
    assert "gpt-6-astra" not in MODELS


# What is understood.


def test_text_usage_and_end_in_the_vendors_own_order() -> None:
    nothing = {"usage": None, "obfuscation": "x", "service_tier": "default"}
    figures = {
        "prompt_tokens": 100,
        "completion_tokens": 5,
        "prompt_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 10},
    }
    raw = sse(
        chunk({"role": "assistant", "content": "", "refusal": None}, **nothing),
        chunk({"content": "Sure"}, **nothing),
        chunk({"content": ", one moment."}, **nothing),
        chunk({}, "stop", **nothing),
        {"choices": [], "usage": figures},
        ending=DONE,
    )
    events = read(WIRE, raw)
    assert events[:2] == [TextDelta("Sure"), TextDelta(", one moment.")]
    assert usage(events).amounts == {
        Unit.INPUT_TOKENS: 30,
        Unit.CACHED_TOKENS: 60,
        Unit.CACHE_WRITE_TOKENS: 10,
        Unit.OUTPUT_TOKENS: 5,
    }
    assert (usage(events).provider, usage(events).model) == ("openai", "gpt-6-luna")
    assert finish(events).reason is FinishReason.STOP


def test_choices_may_be_empty_and_unknown_chunks_are_passed_over() -> None:
    raw = sse(
        {"choices": [], "moderation": {"input": {}}},
        {"object": "chat.completion.chunk"},
        chunk({"content": "Hi"}),
        chunk({}, "stop"),
        ending=b": ping\n\n" + DONE,
    )
    assert said(read(WIRE, raw)) == "Hi"


def test_tool_deltas_are_gathered_by_index() -> None:
    assert called(
        chunk({"role": "assistant", "content": None}),
        chunk(piece("", index=0, id="a", type="function", name="f")),
        chunk(piece("", index=1, id="b", type="function", name="g")),
        chunk(piece('{"x"', index=0)),
        chunk(piece('{"y":', index=1)),
        chunk(piece(": 1}", index=0)),
        chunk(piece("2}", index=1)),
        chunk({}, "tool_calls"),
    ) == [("a", "f", {"x": 1}), ("b", "g", {"y": 2})]


def test_arguments_split_at_every_byte_are_whole() -> None:
    text = '{"order_id": "ünï🙂 \\" }{"}'
    parts = [chunk(piece(letter, index=0)) for letter in text]
    assert called(chunk(piece("", index=0, id="a", name="f")), *parts, chunk({}, "tool_calls")) == [
        ("a", "f", {"order_id": 'ünï🙂 " }{'})
    ]


def test_empty_arguments_mean_none() -> None:
    for empty in ("", "null", "{}"):
        assert called(chunk(piece(empty, index=0, id="a", name="f")), chunk({}, "stop")) == [
            ("a", "f", {})
        ]


def test_the_finish_reason_is_no_tool_detector() -> None:
    for reason in ("stop", "tool_calls", "", None):
        assert called(chunk(piece("{}", index=0, id="a", name="f")), chunk({}, reason))
    events = read(WIRE, sse(chunk({"content": "No."}), chunk({}, "tool_calls"), ending=DONE))
    assert finish(events).reason is FinishReason.STOP


def test_whole_calls_in_one_delta_without_index_or_id_are_all_there() -> None:
    both = {
        "tool_calls": [
            {"function": {"name": "f", "arguments": '{"x": 1}'}},
            {"function": {"name": "f", "arguments": {"x": 2}}},
        ]
    }
    assert called(chunk(both), chunk({}, "stop")) == [
        ("call_1", "f", {"x": 1}),
        ("call_2", "f", {"x": 2}),
    ]


def test_calls_that_all_have_index_zero_are_told_apart_by_id() -> None:
    assert called(
        chunk(piece('{"x": 1}', index=0, id="a", name="f")),
        chunk(piece('{"x": 2}', index=0, id="b", name="f")),
        chunk({}, "tool_calls"),
    ) == [("a", "f", {"x": 1}), ("b", "f", {"x": 2})]


def test_a_server_that_repeats_id_and_name_makes_one_call() -> None:
    assert called(
        chunk(piece('{"x"', index=0, id="a", name="f")),
        chunk(piece(": 1}", index=0, id="a", name="f")),
        chunk(piece("", index=0, id="a", name="f")),
        chunk({}, "tool_calls"),
    ) == [("a", "f", {"x": 1})]


def test_fragments_without_index_go_on_with_the_last_call() -> None:
    assert called(
        chunk(piece("", id="a", name="f")),
        chunk(piece('{"x"')),
        chunk(piece(": 1}")),
        chunk(piece("{}", id="b", name="g")),
        chunk({}, "tool_calls"),
    ) == [("a", "f", {"x": 1}), ("b", "g", {})]


def test_a_new_call_never_has_an_id_of_the_history() -> None:
    old = ToolCall("a", "f", {})
    request = ChatRequest(
        (
            Message(Role.USER, "x"),
            Message(Role.ASSISTANT, "", (old,)),
            Message(Role.TOOL, "{}", call_id="a"),
        ),
        NINE_TOOLS,
    )
    raw = sse(chunk(piece("{}", index=0, id="a", name="f")), chunk({}, "stop"), ending=DONE)
    [call] = calls(read(WIRE, raw, request))
    assert call.id not in ("", "a")


@pytest.mark.parametrize("reason", ["stop", "tool_calls"])
@pytest.mark.parametrize("arguments", ['{"x": ', "[1]", '"x"', "nonsense"])
def test_arguments_that_are_no_object_are_garbage(arguments: str, reason: str) -> None:
    raw = sse(chunk(piece(arguments, index=0, id="a", name="f")), chunk({}, reason), ending=DONE)
    with pytest.raises(ProviderGarbage):
        read(WIRE, raw)


def test_a_call_cut_by_the_token_limit_is_dropped() -> None:
    raw = sse(
        chunk({"content": "Let me"}),
        chunk(piece('{"x": ', index=0, id="a", name="f")),
        chunk({}, "length"),
        ending=DONE,
    )
    events = read(WIRE, raw)
    assert not calls(events)
    assert finish(events).reason is FinishReason.LENGTH


@pytest.mark.parametrize("choice", [ToolChoice.NONE, None])
def test_calls_nobody_allowed_are_dropped(choice: ToolChoice | None) -> None:
    request = ChatRequest(HELLO.messages, NINE_TOOLS, choice) if choice else ChatRequest(())
    raw = sse(chunk(piece("{}", index=0, id="a", name="f")), chunk({}, "tool_calls"), ending=DONE)
    events = read(WIRE, raw, request)
    assert not calls(events)
    assert finish(events).reason is FinishReason.STOP


def test_thoughts_of_other_servers_are_not_spoken() -> None:
    raw = sse(
        chunk({"reasoning_content": "hm", "content": None}),
        chunk({"reasoning": "hm"}),
        chunk({"content": "Yes."}),
        chunk({}, "stop"),
        ending=DONE,
    )
    assert said(read(WIRE, raw)) == "Yes."


def test_a_filtered_or_refused_answer_is_refused() -> None:
    filtered = read(WIRE, sse(chunk({}, "content_filter"), ending=DONE))
    assert finish(filtered).reason is FinishReason.REFUSED
    refused = read(WIRE, sse(chunk({"refusal": "I cannot."}), chunk({}, "stop"), ending=DONE))
    assert finish(refused).reason is FinishReason.REFUSED


@pytest.mark.parametrize("reason", [None, ""])
def test_without_finish_reason_the_last_line_is_the_end(reason: str | None) -> None:
    events = read(WIRE, sse(chunk({"content": "Hi"}, reason), ending=DONE))
    assert finish(events).reason is FinishReason.STOP


def test_without_the_last_line_the_finish_reason_is_the_end() -> None:
    assert said(read(WIRE, sse(chunk({"content": "Hi"}, "stop")))) == "Hi"


def test_a_stream_without_either_ended_in_the_middle() -> None:
    with pytest.raises(ProviderUnavailable, match="ended in the middle"):
        read(WIRE, sse(chunk({"content": "Hi"})))


def test_usage_on_the_last_content_chunk_or_on_every_chunk_counts_once() -> None:
    raw = sse(
        chunk({"content": "Hi"}, usage={"prompt_tokens": 10, "completion_tokens": 1}),
        chunk({"content": "!"}, "stop", usage={"prompt_tokens": 10, "completion_tokens": 2}),
    )
    amounts = usage(read(WIRE, raw)).amounts
    assert (amounts[Unit.INPUT_TOKENS], amounts[Unit.OUTPUT_TOKENS]) == (10, 2)


def test_without_figures_usage_is_estimated_at_four_characters_a_token() -> None:
    report = usage(read(WIRE, sse(chunk({"content": "12345678"}, "stop"), ending=DONE)))
    assert report.estimated
    assert report.amounts == {Unit.INPUT_TOKENS: 100, Unit.OUTPUT_TOKENS: 2}


@pytest.mark.parametrize(
    "figures", [{"prompt_tokens": -1}, {"prompt_tokens": "x"}, {"prompt_tokens": True}, {}]
)
def test_nonsense_figures_do_not_stop_an_answer(figures: object) -> None:
    raw = sse(chunk({"content": "Hi"}, "stop", usage=figures), ending=DONE)
    assert usage(read(WIRE, raw)).estimated


# What goes wrong.


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"message": "x", "type": "server_error", "code": None}, ProviderUnavailable),
        ({"message": "x", "type": "service_unavailable_error"}, ProviderUnavailable),
        ({"message": "x", "code": 503, "type": "unavailable_error"}, ProviderUnavailable),
        ({"message": "x", "type": "tokens", "code": "rate_limit_exceeded"}, ProviderThrottled),
        ({"message": "x", "type": "insufficient_quota"}, ProviderMisconfigured),
        ({"message": "x", "type": "invalid_request_error"}, ProviderRejected),
        ("it broke", ProviderUnavailable),
        ({}, None),
    ],
)
def test_an_error_in_mid_stream_is_classified_by_type(
    error: object, kind: type[ProviderError] | None
) -> None:
    raw = sse(chunk({"content": "Hi"}), {"error": error}, ending=DONE)
    if kind is None:
        assert read(WIRE, raw)
        return
    with pytest.raises(kind) as caught:
        read(WIRE, raw)
    assert type(caught.value) is kind


def test_a_bare_error_without_a_field_is_an_error() -> None:
    for raw in (b'error: {"message": "x"}\n\n', b'{"error": {"message": "x", "code": 500}}\n'):
        with pytest.raises(ProviderError):
            read(WIRE, sse(chunk({"content": "Hi"})) + raw)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "context_length_exceeded", ProviderRejected),
        (401, "invalid_api_key", ProviderMisconfigured),
        (403, "unsupported_country_region_territory", ProviderMisconfigured),
        (404, "model_not_found", ProviderMisconfigured),
        (409, "conflict", ProviderUnavailable),
        (422, "unprocessable", ProviderRejected),
        (429, "rate_limit_exceeded", ProviderThrottled),
        (429, "insufficient_quota", ProviderMisconfigured),
        (429, "credit_balance_exhausted", ProviderMisconfigured),
        (500, "server_error", ProviderUnavailable),
        (503, "server_is_overloaded", ProviderUnavailable),
    ],
)
def test_a_spent_account_is_no_throttle_and_every_status_has_its_kind(
    status: int, code: str, kind: type[ProviderError]
) -> None:
    body = orjson.dumps({"error": {"message": "m", "type": "t", "code": code}}).decode()
    error = WIRE.refusal(status, body, 3.0)
    assert type(error) is kind
    assert str(status) in str(error)
    if isinstance(error, ProviderThrottled):
        assert error.retry_after == 3.0


@pytest.mark.parametrize("body", ["", "<html>", "[]", "null", '{"error": 7}', '{"error": "x"}'])
def test_a_refusal_may_say_anything(body: str) -> None:
    assert type(WIRE.refusal(502, body, None)) is ProviderUnavailable
    assert "OPENAI_API_KEY" in str(WIRE.refusal(401, body, None))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("choices", "delta", "content", "tool_calls", "index", "function", "name"),
                    *("arguments", "finish_reason", "usage", "error", "message", "id", "object"),
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=15,
)


@settings(max_examples=100, deadline=None)
@given(payloads=st.lists(VALUES, max_size=5), tail=st.sampled_from([b"", DONE, b"\xff{"]))
def test_any_garbage_is_events_or_an_error_of_ours(payloads: list[object], tail: bytes) -> None:
    outcome(WIRE, [sse(*payloads, ending=tail)])


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_chopping_anywhere_changes_nothing(data: st.DataObject) -> None:
    raw = sse(
        chunk({"content": "Grüße 🙂\u2028"}),
        chunk(piece("", index=0, id="a", name="f")),
        chunk(piece('{"x": "ü"}', index=0)),
        chunk({}, "tool_calls"),
        {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4}},
        ending=DONE,
    )
    cut = data.draw(st.integers(0, len(raw)))
    assert outcome(WIRE, [raw[:cut], raw[cut:]]) == outcome(WIRE, [raw])
    assert outcome(WIRE, [bytes([byte]) for byte in raw]) == outcome(WIRE, [raw])
