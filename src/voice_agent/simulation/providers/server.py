"""The simulated providers as one web application, and a server that can drop connections."""

import asyncio
import importlib
import pkgutil
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from voice_agent.simulation import providers as package
from voice_agent.simulation.providers.control import control
from voice_agent.simulation.providers.desk import Desk, Simulator

_TRANSPORT = "transport"
LARGEST_MESSAGE = 16 * 2**20


def simulators() -> dict[str, Simulator]:
    """Every simulated provider by name."""
    return {simulator.name: simulator for simulator in sorted(_found(), key=lambda s: s.name)}


def provider_app(desk: Desk) -> Starlette:
    """All of them, each under its name, and `/_control` to order bad days from outside."""
    found = simulators()
    mounts = [Mount(f"/{n}", routes=list(found[n].routes(desk))) for n in found]
    return Starlette(routes=[control(desk, list(found)), *mounts])


def server_config(app: Starlette, **options: Any) -> uvicorn.Config:
    """How such an application is served, so that `drop` works."""
    return uvicorn.Config(
        app,
        http=_Http,
        ws=_WebSocket,
        ws_max_size=LARGEST_MESSAGE,
        ws_per_message_deflate=False,
        ws_ping_interval=None,
        proxy_headers=False,
        server_header=False,
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=1,
        **options,
    )


def drop(scope: MutableMapping[str, Any]) -> None:
    """Reset the TCP connection of a request or socket, without a goodbye."""
    transport(scope).abort()


def transport(scope: MutableMapping[str, Any]) -> asyncio.WriteTransport:
    """The TCP connection of a request or socket."""
    found: asyncio.WriteTransport = scope["state"][_TRANSPORT]
    return found


def _found() -> Iterator[Simulator]:
    for module in pkgutil.iter_modules(package.__path__):
        found = getattr(
            importlib.import_module(f"{package.__name__}.{module.name}"), "SIMULATOR", None
        )
        if isinstance(found, Simulator):
            yield found


def _with_transport(state: Mapping[str, Any], connection: object) -> dict[str, Any]:
    return {**state, _TRANSPORT: connection}


class _Http(HttpToolsProtocol):
    """Hands the connection to the application, in the scope's state."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client connected."""
        super().connection_made(transport)
        self.app_state = _with_transport(self.app_state, transport)


class _WebSocket(WebSocketsSansIOProtocol):
    """The same for WebSockets."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client's upgrade begins."""
        super().connection_made(transport)
        self.app_state = _with_transport(self.app_state, transport)
