"""streamGenerateContent as values: what is asked, and what is understood of the answer."""

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
    ToolCall,
    ToolChoice,
    ToolDeclaration,
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
from voice_agent.engines.llm.gemini.history import FOREIGN_CALL
from voice_agent.engines.llm.gemini.options import Options
from voice_agent.engines.llm.gemini.schema import reduced
from voice_agent.engines.llm.gemini.wire import GeminiWire
from voice_agent.simulation.providers.gemini.request import read_request

WIRE = GeminiWire(Options())
LOOKED = ToolCall("call-1", "check_order_status", {"order_id": "1"})


def chunk(*parts: object, reason: str | None = None, **more: object) -> dict[str, object]:
    candidate: dict[str, object] = {"content": {"parts": list(parts), "role": "model"}, "index": 0}
    if reason:
        candidate["finishReason"] = reason
    return {"candidates": [candidate], **more}


def text(words: str, **more: object) -> dict[str, object]:
    return {"text": words, **more}


def call(name: str, args: object = None, **more: object) -> dict[str, object]:
    identifier = more.pop("id", None)
    made = {"name": name, "args": args} | ({"id": identifier} if identifier else {})
    return {"functionCall": made, **more}


def user(words: str) -> Message:
    return Message(Role.USER, words)


def agent(words: str, *made: ToolCall) -> Message:
    return Message(Role.ASSISTANT, words, tool_calls=made)


def contents(*messages: Message, model: str = "gemini-3.8-flash") -> Any:
    return GeminiWire(Options(model=model)).body(ChatRequest(messages, NINE_TOOLS))["contents"]


# What is asked.


def test_the_stream_is_asked_for_as_events_on_v1_with_the_key_in_a_header() -> None:
    wire = GeminiWire(Options(api_key="a key"))  # type: ignore[arg-type]
    assert wire.chat_path == "v1/models/gemini-3.8-flash:streamGenerateContent?alt=sse"
    assert wire.headers == {"x-goog-api-key": "a key"}


@pytest.mark.parametrize(
    ("model", "thinking"),
    [
        ("gemini-3.8-flash", {"thinkingLevel": "minimal"}),
        ("gemini-3.7-flash", {"thinkingLevel": "low"}),
        ("gemini-2.5-flash", {"thinkingBudget": 0}),
    ],
)
def test_a_level_or_a_budget_is_sent_and_never_both(
    model: str, thinking: dict[str, object]
) -> None:
    config = GeminiWire(Options(model=model)).body(HELLO)["generationConfig"]
    assert config == {"maxOutputTokens": 600, "thinkingConfig": thinking}


def test_an_unknown_model_or_level_is_refused_at_once() -> None:
    with pytest.raises(ValidationError, match=r"gemini-3\.8-flash"):
        Options(model="gemini-1.0")
    with pytest.raises(ValidationError, match="no thinking levels"):
        Options(model="gemini-2.5-flash", thinking_level="low")
    assert Options(model="gemini-9", base_url="http://gateway").model


def test_system_text_has_a_place_of_its_own() -> None:
    assert WIRE.body(HELLO)["systemInstruction"] == {"parts": [{"text": "Be brief."}]}
    assert "systemInstruction" not in WIRE.body(ChatRequest((user("x"),)))


def test_adjacent_turns_of_one_role_are_merged() -> None:
    made = contents(
        user("where"),
        user("please"),
        agent("One"),
        agent("moment.", LOOKED),
        user("hello?"),
        Message(Role.TOOL, '{"a": 1}', call_id="call-1"),
    )
    assert [one["role"] for one in made] == ["user", "model", "user"]
    assert [list(part) for part in made[1]["parts"]] == [
        ["text"],
        ["functionCall", "thoughtSignature"],
    ]
    assert [list(part) for part in made[2]["parts"]] == [["functionResponse"], ["text"]]


def test_a_function_response_is_an_object() -> None:
    for result, response in (
        ('{"a": 1}', {"output": {"a": 1}}),
        ("plain words", {"output": "plain words"}),
        ("[1]", {"output": "[1]"}),
        ('{"error": "x"}', {"error": {"error": "x"}}),
    ):
        made = contents(user("x"), agent("", LOOKED), Message(Role.TOOL, result, call_id="call-1"))
        assert made[-1]["parts"][0]["functionResponse"] == {
            "id": "call-1",
            "name": "check_order_status",
            "response": response,
        }


def test_parallel_results_are_as_many_as_their_calls() -> None:
    other = ToolCall("b", "end_call", {})
    made = contents(
        user("x"), agent("", LOOKED, other), Message(Role.TOOL, "{}", call_id="b"), user("hello?")
    )
    assert len(made[1]["parts"]) == 2
    assert sum("functionResponse" in part for part in made[2]["parts"]) == 2


def test_a_signature_returns_on_its_own_part_and_only_to_its_own_model() -> None:
    raw = sse(
        chunk(
            call("f", {"x": 1}, id="a", thoughtSignature="c2ln"), call("g", id="b"), reason="STOP"
        )
    )
    first, second = calls(read(WIRE, raw))
    assert first.signature == "gemini/gemini-3.8-flash:c2ln"
    assert second.signature == ""
    [_, own, _] = contents(user("x"), agent("", first, second))
    assert own["parts"][0]["thoughtSignature"] == "c2ln"
    assert "thoughtSignature" not in own["parts"][1]
    [_, other, _] = contents(user("x"), agent("", first, second), model="gemini-3.6-flash")
    assert other["parts"][0]["thoughtSignature"] == FOREIGN_CALL
    [_, older, _] = contents(user("x"), agent("", first, second), model="gemini-2.5-flash")
    assert "thoughtSignature" not in older["parts"][0]


def test_a_call_of_another_provider_gets_the_documented_escape_value() -> None:
    foreign = ToolCall("toolu_1", "f", {}, "anthropic/claude-haiku-5-5:{}")
    [_, made, _] = contents(user("x"), agent("", foreign))
    assert made["parts"][0]["thoughtSignature"] == "skip_thought_signature_validator"


def test_without_parameters_a_tool_has_no_schema() -> None:
    tools = (
        ToolDeclaration("f", "d", {"type": "object", "properties": {}}),
        ToolDeclaration("g", "d", {"type": "object", "properties": {"x": {"type": "integer"}}}),
    )
    body = WIRE.body(ChatRequest((user("x"),), tools, ToolChoice.NONE))
    [bare, full] = body["tools"][0]["functionDeclarations"]
    assert bare == {"name": "f", "description": "d"}
    assert full["parametersJsonSchema"]["properties"] == {"x": {"type": "integer"}}
    assert body["toolConfig"] == {"functionCallingConfig": {"mode": "NONE"}}


def test_schemas_are_reduced_to_what_gemini_knows() -> None:
    schema = {
        "type": "object",
        "$schema": "x",
        "properties": {
            "const": {"const": "a"},
            "size": {"enum": [1, 2], "description": "How big."},
            "either": {"oneOf": [{"type": "string", "not": {}}, {"type": "null"}]},
            "list": {"type": "array", "items": {"type": "string", "exclusiveMinimum": 1}},
        },
        "patternProperties": {},
        "if": {},
        "required": ["size"],
    }
    assert reduced(schema) == {
        "type": "object",
        "properties": {
            "const": {"enum": ["a"]},
            "size": {"description": "How big. One of: 1, 2."},
            "either": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "list": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["size"],
    }


@settings(max_examples=100, deadline=None)
@given(request=REQUESTS)
def test_any_history_is_one_that_gemini_takes(request: ChatRequest) -> None:
    raw = json.dumps(WIRE.body(request)).encode("utf-8", "replace")
    read_request(raw, "gemini-3.8-flash", "v1", "streamGenerateContent")


# What is understood.


def test_thoughts_are_never_spoken_and_billed_as_output() -> None:
    raw = sse(
        chunk(text("hm", thought=True), usageMetadata={"promptTokenCount": 90}),
        chunk(text("Hi"), usageMetadata={"promptTokenCount": 100, "candidatesTokenCount": 1}),
        chunk(
            text("", thoughtSignature="c2ln"),
            reason="STOP",
            usageMetadata={
                "promptTokenCount": 100,
                "cachedContentTokenCount": 40,
                "candidatesTokenCount": 2,
                "thoughtsTokenCount": 7,
                "totalTokenCount": 109,
            },
        ),
    )
    events = read(WIRE, raw)
    assert said(events) == "Hi"
    assert usage(events).amounts == {
        Unit.INPUT_TOKENS: 60,
        Unit.CACHED_TOKENS: 40,
        Unit.OUTPUT_TOKENS: 9,
    }
    assert finish(events).reason is FinishReason.STOP


def test_calls_are_found_by_their_parts_across_chunks_and_ids_may_be_missing() -> None:
    raw = sse(chunk(call("f", {"x": 1})), chunk(call("g")), chunk(reason="STOP"))
    events = read(WIRE, raw)
    assert [(one.name, one.arguments) for one in calls(events)] == [("f", {"x": 1}), ("g", {})]
    assert len({one.id for one in calls(events)}) == 2
    assert finish(events).reason is FinishReason.TOOL_CALLS


def test_a_last_chunk_may_have_no_content_at_all() -> None:
    raw = sse(chunk(text("Hi")), {"candidates": [{"finishReason": "STOP"}]})
    assert said(read(WIRE, raw)) == "Hi"


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("STOP", FinishReason.STOP),
        ("MAX_TOKENS", FinishReason.LENGTH),
        ("SAFETY", FinishReason.REFUSED),
        ("RECITATION", FinishReason.REFUSED),
        ("PROHIBITED_CONTENT", FinishReason.REFUSED),
        ("OTHER", FinishReason.STOP),
        ("A_NEW_REASON", FinishReason.STOP),
    ],
)
def test_every_finish_reason_means_something(reason: str, expected: FinishReason) -> None:
    assert finish(read(WIRE, sse(chunk(text("Hi"), reason=reason)))).reason is expected


def test_an_unknown_reason_without_words_is_no_answer() -> None:
    with pytest.raises(ProviderUnavailable, match="without an answer"):
        read(WIRE, sse(chunk(reason="OTHER")))
    assert finish(read(WIRE, sse(chunk(reason="STOP")))).reason is FinishReason.STOP


def test_a_blocked_prompt_is_refused() -> None:
    raw = sse({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {}})
    assert finish(read(WIRE, raw)).reason is FinishReason.REFUSED


@pytest.mark.parametrize("reason", ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL"])
def test_a_malformed_function_call_is_garbage(reason: str) -> None:
    with pytest.raises(ProviderGarbage):
        read(WIRE, sse(chunk(reason=reason)))


def test_a_stream_without_finish_reason_ended_in_the_middle() -> None:
    with pytest.raises(ProviderUnavailable, match="ended in the middle"):
        read(WIRE, sse(chunk(text("Hi"))))


# What goes wrong.


def failure(code: int, status: str, *details: object) -> dict[str, object]:
    return {"error": {"code": code, "message": "m", "status": status, "details": list(details)}}


@pytest.mark.parametrize("wrap", [False, True])
@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        (503, "UNAVAILABLE", ProviderUnavailable),
        (499, "CANCELLED", ProviderUnavailable),
        (429, "RESOURCE_EXHAUSTED", ProviderThrottled),
        (400, "INVALID_ARGUMENT", ProviderRejected),
        (500, "A_NEW_STATUS", ProviderUnavailable),
    ],
)
def test_a_bare_json_error_in_mid_stream_is_an_error(
    code: int, status: str, expected: type[ProviderError], *, wrap: bool
) -> None:
    error: object = failure(code, status)
    bare = orjson.dumps([error] if wrap else error, option=orjson.OPT_INDENT_2)
    for raw in (sse(chunk(text("Hi"))) + bare.replace(b"\n", b"\r\n"), sse(failure(code, status))):
        with pytest.raises(expected) as caught:
            read(WIRE, raw)
        assert type(caught.value) is expected


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        (400, "INVALID_ARGUMENT", ProviderRejected),
        (400, "FAILED_PRECONDITION", ProviderMisconfigured),
        (401, "UNAUTHENTICATED", ProviderMisconfigured),
        (403, "PERMISSION_DENIED", ProviderMisconfigured),
        (404, "NOT_FOUND", ProviderMisconfigured),
        (429, "RESOURCE_EXHAUSTED", ProviderThrottled),
        (499, "CANCELLED", ProviderUnavailable),
        (500, "INTERNAL", ProviderUnavailable),
        (504, "DEADLINE_EXCEEDED", ProviderUnavailable),
    ],
)
def test_every_status_has_its_kind(code: int, status: str, expected: type[ProviderError]) -> None:
    assert type(WIRE.refusal(code, orjson.dumps(failure(code, status)).decode(), None)) is expected


def test_an_invalid_api_key_comes_as_a_bad_request_and_names_the_setting() -> None:
    body = orjson.dumps(failure(400, "INVALID_ARGUMENT", {"reason": "API_KEY_INVALID"})).decode()
    error = WIRE.refusal(400, body, None)
    assert type(error) is ProviderMisconfigured
    assert "GEMINI_API_KEY" in str(error)


@pytest.mark.parametrize(("delay", "pause"), [("23s", 23.0), ("0.5s", 0.5), ("x", None), (7, None)])
def test_the_pause_of_a_throttle_is_in_the_body(delay: object, pause: float | None) -> None:
    body = orjson.dumps(failure(429, "RESOURCE_EXHAUSTED", {"retryDelay": delay})).decode()
    error = WIRE.refusal(429, body, None)
    assert isinstance(error, ProviderThrottled)
    assert error.retry_after == pause


@pytest.mark.parametrize("body", ["", "<html>", "[]", "[7]", '{"error": 7}', '{"error": {"a": 7}}'])
def test_a_refusal_may_say_anything(body: str) -> None:
    assert type(WIRE.refusal(502, body, None)) is ProviderUnavailable


KEYS = st.sampled_from(
    [
        *("candidates", "content", "parts", "text", "functionCall", "name", "args", "index"),
        *("finishReason", "usageMetadata", "promptFeedback", "blockReason", "error", "thought"),
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["STOP", "x", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=15,
)


@settings(max_examples=100, deadline=None)
@given(payloads=st.lists(VALUES, max_size=5), tail=st.sampled_from([b"", b"\xff{", b"{}\n"]))
def test_any_garbage_is_events_or_an_error_of_ours(payloads: list[object], tail: bytes) -> None:
    outcome(WIRE, [sse(*payloads, ending=tail)])


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_chopping_anywhere_changes_nothing(data: st.DataObject) -> None:
    raw = sse(chunk(text("Grüße 🙂\u2028")), chunk(call("f", {"x": "ü"}), reason="STOP"))
    raw = raw.replace(b"\n", b"\r\n")
    cut = data.draw(st.integers(0, len(raw)))
    assert outcome(WIRE, [raw[:cut], raw[cut:]]) == outcome(WIRE, [raw])
    assert outcome(WIRE, [bytes([byte]) for byte in raw]) == outcome(WIRE, [raw])
