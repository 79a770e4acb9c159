"""Deepgram as a recogniser."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Final, Self

import anyio
import anyio.abc
import httpx2
import structlog
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, WebSocketException

from voice_agent.core.audio import PHONE
from voice_agent.core.clock import Clock, LoopClock
from voice_agent.core.errors import ProviderUnavailable
from voice_agent.core.speech import RecognitionEvent, RecognitionRequest
from voice_agent.engines.hosted import CONNECT_WITHIN, new_http_client, open_socket
from voice_agent.engines.stt.deepgram.flux_protocol import FluxProtocol
from voice_agent.engines.stt.deepgram.listen_protocol import ListenProtocol
from voice_agent.engines.stt.deepgram.messages import Malformed, read
from voice_agent.engines.stt.deepgram.options import DeepgramOptions, socket_url
from voice_agent.engines.stt.deepgram.protocol import CLOSE_STREAM, PROVIDER_NAME, SpeechProtocol
from voice_agent.engines.stt.deepgram.stream import DeepgramStream, closing_error

log = structlog.get_logger(__name__)

PROBE_WITHIN: Final = 3.0
"""How long a probe waits for its answer (s)."""
_PROBE_SOUND: Final = 0.1


class DeepgramRecognizer:
    """Hears each call through a socket of its own; enter it before use.

    Leaving it waits, for a limited time, until the sockets of calls that are over are closed.
    """

    def __init__(self, options: DeepgramOptions) -> None:
        """Nothing is connected yet."""
        self._options = options
        self._clock: Clock = LoopClock()
        self._farewells: anyio.abc.TaskGroup | None = None
        self._http: httpx2.AsyncClient | None = None

    async def __aenter__(self) -> Self:
        """Be ready for calls."""
        self._farewells = await anyio.create_task_group().__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait for the goodbyes; an error on its way out passes through as it is."""
        farewells, self._farewells = self._farewells, None
        http, self._http = self._http, None
        if http is not None:
            await http.aclose()
        if farewells is not None:
            if kind is not None:
                farewells.cancel_scope.cancel()
            await farewells.__aexit__(None, None, None)

    @asynccontextmanager
    async def open(
        self, request: RecognitionRequest, emit: Callable[[RecognitionEvent], None]
    ) -> AsyncIterator[DeepgramStream]:
        """Connect a call; see the port.

        Raises:
            ProviderError: the connection was refused.
        """
        farewells = self._farewells
        if farewells is None:
            raise RuntimeError("enter the recogniser before use")
        socket = await self._connect(request)
        protocol = self._protocol(request)
        model = self._options.model
        stream = DeepgramStream(socket, protocol, emit, model=model, clock=self._clock)
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(stream.run)
                try:
                    yield stream
                finally:
                    tasks.cancel_scope.cancel()
        finally:
            stream.leave()
            farewells.start_soon(stream.say_goodbye)

    async def warm(self) -> None:
        """Look up the name and shake hands once; a socket is opened only for a call."""
        if self._http is None:
            # Its certificates take long to load: once, not for each call.
            self._http = new_http_client(self._options.address.replace("ws", "http", 1), {})
        with anyio.move_on_after(CONNECT_WITHIN):
            try:
                await self._http.head("/")
            except (httpx2.HTTPError, OSError) as error:
                log.info("deepgram.not_warmed", error=type(error).__name__)

    async def probe(self) -> None:
        """Open a stream, send a moment of silence, and expect the server's word for it.

        Raises:
            ProviderError: calls would not be heard.
        """
        socket = await self._connect(RecognitionRequest(PHONE))
        try:
            with anyio.fail_after(PROBE_WITHIN):
                await socket.send(PHONE.silence(_PROBE_SOUND))
                await socket.send(CLOSE_STREAM)
                await self._expect_answer(socket)
        except TimeoutError:
            raise ProviderUnavailable("no answer to a probe", provider=PROVIDER_NAME) from None
        except ConnectionClosed as closed:
            raise closing_error(closed) from None
        except (WebSocketException, OSError):
            raise ProviderUnavailable("a probe failed", provider=PROVIDER_NAME) from None
        finally:
            socket.transport.abort()

    async def _expect_answer(self, socket: ClientConnection) -> None:
        wanted = "Connected" if self._options.flux else "Metadata"
        while True:
            message = await socket.recv()
            try:
                kind = read(message).get("type")
            except Malformed:
                continue
            if kind == wanted:
                return

    async def _connect(self, request: RecognitionRequest) -> ClientConnection:
        options = self._options
        socket = await open_socket(PROVIDER_NAME, socket_url(options, request), options.headers)
        answer = socket.response
        log.info(
            "deepgram.connected",
            model=options.model,
            request_id=answer.headers.get("dg-request-id", "") if answer else "",
        )
        return socket

    def _protocol(self, request: RecognitionRequest) -> SpeechProtocol:
        options, now = self._options, self._clock.now()
        if not options.flux:
            return ListenProtocol(now, finalize_within=options.finalize_within)
        return FluxProtocol(
            now,
            request.format,
            turn_end_within=options.turn_end_within,
            force_end_turn=options.force_end_turn,
        )
