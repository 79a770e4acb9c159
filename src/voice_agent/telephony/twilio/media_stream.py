"""A Twilio media stream on a WebSocket: the shell around `media_protocol`."""

from collections import deque
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Final

import anyio
import structlog

from voice_agent.core.audio import PHONE, AudioFormat
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
from voice_agent.telephony.twilio.media_protocol import (
    Event,
    MediaProtocol,
    MediaStreamError,
    StreamConnected,
    StreamStarted,
)
from voice_agent.transports.websocket_line import POLICY, WebSocketLine

logger = structlog.get_logger(__name__)

START_SECONDS: Final = 10.0
"""How long `connected` and `start` may take to come."""
MALFORMED_IN_A_ROW: Final = 50
"""One second of nothing but malformed messages is no telephone."""


class TwilioTransport:
    """The caller at the other end of a Twilio media stream; satisfies `MediaTransport`."""

    def __init__(self, line: WebSocketLine) -> None:
        """`line` is accepted; nothing was read from it."""
        self._line = line
        self._protocol = MediaProtocol()
        self._ready: deque[Event] = deque()
        self._malformed_in_a_row = 0

    @property
    def format(self) -> AudioFormat:
        """Mu-law at 8 kHz."""
        return PHONE

    async def started(self, seconds: float = START_SECONDS) -> StreamStarted:
        """Wait for the stream to start.

        Raises:
            TransportClosed: it did not within `seconds`, or the socket closed.
        """
        with anyio.move_on_after(seconds):
            while True:
                match await self._next():
                    case StreamStarted() as started:
                        return started
                    case LineClosed():
                        raise TransportClosed("the stream closed before it started")
        raise TransportClosed(f"the stream did not start within {seconds:g} s")

    async def events(self) -> AsyncIterator[TransportEvent]:
        """What comes from the caller; ends after `LineClosed`."""
        while True:
            event = await self._next()
            if isinstance(event, StreamConnected | StreamStarted):
                continue
            if isinstance(event, LineClosed):
                self._report()
            yield event
            if isinstance(event, LineClosed):
                return

    async def send(self, command: TransportCommand) -> None:
        """Carry out one command; after the line closed it does nothing.

        Raises:
            TransportClosed: Twilio takes nothing any more.
        """
        if self._line.over or not self._protocol.streaming:
            return
        match command:
            case PlayAudio(data):
                if data:
                    await self._line.send(self._protocol.play(data))
            case SendMark(name):
                await self._line.send(self._protocol.mark(name))
            case ClearAudio():
                await self._line.send(self._protocol.clear())

    def show(self, event: CallEvent) -> None:
        """A telephone has no screen."""

    async def close(self) -> None:
        """Hang up; safe to repeat."""
        await self._line.close()

    async def refuse(self) -> None:
        """Close without a call."""
        await self._line.close(POLICY, "refused")

    async def _next(self) -> Event:
        while not self._ready:
            message = await self._line.receive()
            if message is not None:
                await self._take(message)
            elif self._line.over:
                self._ready.extend(self._over())
        return self._ready.popleft()

    async def _take(self, message: str | bytes) -> None:
        try:
            self._ready.extend(self._protocol.receive(_text(message)))
            self._malformed_in_a_row = 0
        except MediaStreamError as error:
            await self._malformed(error)

    async def _malformed(self, error: MediaStreamError) -> None:
        self._malformed_in_a_row += 1
        if self._malformed_in_a_row == 1:
            logger.warning("twilio.message_malformed", reason=str(error))
        if self._malformed_in_a_row >= MALFORMED_IN_A_ROW:
            logger.warning("twilio.stream_refused", reason="nothing but malformed messages")
            self._ready.extend(self._protocol.closed())
            await self.refuse()

    def _over(self) -> list[Event]:
        if self._line.hung_up:
            return [LineClosed(clean=True)]
        return self._protocol.closed() or [LineClosed(clean=False)]

    def _report(self) -> None:
        counts = {name: count for name, count in asdict(self._protocol.counts).items() if count}
        if counts:
            logger.info("twilio.stream_was_impure", **counts)


def _text(message: str | bytes) -> str:
    if isinstance(message, bytes):
        raise MediaStreamError("the message is binary")
    return message
