"""A plain client of the simulated speech-to-text vendor, and a server with short patience."""

import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any, Final

import anyio
import orjson
from starlette.applications import Starlette
from starlette.routing import Mount
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from support.live_server import QuietServer
from voice_agent.simulation.providers.deepgram.endpoint import routes
from voice_agent.simulation.providers.deepgram.habits import Habits
from voice_agent.simulation.providers.desk import VALID_KEY, Desk
from voice_agent.simulation.providers.server import server_config

NOVA: Final = "model=nova-3&encoding=mulaw&sample_rate=8000"
FLUX: Final = "model=flux-general-en&encoding=mulaw&sample_rate=8000"


@contextlib.asynccontextmanager
async def deepgram(desk: Desk, habits: Habits | None = None) -> AsyncIterator[str]:
    """Serve the vendor alone; gives `ws://host:port/deepgram`."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        app = Starlette(routes=[Mount("/deepgram", routes=list(routes(desk, habits)))])
        server = QuietServer(server_config(app))
        async with anyio.create_task_group() as group:
            group.start_soon(server.serve, [listening])
            await server.ready.wait()
            try:
                yield "ws://{}:{}/deepgram".format(*listening.getsockname())
            finally:
                server.should_exit = True


def listening(base: str, query: str = NOVA, *, version: int = 1, key: str = VALID_KEY) -> connect:
    """A connection to `/v1/listen` or `/v2/listen`."""
    return connect(
        f"{base}/v{version}/listen?{query}",
        additional_headers={"Authorization": f"Token {key}"},
        compression=None,
        proxy=None,
    )


async def say(client: ClientConnection, kind: str, **fields: Any) -> None:
    """Send a control message."""
    await client.send(orjson.dumps({"type": kind, **fields}).decode())


async def message(client: ClientConnection) -> dict[str, Any]:
    """The next message."""
    with anyio.fail_after(5):
        found: dict[str, Any] = orjson.loads(await client.recv())
    return found


async def until(client: ClientConnection, kind: str) -> dict[str, Any]:
    """The next message whose type or event is `kind`."""
    while True:
        found = await message(client)
        if kind in (found["type"], found.get("event")):
            return found


async def rest(client: ClientConnection) -> list[dict[str, Any]]:
    """Everything until the connection closes."""
    messages = []
    with contextlib.suppress(ConnectionClosed):
        while True:
            messages.append(await message(client))
    return messages
