"""The simulated Gemini API refuses what the real one refuses."""

from typing import Any

import orjson
import pytest

from support.provider_requests import visiting
from support.simulated_providers import desk
from voice_agent.core.chat import Finished, FinishReason, ToolCall
from voice_agent.engines.llm.scripted import ScriptedModel, says
from voice_agent.simulation.providers.desk import VALID_KEY, Desk
from voice_agent.simulation.providers.faults import Fault, FaultKind
from voice_agent.simulation.providers.gemini.history import SKIP, signature

pytestmark = pytest.mark.anyio

KEY = {"x-goog-api-key": VALID_KEY}
MODEL = "gemini-3.8-flash"
CALL_FIRST = (
    "Please ensure that function call turn comes immediately after a user turn or after a "
    "function response turn."
)
RESPONSE_AFTER = (
    "Please ensure that function response turn comes immediately after a function call turn."
)
SAME_NUMBER = (
    "Please ensure that the number of function response parts is equal to the number of function "
    "call parts of the function call turn."
)


def user(*parts: Any) -> dict[str, Any]:
    return {"role": "user", "parts": list(parts)}


def model(*parts: Any) -> dict[str, Any]:
    return {"role": "model", "parts": list(parts)}


SAID = {"text": "hi"}
CALL = {"functionCall": {"name": "f", "args": {}}, "thoughtSignature": signature(MODEL, 1)}
RESULT = {"functionResponse": {"name": "f", "response": {"output": "ok"}}}


async def ask(
    path: str = f"/v1/models/{MODEL}:generateContent",
    headers: dict[str, str] | None = None,
    simulated: Desk | None = None,
    **body: Any,
) -> tuple[int, Any]:
    asked = {"contents": [user(SAID)], **body}
    async with visiting("gemini", KEY if headers is None else headers, simulated) as client:
        answer = await client.post(path, json=asked)
    return answer.status_code, answer.json()


async def refusal(**body: Any) -> str:
    status, answer = await ask(**body)
    assert status == 400, answer
    assert answer["error"]["status"] == "INVALID_ARGUMENT"
    return str(answer["error"]["message"])


async def test_the_key_may_come_in_the_header_or_in_the_query() -> None:
    path = f"/v1/models/{MODEL}:generateContent"
    assert (await ask(path))[0] == 200
    assert (await ask(f"{path}?key={VALID_KEY}", headers={}))[0] == 200


async def test_a_missing_key_is_forbidden_and_a_wrong_one_is_an_invalid_argument() -> None:
    missing, nobody = await ask(headers={})
    wrong, stranger = await ask(headers={"x-goog-api-key": "wrong"})
    assert (missing, nobody["error"]["status"]) == (403, "PERMISSION_DENIED")
    assert (wrong, stranger["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert stranger["error"]["details"][0]["reason"] == "API_KEY_INVALID"


@pytest.mark.parametrize(
    "path",
    [
        "/v1/models/gemini-1.0-pro:generateContent",
        "/v1/models/gemini-flash-latest:generateContent",
        "/v1/models/gemini-3.8-live:generateContent",
        f"/v2/models/{MODEL}:generateContent",
    ],
)
async def test_models_that_are_not_in_this_version_are_not_found(path: str) -> None:
    status, answer = await ask(path)
    assert (status, answer["error"]["status"]) == (404, "NOT_FOUND")


async def test_every_key_may_be_camel_case_or_snake_case() -> None:
    scripted = ScriptedModel(says("ok"))
    spellings: list[dict[str, Any]] = [
        {
            "systemInstruction": {"parts": [SAID]},
            "toolConfig": {"functionCallingConfig": {"mode": "AUTO"}},
            "generationConfig": {
                "maxOutputTokens": 500,
                "thinkingConfig": {"thinkingLevel": "LOW"},
            },
            "tools": [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": {}}]}],
        },
        {
            "system_instruction": {"parts": [SAID]},
            "tool_config": {"function_calling_config": {"mode": "AUTO"}},
            "generation_config": {
                "max_output_tokens": 500,
                "thinking_config": {"thinking_level": "low"},
            },
            "tools": [{"function_declarations": [{"name": "f", "parameters_json_schema": {}}]}],
        },
    ]
    for body in spellings:
        status, answer = await ask(simulated=desk(scripted), **body)
        assert status == 200, answer
    assert scripted.requests[0] == scripted.requests[1]
    assert scripted.requests[0].tools[0].name == "f"


async def test_the_history_may_be_written_in_snake_case_too() -> None:
    call = {"function_call": CALL["functionCall"], "thought_signature": CALL["thoughtSignature"]}
    result = {"function_response": RESULT["functionResponse"]}
    status, answer = await ask(contents=[user(SAID), model(call), user(result)])
    assert status == 200, answer


@pytest.mark.parametrize(
    "contents",
    [
        [model(CALL), user(RESULT)],
        [user(SAID), model(SAID), model(CALL), user(RESULT)],
    ],
)
async def test_a_call_comes_after_a_user_turn(contents: Any) -> None:
    assert await refusal(contents=contents) == CALL_FIRST


@pytest.mark.parametrize(
    "contents",
    [
        [user(RESULT)],
        [user(SAID), user(RESULT)],
        [user(SAID), model(CALL), user(SAID), user(RESULT)],
        [user(SAID), model(CALL), user(RESULT), user(RESULT)],
        [user(SAID), model(CALL)],
    ],
)
async def test_a_response_comes_right_after_its_call(contents: Any) -> None:
    assert await refusal(contents=contents) == RESPONSE_AFTER


@pytest.mark.parametrize(
    "contents",
    [
        [user(SAID), model(CALL, CALL), user(RESULT)],
        [user(SAID), model(CALL), user(RESULT, RESULT)],
        [user(SAID), model(CALL, CALL), user(RESULT), user(RESULT)],
    ],
)
async def test_there_are_as_many_responses_as_calls(contents: Any) -> None:
    assert await refusal(contents=contents) == SAME_NUMBER


async def test_the_history_ends_with_a_user_turn() -> None:
    assert "end with a user turn" in await refusal(contents=[user(SAID), model(SAID)])


async def test_a_call_of_this_turn_needs_its_thought_signature() -> None:
    bare = {"functionCall": CALL["functionCall"]}
    message = await refusal(contents=[user(SAID), model(bare), user(RESULT)])
    assert message.startswith("Function call is missing a thought_signature")
    earlier = [user(SAID), model(bare), user(RESULT), model(SAID), user(SAID)]
    assert (await ask(contents=earlier))[0] == 200


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        (signature("gemini-3.6-flash", 1), "Invalid thought signature."),
        ("bm9uc2Vuc2U=", "Invalid thought signature."),
        ("/w==", "Corrupted thought signature."),
    ],
)
async def test_signatures_are_bound_to_the_model_that_gave_them(given: str, complaint: str) -> None:
    foreign = {**CALL, "thoughtSignature": given}
    assert await refusal(contents=[user(SAID), model(foreign), user(RESULT)]) == complaint


async def test_injected_calls_may_skip_the_signature() -> None:
    injected = {**CALL, "thoughtSignature": SKIP}
    assert (await ask(contents=[user(SAID), model(injected), user(RESULT)]))[0] == 200


async def test_only_the_first_of_parallel_calls_is_signed() -> None:
    bare = {"functionCall": CALL["functionCall"]}
    contents = [user(SAID), model(CALL, bare), user(RESULT, RESULT)]
    assert (await ask(contents=contents))[0] == 200


@pytest.mark.parametrize("response", ["ok", ["ok"], 7])
async def test_a_response_must_be_an_object(response: Any) -> None:
    result = {"functionResponse": {"name": "f", "response": response}}
    assert "Struct" in await refusal(contents=[user(SAID), model(CALL), user(result)])


@pytest.mark.parametrize(
    "contents",
    [
        None,
        [],
        [{"role": "user", "parts": []}],
        [{"role": "tool", "parts": [SAID]}],
        [{"role": "function", "parts": [RESULT]}],
        [user({})],
        [user({"text": "a", "functionCall": {"name": "f"}})],
        [user({"text": 7})],
        [user({"txt": "a"})],
        [{"content": "hi"}],
        "hi",
    ],
)
async def test_malformed_contents_are_refused(contents: Any) -> None:
    await refusal(contents=contents)


async def test_results_without_ids_are_matched_by_name_and_order() -> None:
    scripted = ScriptedModel(says("ok"))
    second = {"functionCall": {"name": "g", "args": {}}}
    results = [
        {"functionResponse": {"name": "g", "response": {"output": "of g"}}},
        {"functionResponse": {"name": "f", "response": {"error": "none"}}},
    ]
    contents = [user(SAID), model(CALL, second), user(*results)]
    assert (await ask(contents=contents, simulated=desk(scripted)))[0] == 200
    messages = scripted.requests[0].messages
    names = {call.id: call.name for message in messages for call in message.tool_calls}
    seen = {names[m.call_id]: m.text for m in messages if m.call_id}
    assert seen == {"f": '{"error":"none"}', "g": "of g"}


async def test_thinking_level_and_budget_exclude_each_other() -> None:
    both = {"thinkingConfig": {"thinkingLevel": "low", "thinkingBudget": 0}}
    assert "only one" in await refusal(generationConfig=both)


async def test_the_lowest_thinking_level_differs_by_model() -> None:
    minimal = {"thinkingConfig": {"thinkingLevel": "MINIMAL"}}
    assert (await ask(generationConfig=minimal))[0] == 200
    status, _ = await ask("/v1/models/gemini-3.7-flash:generateContent", generationConfig=minimal)
    assert status == 400


@pytest.mark.parametrize(
    "declaration",
    [
        {"name": "1st"},
        {"name": "with space"},
        {"name": "x" * 129},
        {"name": "f", "parameters": {"type": "OBJECT", "properties": {}}},
        {"name": "f", "parameters": {"type": "OBJECT", "properties": {"a": {"const": 1}}}},
        {"name": "f", "parameters": {"type": "TUPLE"}},
        {"name": "f", "parameters": {"type": "INTEGER", "enum": [1, 2]}},
        {"name": "f", "parameters": {"oneOf": []}},
        {"name": "f", "parameters": {"type": "STRING"}, "parametersJsonSchema": {}},
        {"name": "f", "strict": True},
    ],
)
async def test_declarations_outside_the_subset_are_refused(declaration: Any) -> None:
    await refusal(tools=[{"functionDeclarations": [declaration]}])


@pytest.mark.parametrize(
    "config",
    [
        {"mode": "SOMETIMES"},
        {"mode": "ANY"},
        {"mode": "AUTO", "allowedFunctionNames": ["f"]},
    ],
)
async def test_modes_that_make_no_sense_are_refused(config: Any) -> None:
    await refusal(toolConfig={"functionCallingConfig": config})


async def test_mode_none_calls_nothing() -> None:
    scripted = ScriptedModel([ToolCall("", "f", {}), Finished(FinishReason.TOOL_CALLS)])
    _, answer = await ask(
        simulated=desk(scripted),
        tools=[{"functionDeclarations": [{"name": "f"}]}],
        toolConfig={"functionCallingConfig": {"mode": "NONE"}},
    )
    assert "functionCall" not in str(answer)


@pytest.mark.parametrize(
    "body",
    [
        {"messages": []},
        {"generationConfig": {"max_tokens": 5}},
        {"generationConfig": {"candidateCount": 2}},
        {"generationConfig": {"maxOutputTokens": 0}},
    ],
)
async def test_unknown_names_and_impossible_values_are_refused(body: Any) -> None:
    await refusal(**body)


async def test_the_event_stream_ends_its_lines_with_crlf_and_has_no_last_word() -> None:
    async with visiting("gemini", KEY) as client:
        answer = await client.post(
            f"/v1beta/models/{MODEL}:streamGenerateContent?alt=sse", json={"contents": user(SAID)}
        )
    *events, rest = answer.content.split(b"\r\n\r\n")
    assert rest == b""
    assert all(orjson.loads(event.removeprefix(b"data: ")) for event in events)


async def test_without_alt_the_stream_is_one_json_array() -> None:
    status, chunks = await ask(f"/v1/models/{MODEL}:streamGenerateContent")
    texts = [p["text"] for c in chunks for p in c["candidates"][0]["content"]["parts"]]
    assert (status, "".join(texts)) == (200, "Hello from the other side.")


async def test_a_stream_that_breaks_ends_with_a_bare_error_object() -> None:
    simulated = desk()
    simulated.faults.order(Fault(provider="gemini", kind=FaultKind.ERROR, after=1))
    async with visiting("gemini", KEY, simulated) as client:
        path = f"/v1/models/{MODEL}:streamGenerateContent"
        events = await client.post(f"{path}?alt=sse", json={"contents": [user(SAID)]})
        array = await client.post(path, json={"contents": [user(SAID)]})
    _, bare = events.content.split(b"\r\n\r\n")
    assert orjson.loads(bare)["error"]["status"] == "UNAVAILABLE"
    assert bare.startswith(b"{\n")
    assert orjson.loads(array.content)[-1]["error"]["code"] == 503
