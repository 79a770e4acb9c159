"""A caller in a browser: the shell around `browser_protocol`."""

from collections import deque
from collections.abc import AsyncIterator
from typing import Final

import anyio
import structlog

from voice_agent.core.audio import WIDEBAND, AudioFormat
from voice_agent.core.call import Disposition
from voice_agent.core.errors import TransportClosed
from voice_agent.core.events import CallEvent
from voice_agent.core.ports import (
    ClearAudio,
    LineClosed,
    PlayAudio,
    SendMark,
    TransportCommand,
    TransportEvent,
)
from voice_agent.transports.browser_protocol import (
    BrowserMessageError,
    BrowserProtocol,
    Event,
    HelloReceived,
    ended,
    error,
    event,
    ready,
)
from voice_agent.transports.outbox import Outbox
from voice_agent.transports.websocket_line import POLICY, WebSocketLine

logger = structlog.get_logger(__name__)

HELLO_SECONDS: Final = 10.0
"""How long `hello` may take to come."""
MALFORMED_BUDGET: Final = 50
"""Malformed messages a connection may send before it is closed."""
ENDING_SECONDS: Final = 3.0
"""How long the last messages may take to leave."""


class BrowserTransport:
    """The caller at the other end of `/ws/voice`; satisfies `MediaTransport`."""

    def __init__(self, line: WebSocketLine) -> None:
        """`line` is accepted; nothing was read from it."""
        self._line = line
        self._protocol = BrowserProtocol()
        self._ready: deque[Event] = deque()
        self._outbox = Outbox()
        self._hung_up = False

    @property
    def format(self) -> AudioFormat:
        """PCM16 at 16 kHz."""
        return WIDEBAND

    async def started(self, call_id: str, seconds: float = HELLO_SECONDS) -> None:
        """Wait for the page's `hello` and answer it.

        Raises:
            TransportClosed: it did not come within `seconds`, or the socket closed.
        """
        with anyio.move_on_after(seconds) as deadline:
            while not isinstance(await self._next(), HelloReceived):
                if self._line.over:
                    raise TransportClosed("the page left before its hello")
        if deadline.cancelled_caught:
            raise TransportClosed(f"no hello came within {seconds:g} s")
        await self._line.send(ready(call_id))

    async def events(self) -> AsyncIterator[TransportEvent]:
        """What comes from the caller; ends after `LineClosed`."""
        while True:
            happened = await self._next()
            if isinstance(happened, HelloReceived):
                continue
            yield happened
            if isinstance(happened, LineClosed):
                return

    async def send(self, command: TransportCommand) -> None:
        """Carry out one command; after the line closed it does nothing.

        Raises:
            TransportClosed: the page takes nothing any more.
        """
        if self._line.over or self._hung_up:
            return
        match command:
            case PlayAudio(data):
                if data:
                    await self._line.send(data)
            case SendMark(name):
                await self._line.send(self._protocol.mark(name))
            case ClearAudio():
                text, dropped = self._protocol.clear()
                self._ready.extend(dropped)
                self._line.wake()
                await self._line.send(text)

    def show(self, event: CallEvent) -> None:
        """Let the page follow the call; a slow page loses interim events first."""
        self._outbox.put(event)

    async def close(self) -> None:
        """Hang up; the socket stays for the last messages of `finish`."""
        self._hung_up = True
        self._line.wake()

    async def write_events(self) -> None:
        """Send what is to be shown, until cancelled or the page is gone."""
        try:
            while not self._line.over:
                happened = await self._outbox.first()
                await self._line.send(event(happened))
                self._outbox.sent(happened)
        except TransportClosed:
            logger.info("browser.stuck")

    async def finish(self, disposition: Disposition) -> None:
        """Send what is left to show and how the call ended, and close."""
        with anyio.move_on_after(ENDING_SECONDS, shield=True):
            try:
                while (left := self._outbox.take()) is not None:
                    await self._line.send(event(left))
                await self._line.send(ended(disposition))
            except TransportClosed:
                logger.info("browser.stuck")
        if self._outbox.dropped:
            logger.info("browser.events_dropped", count=self._outbox.dropped)
        await self._line.close()

    async def refuse(self, reason: str) -> None:
        """Close without a call."""
        await self._line.close(POLICY, reason)

    async def _next(self) -> Event:
        while not self._ready:
            if self._hung_up:
                return LineClosed(clean=True)
            message = await self._line.receive()
            if message is not None:
                await self._take(message)
            elif self._line.over:
                closed = self._protocol.closed(left=self._line.left)
                self._ready.extend(closed or [LineClosed(clean=False)])
        return self._ready.popleft()

    async def _take(self, message: str | bytes) -> None:
        try:
            self._ready.extend(self._protocol.receive(message))
        except BrowserMessageError as problem:
            await self._malformed(problem)

    async def _malformed(self, problem: BrowserMessageError) -> None:
        if self._protocol.malformed == 1:
            logger.warning("browser.message_malformed", reason=str(problem))
        if self._protocol.malformed < MALFORMED_BUDGET:
            await self._complain(problem)
            return
        logger.warning("browser.refused", reason="too many malformed messages")
        await self.refuse("too many malformed messages")

    async def _complain(self, problem: BrowserMessageError) -> None:
        try:
            await self._line.send(error(problem.code, str(problem)))
        except TransportClosed:
            logger.info("browser.stuck")
