"""How Cartesia says no, in the shape of the API version that the client speaks."""

from typing import Any, Final
from uuid import uuid4

from starlette.responses import JSONResponse, PlainTextResponse, Response

from voice_agent.simulation.providers.cartesia.rules import NAME, STRUCTURED_ERRORS
from voice_agent.simulation.providers.line import Manners

GARBAGE: Final = (
    '{"type": "chunk", "data": "UklGR',
    '{"type": "chunk", "context_id": 7, "data": 12, "done": "no"}',
    '{"type": "chunk", "data": "this is not base64!", "done": false, "status_code": 206}',
    '["chunk"]',
    b"\x00\xff\x10RIFF",
)


class Refusal(Exception):
    """The request is not carried out."""

    def __init__(self, status: int, code: str, title: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.title = title
        self.message = message

    def event(self, version: str, context_id: str | None) -> dict[str, Any]:
        """The same on a WebSocket or in an event stream."""
        event = {"type": "error", "status_code": self.status, "done": True}
        if context_id is not None:
            event["context_id"] = context_id
        if version < STRUCTURED_ERRORS:
            return {**event, "error": f"{self.title}: {self.message}"}
        request_id = f"{uuid4()}:{context_id or ''}:{uuid4()}"
        return {**event, **self._fields(request_id)}

    def response(self, version: str, retry_after: float = 0.0) -> Response:
        """The same over HTTP."""
        request_id = str(uuid4())
        headers = {"x-request-id": request_id}
        if retry_after:
            headers["retry-after"] = f"{retry_after:g}"
        if version < STRUCTURED_ERRORS:
            return PlainTextResponse(f"{self.title}: {self.message}", self.status, headers)
        return JSONResponse(self._fields(request_id), self.status, headers)

    def _fields(self, request_id: str) -> dict[str, Any]:
        return {
            "error_code": self.code,
            "title": self.title,
            "message": self.message,
            "request_id": request_id,
            "doc_url": None,
        }


def invalid(message: str) -> Refusal:
    """The request is wrong."""
    return Refusal(400, "invalid_request", "Invalid request", message)


def unknown_voice(voice: str) -> Refusal:
    """There is no such voice."""
    return Refusal(404, "voice_not_found", "Voice not found", f"There is no voice {voice}.")


UNAUTHORIZED: Final = Refusal(401, "unauthorized", "Unauthorized", "The API key is not valid.")
THROTTLED: Final = Refusal(
    429, "concurrency_limited", "Too many requests", "Your plan's concurrency limit is reached."
)
FAILED: Final = Refusal(500, "internal_error", "Internal server error", "Something went wrong.")


def manners(version: str) -> Manners:
    """How its sockets turn clients away."""
    return Manners(
        NAME,
        lambda: UNAUTHORIZED.response(version),
        lambda pause: THROTTLED.response(version, pause),
        lambda: FAILED.response(version),
        GARBAGE,
    )
