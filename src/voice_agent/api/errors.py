"""Errors as RFC 9457 problem details, each with the error tree's stable code."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from voice_agent.core.errors import (
    ConfigurationError,
    NotFoundError,
    PermissionDeniedError,
    ProtocolError,
    ProviderError,
    StorageError,
    VoiceAgentError,
)

PROBLEM_JSON: Final = "application/problem+json"

# The first class that fits decides.
_STATUS: Final[Mapping[type[VoiceAgentError], HTTPStatus]] = {
    NotFoundError: HTTPStatus.NOT_FOUND,
    PermissionDeniedError: HTTPStatus.FORBIDDEN,
    ProtocolError: HTTPStatus.BAD_REQUEST,
    ConfigurationError: HTTPStatus.UNPROCESSABLE_ENTITY,
    StorageError: HTTPStatus.SERVICE_UNAVAILABLE,
    ProviderError: HTTPStatus.BAD_GATEWAY,
}
# Their texts name files and peers; the log has them.
_UNTOLD: Final = {
    StorageError: "The database cannot be used at the moment.",
    ProviderError: "A service this needs did not answer as it should.",
}

_log = structlog.get_logger(__name__)


class FieldFault(BaseModel):
    """One thing that is wrong with a request."""

    location: str = Field(description="Where in the request, such as `query.limit`.")
    message: str


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str = Field(description="A URN that ends in the stable code.")
    title: str
    status: int
    detail: str
    code: str = Field(description="The stable code.")
    instance: str = Field(description="The path that was asked for.")
    errors: list[FieldFault] = Field(default=[], description="Faults of a request, one by one.")


PROBLEM_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    "default": {"model": Problem, "description": "What went wrong.", "content": {PROBLEM_JSON: {}}}
}
"""For routers: how errors look in the API's description."""


def install_error_handlers(app: FastAPI) -> None:
    """Make every error of `app`'s HTTP routes a problem document."""
    app.add_exception_handler(VoiceAgentError, _known)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


def problem_response(
    request: Request,
    status: int,
    code: str,
    detail: str,
    *,
    errors: Sequence[FieldFault] = (),
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """A problem document about `request`."""
    problem = Problem(
        type=f"urn:voice-agent:problem:{code}",
        title=_title(status),
        status=status,
        detail=detail,
        code=code,
        instance=request.url.path,
        errors=list(errors),
    )
    body = problem.model_dump(mode="json", exclude_defaults=True)
    return JSONResponse(body, status, dict(headers or {}), media_type=PROBLEM_JSON)


async def _known(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, VoiceAgentError):
        return await _unexpected(request, error)
    status = _first(error, _STATUS) or HTTPStatus.INTERNAL_SERVER_ERROR
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.error("api.failed", code=error.code, path=request.url.path, error=str(error))
    detail = _first(error, _UNTOLD) or str(error)
    return problem_response(request, status, error.code, detail)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    faults = error.errors() if isinstance(error, RequestValidationError) else ()
    told = [
        FieldFault(location=".".join(str(part) for part in fault["loc"]), message=fault["msg"])
        for fault in faults
    ]
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    detail = "The request does not fit; see errors."
    return problem_response(request, status, "invalid_request", detail, errors=told)


async def _http(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        return await _unexpected(request, error)
    code = _title(error.status_code).lower().replace(" ", "_")
    detail = str(error.detail)
    return problem_response(request, error.status_code, code, detail, headers=error.headers)


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    _log.error("api.crashed", path=request.url.path, error=type(error).__name__)
    detail = "Something unexpected went wrong; the log has more."
    return problem_response(request, HTTPStatus.INTERNAL_SERVER_ERROR, "internal", detail)


def _first(error: VoiceAgentError, table: Mapping[type[VoiceAgentError], Any]) -> Any:
    return next((value for kind, value in table.items() if isinstance(error, kind)), None)


def _title(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"
