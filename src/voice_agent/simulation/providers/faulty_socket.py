"""A provider's WebSocket with the bad day that was ordered for it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import anyio
import orjson
from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect

from voice_agent.core.chat import JsonObject
from voice_agent.simulation.providers.desk import Desk, Seen
from voice_agent.simulation.providers.faults import Fault, FaultKind
from voice_agent.simulation.providers.server import drop, transport

_EMPTY_CLOSE: Final = b"\x88\x00"


class SocketGone(Exception):
    """There is nobody left to talk to."""


@dataclass(frozen=True, slots=True)
class SocketDialect:
    """How a vendor refuses, breaks down and babbles on a WebSocket.

    `fails_midway` sends whatever the vendor sends at a fault of its own and closes; `garbage`
    are frames, text or binary.
    """

    provider: str
    unauthorized: Callable[[], Response]
    throttled: Callable[[float], Response]
    failed: Callable[[], Response]
    fails_midway: Callable[["FaultySocket"], Awaitable[None]]
    garbage: Sequence[str | bytes]


@dataclass(slots=True)
class FaultySocket:
    """The server's end of one connection; one task may send."""

    websocket: WebSocket
    dialect: SocketDialect
    fault: Fault | None
    sent: int = 0
    """Messages the client got."""
    _stalled: bool = field(default=False, init=False)

    async def refused(self) -> bool:
        """Answer the handshake as the fault demands; false when it does not concern it."""
        if self.fault is None:
            return False
        match self.fault.kind:
            case FaultKind.REFUSE:
                drop(self.websocket.scope)
                await _left(self.websocket)
            case FaultKind.UNAUTHORIZED:
                await deny(self.websocket, self.dialect.unauthorized())
            case FaultKind.THROTTLE:
                await deny(self.websocket, self.dialect.throttled(self.fault.retry_after))
            case FaultKind.ERROR if self.fault.after == 0:
                await deny(self.websocket, self.dialect.failed())
            case _:
                return False
        return True

    async def send(self, message: JsonObject) -> None:
        """Send one JSON message, or strike instead.

        Raises:
            SocketGone: the connection is over.
        """
        if self.fault and self.sent == self.fault.after:
            await self._strike(self.fault)
        if not self._stalled:
            await self.send_raw(orjson.dumps(message).decode())
        self.sent += 1

    async def send_raw(self, frame: str | bytes) -> None:
        """Send one frame as it is.

        Raises:
            SocketGone: the connection is over.
        """
        try:
            if isinstance(frame, bytes):
                await self.websocket.send_bytes(frame)
            else:
                await self.websocket.send_text(frame)
        except (WebSocketDisconnect, RuntimeError):
            raise SocketGone from None

    async def close(self, code: int, reason: str = "") -> None:
        """End the connection.

        Raises:
            SocketGone: always.
        """
        if not self._stalled:
            try:
                await self.websocket.close(code, reason)
            except (WebSocketDisconnect, RuntimeError):
                raise SocketGone from None
            raise SocketGone
        await anyio.sleep_forever()

    async def close_without_code(self) -> None:
        """Send a close frame that holds no code, which clients report as 1005.

        Raises:
            SocketGone: always.
        """
        # The server library always writes a code.
        transport(self.websocket.scope).write(_EMPTY_CLOSE)
        raise SocketGone

    async def _strike(self, fault: Fault) -> None:
        match fault.kind:
            case FaultKind.STALL:
                self._stalled = True
            case FaultKind.RESET:
                drop(self.websocket.scope)
                raise SocketGone
            case FaultKind.CUT:
                await self.close(1000)
            case FaultKind.ERROR:
                await self.dialect.fails_midway(self)
            case FaultKind.GARBAGE:
                for frame in self.dialect.garbage:
                    await self.send_raw(frame)


@asynccontextmanager
async def counted(desk: Desk, provider: str) -> AsyncIterator[None]:
    """Counts a connection at the desk while it is open."""
    desk.connections[provider] = desk.connections.get(provider, 0) + 1
    try:
        yield
    finally:
        desk.connections[provider] -= 1


def note(desk: Desk, provider: str, websocket: WebSocket) -> None:
    """Put a handshake into the desk's journal."""
    url = websocket.url
    path = url.path + (f"?{url.query}" if url.query else "")
    desk.journal.append(Seen(provider, path, None, dict(websocket.headers)))


async def deny(websocket: WebSocket, response: Response) -> None:
    """Answer the handshake with an HTTP response."""
    await websocket.send_denial_response(response)


async def _left(websocket: WebSocket) -> None:
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass
