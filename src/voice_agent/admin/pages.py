"""The pages a person opens in a browser, and the files they are made of.

Everything is read once, when the module is imported; a page runs only scripts and styles of
this host, inside nobody's frame.
"""

import hashlib
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

router = APIRouter(include_in_schema=False)

_TYPES: Final = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Sent with every page and file; a browser asks each time whether its copy is still good."""


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent; `etag` changes with its content."""

    body: bytes
    media_type: str
    etag: str


def _read(folder: Traversable, prefix: str = "") -> dict[str, Asset]:
    assets: dict[str, Asset] = {}
    for entry in folder.iterdir():
        suffix = entry.name.rpartition(".")[2]
        if entry.is_dir():
            assets |= _read(entry, f"{prefix}{entry.name}/")
        elif suffix in _TYPES:
            body = entry.read_bytes()
            etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
            assets[prefix + entry.name] = Asset(body, _TYPES[suffix], etag)
    return assets


_ASSETS: Final = _read(resources.files("voice_agent.admin").joinpath("static"))


@router.get("/")
async def home() -> Response:
    """To the page where one talks."""
    return RedirectResponse("/voice-demo", status_code=307)


@router.api_route("/voice-demo", methods=["GET", "HEAD"])
async def voice_demo(request: Request) -> Response:
    """Talk with the agent."""
    return _send(request, "voice-demo.html")


@router.api_route("/demo", methods=["GET", "HEAD"])
async def chat_demo(request: Request) -> Response:
    """Write with the agent."""
    return _send(request, "demo.html")


@router.get("/favicon.ico")
async def icon(request: Request) -> Response:
    """The icon browsers ask for by themselves."""
    return _send(request, "icon.svg")


@router.api_route("/static/{path:path}", methods=["GET", "HEAD"])
async def static(request: Request, path: str) -> Response:
    """A script, style or picture of a page."""
    return _send(request, path)


def _send(request: Request, name: str) -> Response:
    asset = _ASSETS.get(name)
    if asset is None:
        return Response("There is no such file.", 404, HEADERS, "text/plain; charset=utf-8")
    headers = HEADERS | {"ETag": asset.etag}
    if _is_current(request.headers.get("if-none-match", ""), asset.etag):
        return Response(status_code=304, headers=headers)
    return Response(asset.body, headers=headers, media_type=asset.media_type)


def _is_current(known: str, etag: str) -> bool:
    """RFC 9110, 13.1.2: a list of tags, compared weakly, or any."""
    tags = [tag.strip().removeprefix("W/") for tag in known.split(",")]
    return "*" in tags or etag in tags
