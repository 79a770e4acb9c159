"""Ticks a handset in real time over a WebSocket: the part both kinds of phone share."""

from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol
from urllib.parse import urlsplit

import anyio
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from voice_agent.core.errors import TransportClosed
from voice_agent.simulation.handset import Handset, Message

OPEN_TIMEOUT: Final = 10.0
CLOSE_TIMEOUT: Final = 3.0
CLEAN_CODES: Final = (1000, 1001, 1005)
REFUSED_CODE: Final = 1008

OPENING_ERRORS: Final = (OSError, TimeoutError, InvalidHandshake, InvalidURI)
"""What `open_socket` may raise."""


class EndedBy(StrEnum):
    """Which side ended the stream."""

    CALLER = "caller"
    AGENT = "agent"
    LOST = "lost"


class Socket(Protocol):
    """What a stream needs of a WebSocket connection."""

    @property
    def close_code(self) -> int | None:
        """Why it was closed, after it was."""
        ...

    @property
    def close_reason(self) -> str | None:
        """The same in words."""
        ...

    async def send(self, message: Message) -> None:
        """Send one message; raises ConnectionClosed."""
        ...

    async def close(self) -> None:
        """Close the connection, if it still is open."""
        ...

    def __aiter__(self) -> AsyncIterator[Message]:
        """The messages until the other side closes; raises ConnectionClosed when it is lost."""
        ...


@dataclass(frozen=True, slots=True)
class StreamEnd:
    """How a stream ended; `late_ms` is the phone's own worst tick, for judging the measurement."""

    by: EndedBy
    code: int = 0
    reason: str = ""
    late_ms: float = 0.0


def is_loopback(url: str) -> bool:
    """Whether a URL is on this machine, where no proxy may stand between."""
    return (urlsplit(url).hostname or "") in ("127.0.0.1", "::1", "localhost")


def open_socket(url: str, headers: dict[str, str] | None = None) -> connect:
    """A WebSocket the way Twilio opens it: no compression, no retries."""
    return connect(
        url,
        compression=None,
        additional_headers=headers,
        proxy=None if is_loopback(url) else True,
        open_timeout=OPEN_TIMEOUT,
        close_timeout=CLOSE_TIMEOUT,
        user_agent_header="voice-agent-simulated-phone",
    )


def not_opened(url: str, error: BaseException) -> TransportClosed:
    """The error for a socket that could not be opened."""
    if isinstance(error, ConnectionRefusedError):
        return TransportClosed(f"nothing answers at {url}; start the server with `make run`")
    return TransportClosed(f"{url} could not be opened: {str(error) or type(error).__name__}")


async def run_stream(
    socket: Socket,
    handset: Handset,
    opening: Iterable[Message],
    goodbye: Callable[[], Message],
) -> StreamEnd:
    """Talk over an open socket until one side ends it.

    `goodbye` makes the last message when the caller hangs up.
    """
    return await _Stream(socket, handset).run(opening, goodbye)


class _Stream:
    def __init__(self, socket: Socket, handset: Handset) -> None:
        self._socket = socket
        self._handset = handset
        self._hung_up = False
        self._late = 0.0

    async def run(self, opening: Iterable[Message], goodbye: Callable[[], Message]) -> StreamEnd:
        try:
            for message in opening:
                await self._socket.send(message)
            async with anyio.create_task_group() as group:
                group.start_soon(self._listen, group.cancel_scope)
                await self._talk()
                group.cancel_scope.cancel()
            if self._hung_up:
                await self._socket.send(goodbye())
        except* ConnectionClosed:
            pass
        await self._socket.close()
        return self._end()

    async def _listen(self, scope: anyio.CancelScope) -> None:
        async for message in self._socket:
            for answer in self._handset.receive(message):
                await self._socket.send(answer)
        scope.cancel()

    async def _talk(self) -> None:
        """Ticks on an absolute schedule; what a tick produced is sent when its 20 ms are over."""
        start = anyio.current_time() - self._handset.now
        while not self._hung_up:
            tick = self._handset.tick()
            due = start + self._handset.now
            await anyio.sleep_until(due)
            self._late = max(self._late, anyio.current_time() - due)
            for message in self._handset.messages(tick):
                await self._socket.send(message)
            self._hung_up = tick.hang_up

    def _end(self) -> StreamEnd:
        code = self._socket.close_code or 1006
        reason = self._socket.close_reason or ""
        if self._hung_up:
            by = EndedBy.CALLER
        else:
            by = EndedBy.AGENT if code in CLEAN_CODES else EndedBy.LOST
        return StreamEnd(by, code, reason, 1000 * self._late)
