"""A request for a message: everything Anthropic would refuse is refused here."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from voice_agent.core.chat import ChatRequest, ToolChoice, ToolDeclaration
from voice_agent.simulation.providers.answers import Limits
from voice_agent.simulation.providers.anthropic.errors import NEWEST, refused
from voice_agent.simulation.providers.anthropic.history import (
    as_messages,
    read_turns,
    text_of,
)
from voice_agent.simulation.providers.anthropic.models import Model, find_model

_SAMPLING: Final = {"temperature": 1.0, "top_p": None, "top_k": None}
_KNOWN: Final = frozenset(
    (
        *("model", "messages", "max_tokens", "system", "tools", "tool_choice", "stream"),
        *("thinking", "output_config", "stop_sequences", "service_tier", "metadata"),
        *("cache_control", "diagnostics", "speed", "container", "context_management"),
    )
)
_EFFORTS: Final = ("low", "medium", "high", "xhigh", "max")
_NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_MOST_BREAKPOINTS: Final = 4
_LEAST_BUDGET: Final = 1024


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that Anthropic would answer.

    `thinks`: the answer begins with a thinking block; `cached`: the prompt's beginning is marked.
    """

    chat: ChatRequest
    limits: Limits
    model: str
    stream: bool
    thinks: bool
    cached: bool


def read_request(raw: bytes, version: str, *, counting: bool = False) -> Asked:
    """Check and read a body; `counting` is for the token counter, which needs no `max_tokens`.

    Raises:
        Refused: Anthropic would not answer it.
    """
    body = _body(raw)
    name = body.get("model")
    if not isinstance(name, str) or not name:
        raise refused(400, "model: Field required")
    longest = 1 if counting else _max_tokens(body)
    model = find_model(name)
    _check_known(body, model, version)
    turns = read_turns(
        body.get("messages"),
        system_allowed=model.modern and version == NEWEST,
        prefill_allowed=not model.modern,
    )
    tools = _tools(body.get("tools"))
    if not tools and any(t.of("tool_use") or t.of("tool_result") for t in turns):
        raise refused(
            400,
            "Requests which include `tool_use` or `tool_result` blocks must define tools.",
        )
    choice, parallel = _choice(body.get("tool_choice"), tools)
    system = text_of(body["system"], "system") if body.get("system") else ""
    return Asked(
        ChatRequest(as_messages(turns), tools, choice, system),
        Limits(longest, parallel),
        name,
        stream=body.get("stream") is True,
        thinks=_thinks(body, model, longest),
        cached=_breakpoints(body) > 0,
    )


def _body(raw: bytes) -> Mapping[str, Any]:
    try:
        body = orjson.loads(raw)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise refused(400, "The request body is not valid JSON")
    return body


def _max_tokens(body: Mapping[str, Any]) -> int:
    value = body.get("max_tokens")
    if value is None:
        raise refused(400, "max_tokens: Field required")
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise refused(400, "max_tokens: Input should be a valid integer of at least 0")
    return value


def _check_known(body: Mapping[str, Any], model: Model, version: str) -> None:
    for name in body:
        if name in _SAMPLING:
            if version == NEWEST:
                raise refused(400, f"{name}: Extra inputs are not permitted")
            if model.modern and body[name] != _SAMPLING[name]:
                raise refused(400, f"{name}: not supported by this model")
        elif name not in _KNOWN:
            raise refused(400, f"{name}: Extra inputs are not permitted")
    if _breakpoints(body) > _MOST_BREAKPOINTS:
        raise refused(400, "A maximum of 4 blocks with cache_control may be provided.")
    if not isinstance(body.get("stream", False), bool):
        raise refused(400, "stream: Input should be a valid boolean")
    effort = (body.get("output_config") or {}).get("effort")
    if effort is not None and effort not in _EFFORTS:
        raise refused(400, f"output_config.effort: Input should be one of {', '.join(_EFFORTS)}")


def _tools(value: Any) -> tuple[ToolDeclaration, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise refused(400, "tools: Input should be a valid list")
    tools = tuple(_tool(item, f"tools.{index}") for index, item in enumerate(value))
    if len({tool.name for tool in tools}) < len(tools):
        raise refused(400, "tools: Tool names must be unique.")
    return tools


def _tool(item: Any, where: str) -> ToolDeclaration:
    if not isinstance(item, Mapping):
        raise refused(400, f"{where}: Input should be an object")
    name, schema = item.get("name"), item.get("input_schema")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise refused(
            400, f"{where}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,64}}$'"
        )
    if not isinstance(schema, Mapping):
        raise refused(400, f"{where}.custom.input_schema: Field required")
    if schema.get("type") != "object":
        raise refused(400, f"{where}.custom.input_schema.type: Input should be 'object'")
    return ToolDeclaration(name, str(item.get("description") or ""), schema)


def _choice(value: Any, tools: tuple[ToolDeclaration, ...]) -> tuple[ToolChoice, bool]:
    if value is None:
        return ToolChoice.AUTO, True
    kind = value.get("type") if isinstance(value, Mapping) else None
    if kind not in ("auto", "any", "none", "tool"):
        raise refused(400, "tool_choice: Input tag should be one of auto, any, none, tool")
    if not tools:
        raise refused(400, "tool_choice: may only be specified while providing tools")
    if kind == "tool" and value.get("name") not in [tool.name for tool in tools]:
        raise refused(400, "tool_choice: Tool not found in provided tools")
    parallel = value.get("disable_parallel_tool_use") is not True
    return (ToolChoice.NONE if kind == "none" else ToolChoice.AUTO), parallel


def _thinks(body: Mapping[str, Any], model: Model, longest: int) -> bool:
    thinking = body.get("thinking")
    if thinking is None:
        return model.modern
    kind = thinking.get("type") if isinstance(thinking, Mapping) else None
    if kind not in model.thinking:
        raise refused(400, f"thinking.type: {kind!r} is not supported by this model")
    effort = (body.get("output_config") or {}).get("effort")
    if kind == "disabled" and model.modern and effort in ("xhigh", "max"):
        raise refused(400, "thinking: cannot be disabled with this effort")
    if kind == "enabled":
        budget = thinking.get("budget_tokens")
        if not isinstance(budget, int) or not _LEAST_BUDGET <= budget < longest:
            raise refused(
                400, "thinking.enabled.budget_tokens: at least 1024 and less than max_tokens"
            )
    return kind in ("enabled", "adaptive")


def _breakpoints(value: Any) -> int:
    """How many cache marks there are, at any depth."""
    if isinstance(value, Mapping):
        own = 1 if value.get("cache_control") else 0
        return own + sum(_breakpoints(v) for k, v in value.items() if k != "cache_control")
    return sum(map(_breakpoints, value)) if isinstance(value, list) else 0
