"""OpenAI's errors, and those of servers like it, as ours: by code and type, not by wording."""

from typing import Any, Final

from voice_agent.core.errors import (
    ProviderError,
    ProviderMisconfigured,
    ProviderRejected,
    ProviderThrottled,
    ProviderUnavailable,
)
from voice_agent.engines.hosted import refusal
from voice_agent.engines.llm.hosted_errors import wrong_key
from voice_agent.engines.llm.json_access import MalformedJson, decode_object

KEY_VARIABLE: Final = "OPENAI_API_KEY"
_PROVIDER: Final = "openai"
_MISCONFIGURED: Final = frozenset(
    {
        "insufficient_quota",
        "credit_balance_exhausted",
        "model_not_found",
        "unsupported_country_region_territory",
        "permission_error",
        "permission_denied",
    }
)
_WRONG_KEY: Final = frozenset({"invalid_api_key", "authentication_error"})
_THROTTLED: Final = frozenset(
    {"rate_limit_exceeded", "rate_limit_error", "slow_down", "requests", "tokens"}
)
_REJECTED: Final = frozenset({"invalid_request_error", "BadRequestError"})


def http_error(status: int, body: str, retry_after: float | None) -> ProviderError:
    """The error for a response that is no stream."""
    try:
        error = decode_object(body).get("error")
    except MalformedJson:
        error = None
    if status == 401:
        return wrong_key(_PROVIDER, KEY_VARIABLE, status)
    words = _words(error)
    if words & _MISCONFIGURED:
        return ProviderMisconfigured(f"HTTP {status}: {_sentence(error)}", provider=_PROVIDER)
    return refusal(_PROVIDER, status, _sentence(error), retry_after=retry_after)


def streamed_error(error: Any) -> ProviderError:
    """The error for an event in mid-stream, where the HTTP status said that all is well."""
    words, sentence = _words(error), _sentence(error)
    code = error.get("code") if isinstance(error, dict) else None
    if words & _WRONG_KEY:
        return wrong_key(_PROVIDER, KEY_VARIABLE, 401)
    if words & _MISCONFIGURED:
        return ProviderMisconfigured(sentence, provider=_PROVIDER)
    if words & _THROTTLED:
        return ProviderThrottled(sentence, provider=_PROVIDER)
    if isinstance(code, int) and not isinstance(code, bool) and 400 <= code < 600:
        return refusal(_PROVIDER, code, sentence)
    if words & _REJECTED:
        return ProviderRejected(sentence, provider=_PROVIDER)
    return ProviderUnavailable(sentence, provider=_PROVIDER)


def _words(error: Any) -> frozenset[str]:
    """The type and the code."""
    if not isinstance(error, dict):
        return frozenset()
    return frozenset(value for key in ("type", "code") if isinstance(value := error.get(key), str))


def _sentence(error: Any) -> str:
    if isinstance(error, dict):
        error = error.get("message")
    return error if isinstance(error, str) and error else "no reason given"
