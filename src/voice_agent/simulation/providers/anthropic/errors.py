"""How Anthropic refuses, breaks down and signs its answers."""

from datetime import timedelta
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from voice_agent.core.clock import LoopClock
from voice_agent.simulation.providers.answers import new_id
from voice_agent.simulation.providers.desk import Desk
from voice_agent.simulation.providers.stream import HUGE, Dialect, Refused, json_response

NEWEST: Final = "2026-10-21"
VERSIONS: Final = ("2023-06-01", NEWEST)
_KINDS: Final = {
    400: "invalid_request_error",
    401: "authentication_error",
    404: "not_found_error",
    405: "invalid_request_error",
    429: "rate_limit_error",
    500: "api_error",
}
_QUOTAS: Final = {
    "requests": 4000,
    "tokens": 480_000,
    "input-tokens": 400_000,
    "output-tokens": 80_000,
}


def event(name: str, data: dict[str, Any]) -> bytes:
    """One event of a stream; the data repeats its name."""
    return b"event: " + name.encode() + b"\ndata: " + orjson.dumps({"type": name, **data}) + b"\n\n"


def refused(status: int, message: str) -> Refused:
    """An error of the request's own making."""
    return Refused(_error(status, message))


def vendor_headers(desk: Desk) -> dict[str, str]:
    """What accompanies every good answer."""
    return {
        "request-id": new_id(desk.chance, "req_"),
        "anthropic-organization-id": "simulated-organization",
        **_quotas(exhausted=False, pause=0.0),
    }


def authorize(desk: Desk, request: Request) -> str:
    """Check key and version; the version it asks for.

    Raises:
        Refused: one of them is missing or wrong.
    """
    key = request.headers.get("x-api-key", "")
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if not key and scheme.lower() == "bearer":
        key = token.strip()
    if not key:
        raise refused(401, "x-api-key header is required")
    if key not in desk.keys:
        raise refused(401, "invalid x-api-key")
    version = request.headers.get("anthropic-version")
    if version is None:
        raise refused(400, "anthropic-version: header is required")
    if version not in VERSIONS:
        raise refused(400, f'anthropic-version: "{version}" is not a valid version')
    return version


def _error(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    request_id = f"req_simulated{status}"
    body = {
        "type": "error",
        "error": {"type": _KINDS[status], "message": message},
        "request_id": request_id,
    }
    return json_response(body, status, {"request-id": request_id, **(headers or {})})


def _quotas(*, exhausted: bool, pause: float) -> dict[str, str]:
    reset = (LoopClock().wall() + timedelta(seconds=pause)).strftime("%Y-%m-%dT%H:%M:%SZ")
    headers: dict[str, str] = {}
    for name, limit in _QUOTAS.items():
        headers[f"anthropic-ratelimit-{name}-limit"] = str(limit)
        headers[f"anthropic-ratelimit-{name}-remaining"] = "0" if exhausted else str(limit - 1)
        headers[f"anthropic-ratelimit-{name}-reset"] = reset
    return headers


def _throttled(pause: float) -> Response:
    headers = {"retry-after": f"{pause:g}", **_quotas(exhausted=True, pause=pause)}
    return _error(429, "This request would exceed your organization's rate limit.", headers)


def _failed_midway() -> bytes:
    error = {"type": "overloaded_error", "message": "Overloaded"}
    return event("error", {"error": error, "request_id": "req_simulated529"})


DIALECT: Final = Dialect(
    provider="anthropic",
    unauthorized=lambda: _error(401, "invalid x-api-key"),
    throttled=_throttled,
    failed=lambda: _error(500, "Internal server error"),
    failed_midway=_failed_midway,
    garbage=(
        b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"del\n\n',
        b'event: content_block_delta\ndata: {"type":"content_block_delta","index":"zero"}\n\n',
        b'event: message_delta\ndata: {"type":"message_delta","delta":7,"usage":[]}\n\n',
        b"event: content_block_delta\ndata: [1, 2, 3]\n\n",
        b"event: \xff\xfe\ndata: \xff\xfe\x00\n\n",
        b'event: ping\ndata: {"type":"ping","junk":"' + b"x" * HUGE + b'"}\n\n',
    ),
)
