"""A client that says and hears JSON over a WebSocket, for tests of simulated providers."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import anyio
import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

LARGEST = 2**24


class Talk:
    """One open socket."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def send(self, message: Mapping[str, Any]) -> None:
        await self.socket.send(orjson.dumps(message).decode())

    async def hear(self) -> dict[str, Any]:
        with anyio.fail_after(5):
            message: dict[str, Any] = orjson.loads(await self.socket.recv())
            return message

    async def until(self, *fields: str) -> list[dict[str, Any]]:
        """Messages up to the first in which one of the fields is true."""
        heard = [await self.hear()]
        while not any(heard[-1].get(field) for field in fields):
            heard.append(await self.hear())
        return heard

    async def closing(self) -> tuple[list[dict[str, Any]], int]:
        """What comes before the close, and its code (1006 for a reset)."""
        heard: list[dict[str, Any]] = []
        try:
            while True:
                heard.append(await self.hear())
        except ConnectionClosed as closed:
            return heard, closed.rcvd.code if closed.rcvd else 1006

    async def silent(self, seconds: float = 0.15) -> bool:
        """Whether nothing comes for so long."""
        with anyio.move_on_after(seconds):
            await self.socket.recv()
            return False
        return True


@asynccontextmanager
async def talk_to(url: str, headers: Mapping[str, str]) -> AsyncIterator[Talk]:
    """Connect; `url` may begin with http."""
    address = url.replace("http", "ws", 1)
    async with connect(address, additional_headers=dict(headers), max_size=LARGEST) as socket:
        yield Talk(socket)
