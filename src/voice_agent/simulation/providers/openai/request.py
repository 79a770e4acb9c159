"""A request for a chat completion: everything OpenAI would refuse is refused here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from voice_agent.core.chat import ChatRequest
from voice_agent.simulation.providers.answers import Limits
from voice_agent.simulation.providers.openai.errors import refused
from voice_agent.simulation.providers.openai.history import read_messages, split_system
from voice_agent.simulation.providers.openai.models import Model, find_model
from voice_agent.simulation.providers.openai.tools import read_choice, read_tools
from voice_agent.simulation.providers.openai.wire import Style

_SAMPLING: Final = (
    "temperature",
    "top_p",
    "presence_penalty",
    "frequency_penalty",
    "logprobs",
    "top_logprobs",
    "logit_bias",
)
_TIERS: Final = {
    "auto": "default",
    "default": "default",
    "flex": "flex",
    "scale": "scale",
    "priority": "priority",
    "fast": "priority",
}
_KNOWN: Final = frozenset(
    (
        *_SAMPLING,
        *("messages", "model", "stream", "stream_options", "tools", "tool_choice"),
        *("parallel_tool_calls", "max_completion_tokens", "max_tokens", "reasoning_effort"),
        *("service_tier", "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention"),
        *("store", "metadata", "safety_identifier", "user", "stop", "verbosity", "n", "seed"),
        *("response_format", "modalities", "audio", "prediction", "moderation"),
        *("web_search_options", "functions", "function_call"),
    )
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that OpenAI would answer."""

    chat: ChatRequest
    limits: Limits
    style: Style
    stream: bool


def read_request(raw: bytes, created: int) -> Asked:
    """Check and read a body.

    Raises:
        Refused: OpenAI would not answer it.
    """
    body = _body(raw)
    _check_known(body)
    name, model = find_model(_text(body, "model"))
    if not model.chat:
        raise refused(
            404,
            "This is not a chat model and thus not supported in the v1/chat/completions endpoint.",
            param="model",
        )
    tools = read_tools(body.get("tools"))
    choice, named = read_choice(body.get("tool_choice"), tools)
    _check_reasoning(body, model, tools=bool(tools))
    stream = _flag(body, "stream", default=False)
    options = _stream_options(body, stream=stream)
    system, messages = split_system(read_messages(body.get("messages")))
    if body.get("parallel_tool_calls") is not None and not tools:
        raise _only_with_tools()
    parallel = _flag(body, "parallel_tool_calls", default=True)
    style = Style(
        name,
        created,
        usage=_flag(options, "include_usage", default=False),
        obfuscation=_flag(options, "include_obfuscation", default=True),
        named_choice=named,
        tier=_tier(body),
    )
    chat = ChatRequest(messages, tools, choice, system)
    return Asked(chat, Limits(_longest(body, model), parallel), style, stream)


def _body(raw: bytes) -> Mapping[str, Any]:
    try:
        body = orjson.loads(raw)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise refused(400, "We could not parse the JSON body of your request.")
    return body


def _check_known(body: Mapping[str, Any]) -> None:
    for name in body:
        if name not in _KNOWN:
            raise refused(
                400, f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter"
            )
    if body.get("n") not in (None, 1):
        raise refused(400, "Only one choice is simulated.", param="n")


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise refused(400, f"you must provide a {name} parameter", param=name)
    return value


def _flag(body: Mapping[str, Any], name: str, *, default: bool) -> bool:
    value = body.get(name)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise _invalid_type(name, "a boolean")
    return value


def _stream_options(body: Mapping[str, Any], *, stream: bool) -> Mapping[str, Any]:
    options = body.get("stream_options")
    if options is None:
        return {}
    if not stream:
        raise refused(
            400,
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
            param="stream_options",
        )
    if not isinstance(options, Mapping):
        raise _invalid_type("stream_options", "an object")
    return options


def _check_reasoning(body: Mapping[str, Any], model: Model, *, tools: bool) -> None:
    effort = body.get("reasoning_effort")
    if not model.reasons:
        if effort is not None:
            raise _unsupported("reasoning_effort")
        return
    if effort is not None and effort not in model.efforts:
        known = ", ".join(f"'{value}'" for value in sorted(model.efforts))
        raise refused(
            400,
            f"Unsupported value: 'reasoning_effort' does not support {effort!r} with this model. "
            f"Supported values are: {known}.",
            param="reasoning_effort",
            code="unsupported_value",
        )
    if tools and model.tools_without_effort and effort != "none":
        raise refused(
            400,
            f"Function tools with reasoning_effort are not supported for {body['model']} in "
            "/v1/chat/completions. To use function tools, use /v1/responses or set "
            "reasoning_effort to 'none'.",
            param="reasoning_effort",
        )
    for name in ("stop", *(_SAMPLING if effort != "none" else ())):
        if body.get(name) is not None:
            raise _unsupported(name)


def _longest(body: Mapping[str, Any], model: Model) -> int | None:
    old, new = body.get("max_tokens"), body.get("max_completion_tokens")
    if old is not None and model.reasons:
        raise _unsupported("max_tokens", " Use 'max_completion_tokens' instead.")
    if old is not None and new is not None:
        raise refused(
            400,
            "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
            param="max_tokens",
        )
    name, value = ("max_tokens", old) if old is not None else ("max_completion_tokens", new)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise _invalid_type(name, "an integer")
    if value < 1:
        raise refused(
            400,
            f"Invalid '{name}': integer below minimum value. Expected a value >= 1.",
            param=name,
            code="integer_below_min_value",
        )
    return value


def _tier(body: Mapping[str, Any]) -> str:
    tier = body.get("service_tier")
    if tier is None:
        return "default"
    if tier not in _TIERS:
        raise refused(400, f"Invalid value: {tier!r}.", param="service_tier", code="invalid_value")
    return _TIERS[tier]


def _unsupported(name: str, advice: str = "") -> Exception:
    return refused(
        400,
        f"Unsupported parameter: '{name}' is not supported with this model.{advice}",
        param=name,
        code="unsupported_parameter",
    )


def _only_with_tools() -> Exception:
    return refused(
        400,
        "'parallel_tool_calls' is only allowed when 'tools' are specified.",
        param="parallel_tool_calls",
    )


def _invalid_type(name: str, expected: str) -> Exception:
    return refused(
        400,
        f"Invalid type for '{name}': expected {expected}.",
        param=name,
        code="invalid_type",
    )
