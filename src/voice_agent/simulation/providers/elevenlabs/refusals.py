"""How ElevenLabs says no over HTTP: the shape of 2026 and the older ones."""

from typing import Final
from uuid import uuid4

from starlette.responses import JSONResponse, Response

from voice_agent.simulation.providers.desk import Desk
from voice_agent.simulation.providers.elevenlabs.rules import NAME, Rules, rules_of
from voice_agent.simulation.providers.line import Manners

GARBAGE: Final = (
    '{"audio": "UklGR',
    '{"audio": 7, "isFinal": "perhaps", "contextId": []}',
    '{"audio": "this is not base64!", "isFinal": null}',
    '["audio"]',
    b"\x00\xff\x10RIFF",
)


def refusal(
    rules: Rules,
    status: int,
    kind: str,
    code: str,
    message: str,
    *,
    legacy: str = "",
    param: str = "",
) -> Response:
    """An error; `legacy` is its older name where that differs from `code`."""
    older = {"status": legacy or code, "message": message}
    request_id = uuid4().hex
    newer = {"type": kind, "code": code, **older, "request_id": request_id}
    if param:
        newer["param"] = param
    detail = older if rules.legacy_errors else newer
    return JSONResponse({"detail": detail}, status, {"request-id": request_id})


def missing(field: str) -> Response:
    """A body without a field; this shape is the same in all years."""
    place = ["body", field]
    problem = {"loc": place, "msg": "field required", "type": "value_error.missing"}
    return JSONResponse({"detail": [problem]}, 422)


def unauthorized(rules: Rules) -> Response:
    """A wrong key."""
    return refusal(rules, 401, "authentication_error", "invalid_api_key", "Invalid API key")


def throttled(rules: Rules, retry_after: float = 0.0) -> Response:
    """Too much at once."""
    response = refusal(
        rules,
        429,
        "rate_limit_error",
        "concurrent_limit_exceeded",
        "Too many concurrent requests.",
        legacy="too_many_concurrent_requests",
    )
    if retry_after:
        response.headers["retry-after"] = f"{retry_after:g}"
    return response


def failed(rules: Rules) -> Response:
    """A fault of its own."""
    return refusal(rules, 500, "internal_error", "internal_server_error", "Something went wrong.")


def manners(desk: Desk) -> Manners:
    """How its sockets turn clients away."""
    return Manners(
        NAME,
        lambda: unauthorized(rules_of(desk)),
        lambda pause: throttled(rules_of(desk), pause),
        lambda: failed(rules_of(desk)),
        GARBAGE,
    )
