"""The simulated OpenAI refuses what OpenAI refuses."""

from typing import Any

import pytest

from support.provider_requests import bearer, visiting
from voice_agent.simulation.providers.desk import VALID_KEY

pytestmark = pytest.mark.anyio

HI = {"role": "user", "content": "hi"}
CALL = {"id": "call_a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
CALLED = {"role": "assistant", "content": None, "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "call_a", "content": "ok"}


def tool(name: str = "f", **more: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, **more}}


async def ask(headers: dict[str, str] | None = None, **body: Any) -> tuple[int, dict[str, Any]]:
    asked = {"model": "gpt-4.1-mini", "messages": [HI], **body}
    async with visiting("openai", bearer() if headers is None else headers) as client:
        answer = await client.post("/v1/chat/completions", json=asked)
    return answer.status_code, answer.json()


async def refusal(**body: Any) -> dict[str, Any]:
    status, answer = await ask(**body)
    assert status == 400, answer
    error: dict[str, Any] = answer["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["type"] == "invalid_request_error"
    return error


async def test_without_a_key_or_with_a_wrong_one_nothing_is_answered() -> None:
    missing, _ = await ask(headers={})
    wrong, answer = await ask(headers=bearer("sk-wrong"))
    assert (missing, wrong) == (401, 401)
    assert answer["error"]["code"] == "invalid_api_key"
    assert "sk-wrong" not in str(answer)


async def test_an_unknown_model_is_not_found_and_a_realtime_one_does_not_chat() -> None:
    unknown, answer = await ask(model="gpt-4.1-nano")
    realtime, _ = await ask(model="gpt-realtime-2.1")
    assert (unknown, realtime) == (404, 404)
    assert answer["error"]["code"] == "model_not_found"


async def test_a_snapshot_can_be_asked_for_by_its_full_name() -> None:
    status, answer = await ask(model="gpt-4.1-mini-2025-04-14")
    assert (status, answer["model"]) == (200, "gpt-4.1-mini-2025-04-14")


@pytest.mark.parametrize(
    "messages",
    [
        [HI, CALLED],
        [HI, CALLED, HI],
        [HI, CALLED, HI, RESULT],
        [HI, RESULT],
        [HI, CALLED, RESULT, RESULT],
    ],
)
async def test_every_tool_call_needs_its_results_before_any_other_message(
    messages: list[Any],
) -> None:
    assert "tool_calls" in (await refusal(messages=messages))["message"]


async def test_parallel_results_may_come_in_any_order() -> None:
    second = {**CALL, "id": "call_b"}
    called = {**CALLED, "tool_calls": [CALL, second]}
    results = [{**RESULT, "tool_call_id": "call_b"}, RESULT]
    status, _ = await ask(messages=[HI, called, *results, HI], tools=[tool()])
    assert status == 200


@pytest.mark.parametrize(
    "message",
    [
        "hi",
        {"role": "robot", "content": "hi"},
        {"role": "user", "content": None},
        {"role": "user", "content": 7},
        {"role": "user", "content": []},
        {"role": "user", "content": [{"type": "video"}]},
        {"role": "assistant", "content": None},
        {"role": "assistant", "content": None, "tool_calls": []},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "call_a"}]},
        {"role": "tool", "content": "ok"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{**CALL, "function": {"name": "f", "arguments": {}}}],
        },
    ],
)
async def test_malformed_messages_are_refused(message: Any) -> None:
    assert "messages" in (await refusal(messages=[message]))["param"]


@pytest.mark.parametrize("messages", [None, [], "hi"])
async def test_there_must_be_messages(messages: Any) -> None:
    assert (await refusal(messages=messages))["param"] == "messages"


@pytest.mark.parametrize("model", ["gpt-5.6-luna", "gpt-6-luna", "gpt-6.1-terra"])
async def test_gpt_5_6_and_6_take_tools_only_with_reasoning_effort_none(model: str) -> None:
    for more in ({}, {"reasoning_effort": "low"}):
        error = await refusal(model=model, tools=[tool()], **more)
        assert error["message"].startswith(
            f"Function tools with reasoning_effort are not supported for {model} in "
            "/v1/chat/completions."
        )
        assert (error["param"], error["code"]) == ("reasoning_effort", None)
    status, _ = await ask(model=model, tools=[tool()], reasoning_effort="none")
    assert status == 200


@pytest.mark.parametrize(
    ("model", "effort"),
    [
        ("gpt-6.1-sol", "none"),
        ("gpt-6-astra", "none"),
        ("gpt-5-mini", "none"),
        ("gpt-6-luna", "hard"),
        ("gpt-4.1", "low"),
    ],
)
async def test_efforts_that_a_model_does_not_know_are_refused(model: str, effort: str) -> None:
    error = await refusal(model=model, reasoning_effort=effort)
    assert error["param"] == "reasoning_effort"
    assert error["code"] in ("unsupported_value", "unsupported_parameter")


async def test_reasoning_models_take_max_completion_tokens_and_not_max_tokens() -> None:
    error = await refusal(model="gpt-5-mini", max_tokens=50)
    assert (error["param"], error["code"]) == ("max_tokens", "unsupported_parameter")
    both = await refusal(max_tokens=50, max_completion_tokens=50)
    assert both["param"] == "max_tokens"
    status, _ = await ask(max_tokens=50)
    assert status == 200


@pytest.mark.parametrize("name", ["temperature", "top_p", "presence_penalty", "logprobs"])
async def test_reasoning_models_take_sampling_only_with_effort_none(name: str) -> None:
    sampling: dict[str, Any] = {name: 1}
    error = await refusal(model="gpt-6-luna", **sampling)
    assert (error["param"], error["code"]) == (name, "unsupported_parameter")
    status, _ = await ask(model="gpt-6-luna", reasoning_effort="none", **sampling)
    assert status == 200


async def test_reasoning_models_take_no_stop_words() -> None:
    assert (await refusal(model="gpt-6-luna", reasoning_effort="none", stop=["x"]))["param"] == (
        "stop"
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tool_choice", "auto"),
        ("parallel_tool_calls", True),
        ("stream_options", {"include_usage": True}),
        ("tools", []),
        ("tools", [{"type": "function"}]),
        ("stream", "yes"),
        ("max_completion_tokens", 0),
        ("max_completion_tokens", "many"),
        ("service_tier", "business"),
        ("n", 2),
        ("tempratur", 1),
    ],
)
async def test_parameters_that_make_no_sense_are_named(name: str, value: Any) -> None:
    assert (await refusal(**{name: value}))["param"].startswith(name)


@pytest.mark.parametrize("name", ["", "with space", "with.dot", "x" * 65])
async def test_function_names_are_of_few_letters(name: str) -> None:
    assert (await refusal(tools=[tool(name)]))["param"] == "tools[0].function.name"


@pytest.mark.parametrize(
    "parameters",
    [
        {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
        {
            "type": "object",
            "properties": {"a": {"type": "string"}},
            "required": [],
            "additionalProperties": False,
        },
        {
            "type": "object",
            "properties": {"a": {"type": "array", "items": {"type": "object"}}},
            "required": ["a"],
            "additionalProperties": False,
        },
    ],
)
async def test_strict_schemas_close_every_object_and_require_all(parameters: Any) -> None:
    error = await refusal(tools=[tool(parameters=parameters, strict=True)])
    assert error["code"] == "invalid_function_parameters"
    status, _ = await ask(tools=[tool(parameters=parameters)])
    assert status == 200


async def test_a_body_that_is_no_json_is_refused() -> None:
    async with visiting("openai", bearer()) as client:
        for content in (b"", b"{", b"[1]", b"\xff"):
            answer = await client.post("/v1/chat/completions", content=content)
            assert answer.status_code == 400


async def test_good_answers_carry_the_vendor_s_headers() -> None:
    async with visiting("openai", {"authorization": f"Bearer {VALID_KEY}"}) as client:
        answer = await client.get("/v1/models")
    assert answer.headers["x-request-id"].startswith("req_")
    assert "x-ratelimit-remaining-tokens" in answer.headers


async def test_a_fast_tier_is_answered_as_priority() -> None:
    _, answer = await ask(service_tier="fast")
    assert answer["service_tier"] == "priority"
