"""A plain client of the simulated Realtime API, which sees every byte."""

import contextlib
import socket
from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any, Final

import anyio
import orjson
from starlette.applications import Starlette
from starlette.routing import Mount
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from support.live_server import QuietServer
from voice_agent.simulation.providers.desk import VALID_KEY, Desk
from voice_agent.simulation.providers.openai.realtime import LONGEST_SESSION, routes
from voice_agent.simulation.providers.server import server_config

MODEL: Final = "gpt-realtime-2.1"
PHONE_SESSION: Final[dict[str, Any]] = {
    "type": "realtime",
    "audio": {
        "input": {
            "format": {"type": "audio/pcmu"},
            "transcription": {"model": "gpt-live-transcribe"},
        },
        "output": {"format": {"type": "audio/pcmu"}},
    },
}
FIND: Final[dict[str, Any]] = {
    "type": "function",
    "name": "find",
    "description": "Finds an order.",
    "parameters": {"type": "object", "properties": {}},
}


@contextlib.asynccontextmanager
async def realtime(desk: Desk, longest_session: float = LONGEST_SESSION) -> AsyncIterator[str]:
    """Serve the Realtime API alone; gives `ws://host:port/openai/v1`."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        app = Starlette(routes=[Mount("/openai", routes=list(routes(desk, longest_session)))])
        server = QuietServer(server_config(app))
        async with anyio.create_task_group() as group:
            group.start_soon(server.serve, [listening])
            await server.ready.wait()
            try:
                yield "ws://{}:{}/openai/v1".format(*listening.getsockname())
            finally:
                server.should_exit = True


class RealtimeClient:
    """One connection; what it received is in `events`."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.events: list[dict[str, Any]] = []

    async def send(self, kind: str, **fields: Any) -> None:
        """Send an event."""
        await self.socket.send(orjson.dumps({"type": kind, **fields}).decode())

    async def append(self, sound: bytes) -> None:
        """Send sound."""
        await self.send("input_audio_buffer.append", audio=b64encode(sound).decode())

    async def update(self, **session: Any) -> dict[str, Any]:
        """Change the session; gives the answer, which may be an error."""
        await self.send("session.update", session=session)
        return await self.until("session.updated", "error")

    async def until(self, *kinds: str) -> dict[str, Any]:
        """The next event of one of these kinds."""
        with anyio.fail_after(10):
            while True:
                event: dict[str, Any] = orjson.loads(await self.socket.recv())
                self.events.append(event)
                if event["type"] in kinds:
                    return event

    async def error(self) -> dict[str, Any]:
        """The next error."""
        found: dict[str, Any] = (await self.until("error"))["error"]
        return found

    async def rest(self) -> list[dict[str, Any]]:
        """Everything until the connection closes."""
        with contextlib.suppress(ConnectionClosed), anyio.fail_after(10):
            async for frame in self.socket:
                self.events.append(orjson.loads(frame))
        return self.events

    def kinds(self) -> list[str]:
        """What came so far, by type."""
        return [event["type"] for event in self.events]


@contextlib.asynccontextmanager
async def talking(
    base: str, *, model: str = MODEL, key: str = VALID_KEY, **headers: str
) -> AsyncIterator[RealtimeClient]:
    """A connection to `/realtime`."""
    sent = {"Authorization": f"Bearer {key}"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    url = f"{base}/realtime?model={model}"
    async with connect(url, additional_headers=sent, compression=None, proxy=None) as socket:
        yield RealtimeClient(socket)
