"""Which of the server's error events end a session, and as what; pure."""

from typing import Final

from voice_agent.core.chat import JsonObject
from voice_agent.core.errors import (
    ProviderError,
    ProviderMisconfigured,
    ProviderRejected,
    ProviderThrottled,
    ProviderUnavailable,
)
from voice_agent.engines.realtime.openai.options import NAME
from voice_agent.engines.realtime.openai.server_json import text

BENIGN: Final = frozenset(
    {"response_cancel_not_active", "conversation_already_has_active_response"}
)
"""Two sides acted at once; nothing is wrong."""
_MISCONFIGURED: Final = frozenset(
    {
        "invalid_api_key",
        "insufficient_quota",
        "model_not_found",
        "missing_model",
        "beta_api_shape_disabled",
        "billing_hard_limit_reached",
        "enforced_spend_limit_reached",
    }
)
_THROTTLED: Final = frozenset({"rate_limit_exceeded"})
_OVER: Final = frozenset({"session_expired"})


def fatal(problem: JsonObject, *, ready: bool) -> ProviderError | None:
    """The failure that an error event means, None where the session goes on.

    Before the session is `ready` every error is one: its settings were not taken.
    """
    code, kind = text(problem, "code"), text(problem, "type")
    reason = f"{code or kind or 'an error'} (param {text(problem, 'param') or 'none'})"
    if code in _MISCONFIGURED or kind == "authentication_error":
        return ProviderMisconfigured(reason, provider=NAME)
    if code in _THROTTLED or kind == "rate_limit_error":
        return ProviderThrottled(reason, provider=NAME)
    if code in _OVER or kind == "server_error":
        return ProviderUnavailable(reason, provider=NAME)
    return None if ready else ProviderRejected(reason, provider=NAME)
