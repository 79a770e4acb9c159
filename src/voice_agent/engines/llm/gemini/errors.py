"""Gemini's errors as ours: by status name, for a wrong key comes as a bad request."""

import re
from typing import Any, Final

import orjson

from voice_agent.core.chat import JsonObject
from voice_agent.core.errors import (
    ProviderError,
    ProviderMisconfigured,
    ProviderRejected,
    ProviderThrottled,
    ProviderUnavailable,
)
from voice_agent.engines.hosted import refusal, seconds
from voice_agent.engines.llm.hosted_errors import wrong_key
from voice_agent.engines.llm.json_access import NOTHING

KEY_VARIABLE: Final = "GEMINI_API_KEY"
_PROVIDER: Final = "gemini"
_WRONG_KEY: Final = frozenset({"API_KEY_INVALID", "UNAUTHENTICATED"})
_MISCONFIGURED: Final = frozenset({"PERMISSION_DENIED", "NOT_FOUND", "FAILED_PRECONDITION"})
_UNAVAILABLE: Final = frozenset(
    {"CANCELLED", "INTERNAL", "UNAVAILABLE", "DEADLINE_EXCEEDED", "ABORTED", "UNKNOWN"}
)
_REJECTED: Final = frozenset({"INVALID_ARGUMENT", "OUT_OF_RANGE", "UNIMPLEMENTED"})
_DELAY: Final = re.compile(r"(\d+(?:\.\d+)?)s")


def http_error(status: int, body: str, retry_after: float | None) -> ProviderError:
    """The error for a response that is no stream."""
    error = error_in(body)
    known = _by_name(error, f"HTTP {status}: ", retry_after) if error else None
    return known or refusal(_PROVIDER, status, _sentence(error or {}), retry_after=retry_after)


def streamed_error(error: JsonObject) -> ProviderError:
    """The error for an error object in mid-stream."""
    known = _by_name(error, "", None)
    code = error.get("code")
    if known is None and isinstance(code, int) and 400 <= code < 600:
        return refusal(_PROVIDER, code, _sentence(error))
    return known or ProviderUnavailable(_sentence(error), provider=_PROVIDER)


def error_in(text: str) -> JsonObject | None:
    """The error object of a body, which some gateways put into a list of one."""
    try:
        value: Any = orjson.loads(text)
    except ValueError:
        return None
    if isinstance(value, list) and value:
        value = value[0]
    error = value.get("error") if isinstance(value, dict) else None
    return error if isinstance(error, dict) else None


def _by_name(error: JsonObject, before: str, retry_after: float | None) -> ProviderError | None:
    """The error by its status name and reasons, None where they tell nothing."""
    details = _details(error)
    names = {error.get("status"), *(one.get("reason") for one in details)}
    names = {name for name in names if isinstance(name, str)}
    sentence = before + _sentence(error)
    if names & _WRONG_KEY:
        code = error.get("code")
        return wrong_key(_PROVIDER, KEY_VARIABLE, code if isinstance(code, int) else 400)
    if names & _MISCONFIGURED:
        return ProviderMisconfigured(sentence, provider=_PROVIDER)
    if "RESOURCE_EXHAUSTED" in names:
        pause = retry_after if retry_after is not None else _pause(details)
        return ProviderThrottled(sentence, provider=_PROVIDER, retry_after=pause)
    if names & _UNAVAILABLE:
        return ProviderUnavailable(sentence, provider=_PROVIDER)
    return ProviderRejected(sentence, provider=_PROVIDER) if names & _REJECTED else None


def _details(error: JsonObject) -> list[JsonObject]:
    details = error.get("details")
    if not isinstance(details, list):
        return []
    return [one if isinstance(one, dict) else NOTHING for one in details]


def _pause(details: list[JsonObject]) -> float | None:
    """The pause asked for: it is in the body, as a text like `23s`."""
    for one in details:
        delay = one.get("retryDelay")
        if isinstance(delay, str) and (match := _DELAY.fullmatch(delay)):
            return seconds(match[1])
    return None


def _sentence(error: JsonObject) -> str:
    message = error.get("message")
    return message if isinstance(message, str) and message else "no reason given"
