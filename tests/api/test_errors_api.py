"""Every error becomes a problem document that tells no secrets."""

import httpx2
import pytest
from fastapi import FastAPI

from voice_agent.api.errors import install_error_handlers
from voice_agent.core.errors import (
    ConfigurationError,
    NotFoundError,
    PermissionDeniedError,
    ProtocolError,
    ProviderUnavailable,
    StorageError,
    ToolError,
    VoiceAgentError,
)

ERRORS: dict[str, tuple[Exception, int, str]] = {
    "missing": (NotFoundError("There is no such call."), 404, "not_found"),
    "denied": (PermissionDeniedError("Not you."), 403, "permission_denied"),
    "garbled": (ProtocolError("Not a cursor."), 400, "protocol"),
    "setting": (ConfigurationError("Wrong setting."), 422, "configuration"),
    "disk": (StorageError("/secret/path is damaged."), 503, "storage"),
    "provider": (
        ProviderUnavailable("secret host down", provider="llm"),
        502,
        "provider_unavailable",
    ),
    "tool": (ToolError("no", reason="x"), 500, "tool"),
    "base": (VoiceAgentError("hm"), 500, "voice_agent"),
    "crash": (ZeroDivisionError("secret number"), 500, "internal"),
}


def app() -> FastAPI:
    made = FastAPI()
    install_error_handlers(made)

    @made.get("/{name}")
    async def fail(name: str) -> None:
        raise ERRORS[name][0]

    return made


@pytest.mark.anyio
@pytest.mark.parametrize("name", ERRORS)
async def test_every_error_has_its_status_and_stable_code(name: str) -> None:
    transport = httpx2.ASGITransport(app=app(), raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://agent") as client:
        response = await client.get(f"/{name}")
    _, status, code = ERRORS[name]
    assert response.status_code == response.json()["status"] == status
    assert response.json()["code"] == code
    assert response.headers["content-type"] == "application/problem+json"
    assert "secret" not in response.text
