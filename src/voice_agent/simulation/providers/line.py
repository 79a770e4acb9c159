"""A vendor's end of a WebSocket that speaks: admission, sending, and its bad days."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anyio
import orjson
from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from voice_agent.simulation.providers.desk import Desk, Seen
from voice_agent.simulation.providers.faults import Fault, FaultKind
from voice_agent.simulation.providers.server import drop

Event = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Manners:
    """How a vendor turns connections away, and what it babbles on bad days."""

    provider: str
    unauthorized: Callable[[], Response]
    throttled: Callable[[float], Response]
    failed: Callable[[], Response]
    garbage: Sequence[str | bytes]


@dataclass(slots=True)
class Fate:
    """The fault that hangs over one answer, and how many of its events have passed."""

    fault: Fault | None
    passed: int = 0


class Line:
    """One open socket; sending on it never fails, and does nothing once it is over."""

    def __init__(self, desk: Desk, manners: Manners, socket: WebSocket) -> None:
        """The socket must have been accepted."""
        self.desk = desk
        self._manners = manners
        self._socket = socket
        self._mute = False
        self._over = False
        self.last_traffic = anyio.current_time()

    @property
    def over(self) -> bool:
        """Whether either side has left."""
        return self._over

    async def messages(self) -> AsyncIterator[str | bytes]:
        """What the client sends, noted in the journal; ends when it leaves."""
        while not self._over:
            received = await self._socket.receive()
            if received["type"] == "websocket.disconnect":
                self._over = True
                return
            self.last_traffic = anyio.current_time()
            text = received.get("text")
            message = received["bytes"] if text is None else text
            self.note(_decoded(message))
            yield message

    def note(self, body: Any, place: str = "") -> None:
        """Put something into the journal; `place` says where, after the path."""
        url, headers = self._socket.url, dict(self._socket.headers)
        path = url.path + (place or (f"?{url.query}" if url.query else ""))
        self.desk.journal.append(Seen(self._manners.provider, path, body, headers))

    async def send(self, event: Event | str | bytes) -> None:
        """Send a JSON event, or raw text or bytes as they are."""
        if self._mute or self._over:
            return
        self.last_traffic = anyio.current_time()
        try:
            if isinstance(event, bytes):
                await self._socket.send_bytes(event)
            else:
                text = event if isinstance(event, str) else orjson.dumps(event).decode()
                await self._socket.send_text(text)
        except (WebSocketDisconnect, RuntimeError):
            self._over = True

    async def answer(self, event: Event, fate: Fate, error: Event, *, last: bool = False) -> bool:
        """Send the next event of an answer, or let its fault strike; false if `error` went out.

        The fault strikes when its time has come, and at the latest instead of the `last` event.
        """
        fault = fate.fault
        if fault and (last or fate.passed >= fault.after):
            return await self._strike(fault, error)
        fate.passed += 1
        await self.send(event)
        return True

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Say goodbye."""
        self.last_traffic = anyio.current_time()
        if self._mute or self._over:
            return
        self._over = True
        if self._socket.application_state is WebSocketState.CONNECTED:
            try:
                await self._socket.close(code, reason[:120])
            except (WebSocketDisconnect, RuntimeError):
                return

    async def _strike(self, fault: Fault, error: Event) -> bool:
        match fault.kind:
            case FaultKind.STALL:
                self._mute = True
            case FaultKind.RESET:
                self._over = True
                drop(self._socket.scope)
            case FaultKind.CUT:
                await self.close()
            case FaultKind.GARBAGE:
                await self.send(self.desk.chance.choice(self._manners.garbage))
            case _:
                await self.send(error)
                return False
        return True


async def turned_away(desk: Desk, manners: Manners, socket: WebSocket) -> bool:
    """Let the fault strike that is ordered for this connect, if one is."""
    fault = desk.fate(manners.provider, connecting=True)
    if fault is None:
        return False
    match fault.kind:
        case FaultKind.REFUSE:
            drop(socket.scope)
            while (await socket.receive())["type"] != "websocket.disconnect":
                pass
        case FaultKind.UNAUTHORIZED:
            await socket.send_denial_response(manners.unauthorized())
        case FaultKind.THROTTLE:
            await socket.send_denial_response(manners.throttled(fault.retry_after))
        case _:
            await socket.send_denial_response(manners.failed())
    return True


@asynccontextmanager
async def open_line(
    desk: Desk, manners: Manners, socket: WebSocket, headers: Mapping[str, str]
) -> AsyncIterator[Line]:
    """Accept the socket and count it while it is open."""
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    await socket.accept(headers=pairs)
    name = manners.provider
    desk.connections[name] = desk.connections.get(name, 0) + 1
    line = Line(desk, manners, socket)
    line.note(None)
    try:
        yield line
    finally:
        desk.connections[name] -= 1


def _decoded(message: str | bytes) -> Any:
    try:
        return orjson.loads(message)
    except ValueError:
        return message
