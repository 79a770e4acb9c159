"""One WebSocket as a telephone line needs it: one reader, ordered sends, deadlines."""

from typing import Final

import anyio
import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect

from voice_agent.core.errors import TransportClosed

logger = structlog.get_logger(__name__)

SEND_SECONDS: Final = 5.0
"""A peer that takes nothing for this long is gone."""
CLOSE_SECONDS: Final = 2.0

NORMAL: Final = 1000
POLICY: Final = 1008
"""Close codes of RFC 6455, section 7.4.1."""
LEAVING: Final = (NORMAL, 1001)
"""Codes of a peer that goes on purpose: done, or its page was left."""

_GONE: Final = (WebSocketDisconnect, RuntimeError, OSError)


class WebSocketLine:
    """An accepted WebSocket; whatever happens to it ends in `over`.

    `left` tells that the peer went on purpose.
    """

    def __init__(self, socket: WebSocket, *, send_seconds: float = SEND_SECONDS) -> None:
        """`send_seconds` is the longest a message may take to leave."""
        self._socket = socket
        self._send_seconds = send_seconds
        self._sending = anyio.Lock(fast_acquire=True)
        self._reading: anyio.CancelScope | None = None
        self.over = False
        self.hung_up = False
        self.left = False

    async def receive(self) -> str | bytes | None:
        """The next message; None when the line is over or `wake` was called."""
        if self.over:
            return None
        scope = self._reading = anyio.CancelScope()
        try:
            with scope:
                return await self._take()
        finally:
            self._reading = None
        return None

    def wake(self) -> None:
        """Make a waiting `receive` return now."""
        if self._reading is not None:
            self._reading.cancel()

    async def send(self, data: str | bytes) -> None:
        """Send in order; does nothing once the line is over.

        Raises:
            TransportClosed: the peer takes nothing any more.
        """
        with anyio.move_on_after(self._send_seconds) as deadline:
            async with self._sending:
                if not self.over:
                    await self._put(data)
        if deadline.cancelled_caught:
            self._lose()
            raise TransportClosed(f"the peer took nothing for {self._send_seconds:g} s")

    async def close(self, code: int = NORMAL, reason: str = "") -> None:
        """Hang up; safe to repeat."""
        if self.over:
            return
        self.over = self.hung_up = True
        with anyio.move_on_after(CLOSE_SECONDS, shield=True):
            try:
                await self._socket.close(code, reason)
            except _GONE:
                logger.debug("websocket.closed_already")
        self.wake()

    async def _take(self) -> str | bytes | None:
        try:
            message = await self._socket.receive()
        except _GONE:
            self.over = True
            return None
        if message["type"] != "websocket.receive":
            self.over = True
            self.left = message.get("code") in LEAVING
            return None
        text: str | None = message.get("text")
        return text if text is not None else bytes(message["bytes"])

    async def _put(self, data: str | bytes) -> None:
        try:
            if isinstance(data, str):
                await self._socket.send_text(data)
            else:
                await self._socket.send_bytes(data)
        except _GONE:
            self._lose()

    def _lose(self) -> None:
        self.over = True
        self.wake()
