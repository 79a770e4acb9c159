"""How Twilio refuses and breaks down."""

from typing import Final

from starlette.responses import Response

from voice_agent.simulation.providers.stream import Dialect, Refused, json_response

_HEADERS: Final = {"twilio-concurrent-requests": "1", "twilio-request-duration": "0.012"}


def answer(body: object, status: int = 200) -> Response:
    """A good answer with the vendor's headers."""
    return json_response(body, status, _HEADERS)


def refused(status: int, code: int, message: str) -> Refused:
    """An error of the request's own making."""
    return Refused(_error(status, code, message))


def not_found(path: str) -> Refused:
    """There is no such resource."""
    return refused(404, 20404, f"The requested resource {path} was not found")


def unauthorized() -> Response:
    """Account and token do not fit."""
    response = _error(401, 20003, "Authenticate")
    response.headers["www-authenticate"] = 'Basic realm="Twilio API"'
    return response


def _error(status: int, code: int, message: str) -> Response:
    body = {
        "code": code,
        "message": message,
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }
    return json_response(body, status, _HEADERS)


DIALECT: Final = Dialect(
    provider="twilio",
    unauthorized=unauthorized,
    throttled=lambda _pause: _error(429, 20429, "Too Many Requests"),
    failed=lambda: _error(500, 20500, "Internal Server Error"),
    failed_midway=lambda: b"",
    garbage=(b'{"sid": 7, "status": ["',),
)
