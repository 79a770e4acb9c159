"""The shell around OpenAI's Realtime API: one socket for each call, and its deadlines."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final
from urllib.parse import quote, urlsplit, urlunsplit

import anyio
import anyio.lowlevel
import httpx2
import structlog
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from voice_agent.core.errors import ProviderError, ProviderUnavailable
from voice_agent.core.mailbox import Mailbox
from voice_agent.core.realtime import (
    RealtimeCommand,
    RealtimeEvent,
    RealtimeFailed,
    RealtimeRequest,
)
from voice_agent.engines.hosted import new_http_client, open_socket, refusal
from voice_agent.engines.realtime.openai.options import NAME, Options
from voice_agent.engines.realtime.openai.protocol import RealtimeProtocol

log = structlog.get_logger(__name__)

PROBE_WITHIN: Final = 10.0
"""Deadline of a probe (s)."""
WARM_WITHIN: Final = 1.0
"""Deadline of warming up (s)."""
CLOSE_WITHIN: Final = 1.0
"""Deadline of closing a socket (s)."""
UNSENT: Final = 1024
"""Messages that may wait for the socket: at 20 ms each, the server has stopped reading."""


class OpenAIRealtimeModel:
    """Opens a session for each call."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._headers = {"Authorization": f"Bearer {options.api_key.get_secret_value()}"}

    @asynccontextmanager
    async def open(
        self, request: RealtimeRequest, emit: Callable[[RealtimeEvent], None]
    ) -> AsyncIterator["_Session"]:
        """A session whose settings the server has taken; see the port.

        Raises:
            ProviderError: there is none to be had.
        """
        options = self._options
        socket = await open_socket(
            NAME, self._address(), self._headers, within=options.connect_within
        )
        try:
            session = _Session(socket, RealtimeProtocol(request, options), emit)
            await session.begin(options.ready_within)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(session.read)
                tasks.start_soon(session.write)
                tasks.start_soon(session.grow_old, options.longest_session)
                try:
                    yield session
                finally:
                    session.over = True
                    tasks.cancel_scope.cancel()
        finally:
            with anyio.move_on_after(CLOSE_WITHIN, shield=True):
                await socket.close()

    async def warm(self) -> None:
        """Find out the way to the provider; never raises."""
        with anyio.move_on_after(WARM_WITHIN), suppress(ProviderError):
            await self._ask_for_model()

    async def probe(self) -> None:
        """Ask for the model by name: right key, known model, provider there?

        Raises:
            ProviderError: it would not work; the message says what to do.
        """
        with anyio.move_on_after(PROBE_WITHIN):
            await self._ask_for_model()
            return
        raise ProviderUnavailable(f"no answer within {PROBE_WITHIN:g} s", provider=NAME)

    def _address(self) -> str:
        parts = urlsplit(f"{self._options.home}/realtime")
        scheme = "wss" if parts.scheme == "https" else "ws"
        query = f"model={quote(self._options.model, safe='')}"
        return urlunsplit((scheme, parts.netloc, parts.path, query, ""))

    async def _ask_for_model(self) -> None:
        path = f"models/{quote(self._options.model, safe='')}"
        try:
            async with new_http_client(self._options.home + "/", self._headers) as client:
                response = await client.get(path)
        except (httpx2.HTTPError, OSError) as error:
            raise ProviderUnavailable(
                f"no connection ({type(error).__name__})", provider=NAME
            ) from None
        if response.status_code >= 400:
            raise refusal(NAME, response.status_code, f"the key or model {self._options.model}")


class _Session:
    """One call's session."""

    def __init__(
        self,
        socket: ClientConnection,
        protocol: RealtimeProtocol,
        emit: Callable[[RealtimeEvent], None],
    ) -> None:
        self._socket = socket
        self._protocol = protocol
        self._emit = emit
        self._unsent: Mailbox[str] = Mailbox(UNSENT)
        self._logged = 0
        self.over = False

    async def begin(self, within: float) -> None:
        """Have the server take the session's settings; no sound is sent before.

        Raises:
            ProviderError: it did not.
        """
        self._protocol.begin()
        with anyio.move_on_after(within):
            try:
                # A server that refuses says why before it closes.
                with suppress(ConnectionClosed):
                    await self._send_outbox()
                while not self._protocol.ready:
                    self._refuse(self._protocol.receive(await self._socket.recv()))
            except ConnectionClosed as closed:
                raise _gone(closed) from None
            self._post()
            return
        raise ProviderUnavailable(f"no session within {within:g} s", provider=NAME)

    def send(self, command: RealtimeCommand) -> None:
        """Take the next command."""
        if not self.over:
            self._protocol.send(command)
            self._post()

    async def read(self) -> None:
        """Tell what the server tells, until the socket closes."""
        try:
            async for message in self._socket:
                events = self._protocol.receive(message)
                self._post()
                self._log_errors()
                for event in events:
                    self._tell(event)
                # A flood of sound must not keep other calls waiting.
                await anyio.lowlevel.checkpoint()
        except ConnectionClosed as closed:
            self._fail(_gone(closed))
        self._fail(ProviderUnavailable("it closed the connection", provider=NAME))

    async def write(self) -> None:
        """Send what is to be sent."""
        try:
            while True:
                await self._socket.send(await self._unsent.get())
        except ConnectionClosed as closed:
            self._fail(_gone(closed))

    async def grow_old(self, seconds: float) -> None:
        """Leave before the server ends the session."""
        await anyio.sleep(seconds)
        self._fail(ProviderUnavailable(f"the session is {seconds:g} s old", provider=NAME))

    def _post(self) -> None:
        for text in self._protocol.outbox:
            self._unsent.put(text)
        self._protocol.outbox.clear()
        if self._unsent.dropped:
            self._fail(ProviderUnavailable("it does not take the sound", provider=NAME))

    async def _send_outbox(self) -> None:
        for text in self._protocol.outbox:
            await self._socket.send(text)
        self._protocol.outbox.clear()

    def _refuse(self, events: list[RealtimeEvent]) -> None:
        for event in events:
            if isinstance(event, RealtimeFailed):
                raise event.error

    def _tell(self, event: RealtimeEvent) -> None:
        if isinstance(event, RealtimeFailed):
            self._fail(event.error)
        elif not self.over:
            self._emit(event)

    def _fail(self, error: ProviderError) -> None:
        if not self.over:
            self.over = True
            self._emit(RealtimeFailed(error))

    def _log_errors(self) -> None:
        codes = self._protocol.counts.codes
        for code in codes[self._logged :]:
            log.warning("realtime.error", provider=NAME, code=code)
        self._logged = len(codes)


def _gone(closed: ConnectionClosed) -> ProviderUnavailable:
    code = closed.rcvd.code if closed.rcvd is not None else "none"
    return ProviderUnavailable(f"the connection broke (close code {code})", provider=NAME)
