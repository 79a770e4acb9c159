"""How OpenAI refuses, breaks down and signs its answers."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from voice_agent.simulation.providers.answers import dumps, new_id
from voice_agent.simulation.providers.desk import Desk
from voice_agent.simulation.providers.stream import HUGE, Dialect, Refused, json_response

_LIMITS: Final = {
    "x-ratelimit-limit-requests": "10000",
    "x-ratelimit-limit-tokens": "2000000",
}


def error_body(
    message: str,
    kind: str = "invalid_request_error",
    param: str | None = None,
    code: str | None = None,
) -> dict[str, object]:
    """The object that every OpenAI error is."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def refused(
    status: int, message: str, *, param: str | None = None, code: str | None = None
) -> Refused:
    """An error of the request's own making."""
    body = error_body(message, param=param, code=code)
    return Refused(json_response(body, status, {"x-request-id": f"req_{status}"}))


def vendor_headers(desk: Desk) -> dict[str, str]:
    """What accompanies every good answer."""
    return {
        "x-request-id": new_id(desk.chance, "req_", 32),
        "openai-organization": "simulated-organization",
        "openai-processing-ms": "12",
        "openai-version": "2020-10-01",
        **_LIMITS,
        "x-ratelimit-remaining-requests": "9999",
        "x-ratelimit-remaining-tokens": "1999000",
        "x-ratelimit-reset-requests": "6ms",
        "x-ratelimit-reset-tokens": "30ms",
    }


def authorize(desk: Desk, request: Request) -> None:
    """Check the key.

    Raises:
        Refused: there is none, or a wrong one.
    """
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise refused(
            401,
            "You didn't provide an API key. Send it in an Authorization header "
            "(Authorization: Bearer YOUR_KEY).",
        )
    if key.strip() not in desk.keys:
        raise Refused(_unauthorized())


def _unauthorized() -> Response:
    body = error_body("Incorrect API key provided: ****.", code="invalid_api_key")
    return json_response(body, 401, {"x-request-id": "req_401"})


def _throttled(pause: float) -> Response:
    body = error_body(
        f"Rate limit reached. Please try again in {pause:g}s.",
        kind="requests",
        code="rate_limit_exceeded",
    )
    headers = {
        "x-request-id": "req_429",
        "retry-after": f"{pause:g}",
        "retry-after-ms": str(round(pause * 1000)),
        **_LIMITS,
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-remaining-tokens": "0",
        "x-ratelimit-reset-requests": f"{pause:g}s",
        "x-ratelimit-reset-tokens": f"{pause:g}s",
    }
    return json_response(body, 429, headers)


def _failure() -> dict[str, object]:
    return error_body("The server had an error while processing your request.", "server_error")


def _failed() -> Response:
    return json_response(_failure(), 500, {"x-request-id": "req_500"})


def _failed_midway() -> bytes:
    return b"data: " + dumps(_failure()).encode() + b"\n\n"


DIALECT: Final = Dialect(
    provider="openai",
    unauthorized=_unauthorized,
    throttled=_throttled,
    failed=_failed,
    failed_midway=_failed_midway,
    garbage=(
        b'data: {"id":"chatcmpl-x","choices":[{"delta":{"content":"half a\n\n',
        b'data: {"choices":"none","usage":[1,2]}\n\n',
        b'data: {"choices":[{"index":"zero","delta":{"content":{"a":1},"tool_calls":7}}]}\n\n',
        b"data: [1, 2, 3]\n\n",
        b"data: \xff\xfe\x00\n\n",
        b'data: {"junk":"' + b"x" * HUGE + b'"}\n\n',
    ),
)
