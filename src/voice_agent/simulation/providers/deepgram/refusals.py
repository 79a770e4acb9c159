"""How the vendor says no to a handshake."""

import uuid
from typing import Final

from starlette.responses import Response

from voice_agent.simulation.providers.answers import dumps

_THROTTLED: Final = "Too many requests. Please try again later"
_BROKE: Final = (
    "Project does not have enough credits for an ASR request and does not have an overage "
    "agreement."
)


class BadQuery(Exception):
    """The query is wrong: HTTP 400 with this code and sentence."""

    def __init__(self, message: str, code: str = "INVALID_QUERY_PARAMETER") -> None:
        super().__init__(message)
        self.code = code


def new_request_id() -> str:
    """An identifier of one request."""
    return str(uuid.uuid4())


def bad_query(error: BadQuery, request_id: str | None = None) -> Response:
    """400: a parameter is unknown, wrong or contradicts another."""
    return refusal(400, error.code, str(error), request_id)


def unauthorized(request_id: str | None = None) -> Response:
    """401: no key, or not one of ours."""
    return refusal(401, "INVALID_AUTH", "Invalid credentials.", request_id)


def without_credit(request_id: str | None = None) -> Response:
    """402: the project's credits are used up."""
    return refusal(402, "ASR_PAYMENT_REQUIRED", _BROKE, request_id)


def throttled(_retry_after: float = 0.0) -> Response:
    """429: too many connections at once; the vendor names no pause."""
    return refusal(429, "TOO_MANY_REQUESTS", _THROTTLED)


def failed() -> Response:
    """500: the vendor's own fault."""
    return refusal(500, "INTERNAL_SERVER_ERROR", "Internal server error.")


def refusal(status: int, code: str, message: str, request_id: str | None = None) -> Response:
    """The vendor's error body with its headers."""
    request_id = request_id or new_request_id()
    body = {"err_code": code, "err_msg": message, "request_id": request_id}
    headers = {"dg-request-id": request_id, "dg-error": message}
    return Response(dumps(body), status, headers=headers, media_type="application/json")
