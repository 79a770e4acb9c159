"""How the Gemini API refuses and breaks down."""

from collections.abc import Sequence
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from voice_agent.simulation.providers.desk import Desk
from voice_agent.simulation.providers.stream import HUGE, Dialect, Refused, json_response

_TYPES: Final = "type.googleapis.com/google.rpc."
_STATUSES: Final = {
    400: "INVALID_ARGUMENT",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}


def refused(status: int, message: str, details: Sequence[dict[str, Any]] | None = None) -> Refused:
    """An error of the request's own making."""
    return Refused(_error(status, message, details))


def wrong(message: str) -> Refused:
    """The commonest of them: INVALID_ARGUMENT."""
    return refused(400, message)


def authorize(desk: Desk, request: Request) -> None:
    """Check the key, from the header or the query.

    Raises:
        Refused: there is none, or a wrong one.
    """
    key = request.headers.get("x-goog-api-key") or request.query_params.get("key")
    if not key:
        raise refused(
            403,
            "Method doesn't allow unregistered callers (callers without established identity). "
            "Please use API Key or other form of API consumer identity to call this API.",
        )
    if key not in desk.keys:
        raise Refused(_wrong_key())


def error_body(
    status: int, message: str, details: Sequence[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """The object that every error is."""
    body = {"code": status, "message": message, "status": _STATUSES[status]}
    return {"error": {**body, "details": list(details)} if details else body}


def dialect(*, sse: bool) -> Dialect:
    """Errors in mid-stream look different in an event stream and in a JSON array."""
    return Dialect(
        provider="gemini",
        unauthorized=_wrong_key,
        throttled=_throttled,
        failed=lambda: _error(500, "An internal error has occurred. Please retry."),
        failed_midway=_bare_error if sse else lambda: b",\r\n" + _bare_error() + b"]",
        garbage=_GARBAGE,
    )


def _error(status: int, message: str, details: Sequence[dict[str, Any]] | None = None) -> Response:
    return json_response(error_body(status, message, details), status)


def _wrong_key() -> Response:
    info = {
        "@type": f"{_TYPES}ErrorInfo",
        "reason": "API_KEY_INVALID",
        "domain": "googleapis.com",
        "metadata": {"service": "generativelanguage.googleapis.com"},
    }
    return _error(400, "API key not valid. Please pass a valid API key.", [info])


def _throttled(pause: float) -> Response:
    violation = {
        "quotaMetric": "generativelanguage.googleapis.com/generate_content_requests",
        "quotaId": "GenerateRequestsPerMinutePerProjectPerModel",
    }
    details: list[dict[str, Any]] = [
        {"@type": f"{_TYPES}QuotaFailure", "violations": [violation]},
        {"@type": f"{_TYPES}RetryInfo", "retryDelay": f"{pause:g}s"},
    ]
    return _error(429, "You exceeded your current quota.", details)


def _bare_error() -> bytes:
    body = error_body(503, "The model is overloaded. Please try again later.")
    return orjson.dumps(body, option=orjson.OPT_INDENT_2) + b"\r\n"


_GARBAGE: Final = (
    b'data: {"candidates": [{"content": {"parts": [{"text": "half a\r\n\r\n',
    b'data: {"candidates": "none", "usageMetadata": [1]}\r\n\r\n',
    b'data: {"candidates": [{"content": {"parts": {"text": 7}}, "finishReason": []}]}\r\n\r\n',
    b"data: [1, 2, 3]\r\n\r\n",
    b"data: \xff\xfe\x00\r\n\r\n",
    b'data: {"junk": "' + b"x" * HUGE + b'"}\r\n\r\n',
)
