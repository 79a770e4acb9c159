"""The simulated Anthropic refuses what Anthropic refuses."""

from typing import Any

import pytest

from support.provider_requests import bearer, visiting
from voice_agent.simulation.providers.desk import VALID_KEY

pytestmark = pytest.mark.anyio

NEW = {"anthropic-version": "2026-10-21"}
OLD = {"anthropic-version": "2023-06-01"}
HI = {"role": "user", "content": "hi"}
TOOL = {"name": "f", "input_schema": {"type": "object", "properties": {}}}
USE = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}
CALLED = {"role": "assistant", "content": [USE]}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "ok"}
SAID = {"type": "text", "text": "well"}


async def ask(headers: dict[str, str] | None = None, **body: Any) -> tuple[int, dict[str, Any]]:
    asked = {"model": "claude-haiku-5-5", "max_tokens": 100, "messages": [HI], **body}
    sent = {name: value for name, value in asked.items() if value is not ...}
    async with visiting("anthropic", headers or {**bearer(), **NEW}) as client:
        answer = await client.post("/v1/messages", json=sent)
    return answer.status_code, answer.json()


async def refusal(headers: dict[str, str] | None = None, **body: Any) -> str:
    status, answer = await ask(headers, **body)
    assert status == 400, answer
    assert answer["type"] == "error"
    assert answer["request_id"].startswith("req_")
    assert answer["error"]["type"] == "invalid_request_error"
    return str(answer["error"]["message"])


async def test_both_ways_to_show_a_key_and_both_versions_are_accepted() -> None:
    for key in (bearer(), {"x-api-key": VALID_KEY}):
        for version in (NEW, OLD):
            status, _ = await ask({**key, **version})
            assert status == 200


@pytest.mark.parametrize("key", [{}, bearer("wrong"), {"x-api-key": "wrong"}])
async def test_without_the_right_key_nothing_is_answered(key: dict[str, str]) -> None:
    status, answer = await ask({**key, **NEW})
    assert (status, answer["error"]["type"]) == (401, "authentication_error")


async def test_the_version_must_be_there_and_known() -> None:
    assert "anthropic-version" in await refusal(bearer())
    assert "anthropic-version" in await refusal({**bearer(), "anthropic-version": "2020-01-01"})


async def test_an_unknown_model_is_not_found() -> None:
    status, answer = await ask(model="claude-2")
    assert (status, answer["error"]["type"]) == (404, "not_found_error")


@pytest.mark.parametrize("value", [..., -1, "many", True])
async def test_max_tokens_is_required(value: Any) -> None:
    assert (await refusal(max_tokens=value)).startswith("max_tokens")


@pytest.mark.parametrize("name", ["temperature", "top_p", "top_k"])
async def test_sampling_parameters_are_refused_even_at_their_default(name: str) -> None:
    sampling: dict[str, Any] = {name: 1.0}
    assert name in await refusal(**sampling)
    assert name in await refusal(**sampling, model="claude-haiku-4-5")


async def test_the_old_version_takes_sampling_from_old_models_only() -> None:
    old = {**bearer(), **OLD}
    assert "temperature" in await refusal(old, temperature=0.5)
    assert (await ask(old, temperature=1.0))[0] == 200
    assert (await ask(old, temperature=0.5, model="claude-haiku-4-5"))[0] == 200


@pytest.mark.parametrize(
    "turns",
    [
        [HI, CALLED],
        [HI, CALLED, HI],
        [HI, CALLED, HI, {"role": "user", "content": [RESULT]}],
        [HI, CALLED, {"role": "user", "content": [SAID, RESULT]}],
        [HI, {"role": "assistant", "content": [USE, {**USE, "id": "toolu_2"}]},
         {"role": "user", "content": [RESULT]}],
    ],
)  # fmt: skip
async def test_results_come_first_in_the_very_next_message(turns: list[Any]) -> None:
    message = await refusal(messages=turns, tools=[TOOL], model="claude-haiku-4-5")
    assert "`tool_use` ids were found without `tool_result` blocks immediately after" in message


async def test_a_result_without_a_call_is_refused() -> None:
    turns = [{"role": "user", "content": [RESULT]}]
    assert "unexpected `tool_use_id`" in await refusal(messages=turns, tools=[TOOL])


async def test_neighbours_of_one_role_are_merged_and_not_refused() -> None:
    turns = [HI, HI, CALLED, {"role": "user", "content": [RESULT]}, HI]
    assert (await ask(messages=turns, tools=[TOOL]))[0] == 200


async def test_tools_stay_declared_while_the_history_holds_their_calls() -> None:
    turns = [HI, CALLED, {"role": "user", "content": [RESULT]}]
    assert "must define tools" in await refusal(messages=turns)


async def test_new_models_take_no_trailing_assistant() -> None:
    turns = [HI, {"role": "assistant", "content": "I was about to"}]
    assert "prefill" in await refusal(messages=turns)
    assert (await ask(messages=turns, model="claude-haiku-4-5"))[0] == 200


@pytest.mark.parametrize(
    "message",
    [
        "hi",
        {"role": "robot", "content": "hi"},
        {"role": "user", "content": ""},
        {"role": "user", "content": []},
        {"role": "user", "content": 7},
        {"role": "user", "content": [{"type": "text", "text": ""}]},
        {"role": "user", "content": [{"type": "text"}]},
        {"role": "user", "content": [USE]},
        {"role": "user", "content": [{"type": "tool_result"}]},
        {"role": "assistant", "content": "hello"},
        {"role": "assistant", "content": [{"type": "document"}]},
        {"role": "assistant", "content": [{**USE, "id": "with space"}]},
        {"role": "assistant", "content": [{**USE, "input": "{}"}]},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": ""}]},
    ],
)
async def test_malformed_messages_are_refused(message: Any) -> None:
    await refusal(messages=[message], tools=[TOOL], model="claude-haiku-4-5")


async def test_system_messages_among_the_others_need_the_new_version() -> None:
    turns = [HI, {"role": "system", "content": "be brief"}, HI]
    assert (await ask(messages=turns))[0] == 200
    await refusal({**bearer(), **OLD}, messages=turns)


@pytest.mark.parametrize(
    ("model", "thinking"),
    [
        ("claude-opus-5-5", {"type": "disabled"}),
        ("claude-fable-5-1", {"type": "disabled"}),
        ("claude-haiku-5-5", {"type": "enabled", "budget_tokens": 1024}),
        ("claude-haiku-4-5", {"type": "enabled", "budget_tokens": 1024}),
        ("claude-haiku-4-5", {"type": "enabled", "budget_tokens": 10}),
        ("claude-haiku-5-5", {"type": "deeply"}),
    ],
)
async def test_thinking_that_a_model_cannot_do_is_refused(model: str, thinking: Any) -> None:
    assert "thinking" in await refusal(model=model, thinking=thinking)


async def test_thinking_is_not_disabled_at_the_highest_efforts() -> None:
    off = {"type": "disabled"}
    assert "thinking" in await refusal(thinking=off, output_config={"effort": "max"})
    assert (await ask(thinking=off, output_config={"effort": "low"}))[0] == 200


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("messages", ...),
        ("messages", []),
        ("model", ...),
        ("tools", [{"name": "f"}]),
        ("tools", [{**TOOL, "name": "with.dot"}]),
        ("tools", [{**TOOL, "input_schema": {"type": "string"}}]),
        ("tools", [TOOL, TOOL]),
        ("tool_choice", {"type": "auto"}),
        ("tool_choice", "auto"),
        ("stream", "yes"),
        ("output_config", {"effort": "little"}),
        ("stop", ["x"]),
    ],
)
async def test_parameters_that_make_no_sense_are_named(name: str, value: Any) -> None:
    assert name in await refusal(**{name: value})


async def test_there_are_at_most_four_cache_marks() -> None:
    marked = {"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}
    assert "cache_control" in await refusal(system=[marked] * 5)
    assert (await ask(system=[marked] * 4))[0] == 200


async def test_a_body_that_is_no_json_is_refused() -> None:
    async with visiting("anthropic", {**bearer(), **NEW}) as client:
        for content in (b"", b"{", b"[1]", b"\xff"):
            assert (await client.post("/v1/messages", content=content)).status_code == 400


async def test_good_answers_carry_the_vendor_s_headers() -> None:
    async with visiting("anthropic", {**bearer(), **NEW}) as client:
        answer = await client.get("/v1/models")
    assert answer.headers["request-id"].startswith("req_")
    assert answer.headers["anthropic-ratelimit-tokens-reset"].endswith("Z")
