"""Anthropic's errors as ours: by type, for in mid-stream the HTTP status says that all is well."""

from typing import Final

from voice_agent.core.chat import JsonObject
from voice_agent.core.errors import (
    ProviderError,
    ProviderMisconfigured,
    ProviderRejected,
    ProviderThrottled,
    ProviderUnavailable,
)
from voice_agent.engines.hosted import refusal
from voice_agent.engines.llm.hosted_errors import wrong_key
from voice_agent.engines.llm.json_access import (
    NOTHING,
    MalformedJson,
    decode_object,
    object_in,
    text_in,
)

KEY_VARIABLE: Final = "ANTHROPIC_API_KEY"
_PROVIDER: Final = "anthropic"
_MISCONFIGURED: Final = frozenset({"billing_error", "permission_error", "not_found_error"})
_REJECTED: Final = frozenset({"invalid_request_error", "request_too_large"})
_SPENT: Final = "enforced_spend_limit_reached"


def http_error(status: int, body: str, retry_after: float | None) -> ProviderError:
    """The error for a response that is no stream."""
    try:
        error = object_in(decode_object(body), "error")
        kind, sentence, spent = _read(error)
    except MalformedJson:
        kind, sentence, spent = "", "", False
    if status == 401 or kind == "authentication_error":
        return wrong_key(_PROVIDER, KEY_VARIABLE, status)
    if spent or kind in _MISCONFIGURED:
        return ProviderMisconfigured(f"HTTP {status}: {sentence}", provider=_PROVIDER)
    return refusal(_PROVIDER, status, sentence, retry_after=retry_after)


def streamed_error(error: JsonObject) -> ProviderError:
    """The error for an `error` event.

    Raises:
        MalformedJson: it is none.
    """
    kind, sentence, spent = _read(error)
    if kind == "authentication_error":
        return wrong_key(_PROVIDER, KEY_VARIABLE, 200)
    if spent or kind in _MISCONFIGURED:
        return ProviderMisconfigured(sentence, provider=_PROVIDER)
    if kind == "rate_limit_error":
        return ProviderThrottled(sentence, provider=_PROVIDER)
    if kind in _REJECTED:
        return ProviderRejected(sentence, provider=_PROVIDER)
    return ProviderUnavailable(sentence, provider=_PROVIDER)


def _read(error: JsonObject) -> tuple[str, str, bool]:
    """Type, sentence, and whether the money is spent: no pause helps then."""
    kind = text_in(error, "type")
    details = error.get("details")
    spent = (details if isinstance(details, dict) else NOTHING).get("error_code") == _SPENT
    return kind, f"{kind or 'error'}: {text_in(error, 'message') or 'no reason given'}", spent
