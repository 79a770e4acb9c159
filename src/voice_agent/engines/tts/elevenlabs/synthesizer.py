"""ElevenLabs over shared WebSockets, or over HTTP for models that have no other way."""

from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, suppress
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote

import anyio
import httpx2
from websockets.asyncio.client import ClientConnection

from voice_agent.core.audio import PHONE
from voice_agent.core.clock import Clock, LoopClock
from voice_agent.core.errors import (
    ProviderError,
    ProviderGarbage,
    ProviderMisconfigured,
    ProviderUnavailable,
)
from voice_agent.core.speech import SpeechEvent, SpeechRequest
from voice_agent.engines.hosted import new_http_client, open_socket
from voice_agent.engines.tts.clause_events import ClauseEvent
from voice_agent.engines.tts.elevenlabs import protocol
from voice_agent.engines.tts.elevenlabs.catalogue import clone_fields, voices_of
from voice_agent.engines.tts.elevenlabs.options import HOME, NAME, ElevenLabsOptions
from voice_agent.engines.tts.hosted_requests import UPLOAD_WITHIN, HostedRequests
from voice_agent.engines.tts.hosted_speech import (
    SocketClause,
    assembled,
    characters,
    speak,
    unspoken,
)
from voice_agent.engines.tts.socket_pool import SocketPool, Wire
from voice_agent.engines.tts.voice_catalogue import VoiceInfo, about_voice, sample_type

_PAGE: Final = 100
_MOST_PAGES: Final = 20
_CLOSE_WITHIN: Final = 0.5
"""How long the end of an interrupted answer may take (s)."""


class ElevenLabs:
    """Speaks clauses of many calls; enter it before use."""

    def __init__(self, options: ElevenLabsOptions, clock: Clock | None = None) -> None:
        """Nothing is opened yet."""
        self._options = options
        self._clock = clock or LoopClock()
        self._base = (options.base_url or HOME).rstrip("/")
        self._key = {"xi-api-key": options.api_key.get_secret_value()}
        self._client = new_http_client(self._base, self._key)
        self._requests = HostedRequests(NAME, self._client, protocol.http_refusal)
        wire = Wire(NAME, self._connect, protocol.receive, protocol.closed, protocol.RULES)
        self._pool = SocketPool(wire, self._clock)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Start looking after connections."""
        self._stack.push_async_callback(self._client.aclose)
        await self._stack.enter_async_context(self._pool)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        """Close every connection."""
        return await self._stack.__aexit__(kind, error, trace)

    async def stream(self, request: SpeechRequest) -> AsyncGenerator[SpeechEvent, None]:
        """Speak one clause; see the port."""
        silent = unspoken(request, NAME)
        if silent is not None:
            for event in silent:
                yield event
            return
        speaking = self._over_http if self._options.over_http else self._over_socket
        async with aclosing(speaking(request)) as events:
            async for event in events:
                yield event

    async def synthesize_mp3(self, text: str, voice: str = "") -> bytes:
        """The text as an MP3 file, for a download or a preview.

        Raises:
            ProviderError: as for a clause.
        """
        voice = voice or self._options.voice
        body = protocol.preview_body(text, voice, PHONE, self._options)
        path = protocol.preview_path(voice)
        return await self._requests.body("POST", path, within=UPLOAD_WITHIN, json=body)

    async def warm(self) -> None:
        """Have a connection for the default voice; never raises."""
        with suppress(ProviderError, httpx2.HTTPError):
            with anyio.move_on_after(self._options.connect_within):
                if self._options.over_http:
                    await self._client.get("/v1/models")
                else:
                    await self._pool.warm(self._address(SpeechRequest("", PHONE)))

    async def probe(self) -> None:
        """Look up every configured voice, which costs nothing; see the port."""
        for voice in {self._options.voice, *self._options.voices.values()}:
            try:
                await self._requests.json("GET", f"/v1/voices/{quote(voice, safe='')}")
            except ProviderMisconfigured as error:
                known = await self.voices()
                raise about_voice(error, voice, known) from None

    async def voices(self) -> list[VoiceInfo]:
        """Every voice of the account; see `VoiceCatalogue`."""
        found: list[VoiceInfo] = []
        query: dict[str, Any] = {"page_size": _PAGE}
        for _ in range(_MOST_PAGES):
            page = await self._requests.json("GET", "/v2/voices", params=query)
            found += voices_of(page)
            token = page.get("next_page_token")
            if not page.get("has_more") or not isinstance(token, str):
                break
            query["next_page_token"] = token
        return found

    async def clone_voice(
        self, name: str, sample: bytes, language: str, description: str = ""
    ) -> str:
        """A new voice from a recording; see `VoiceCatalogue`."""
        kind = sample_type(sample, NAME)
        answer = await self._requests.json(
            "POST",
            "/v1/voices/add",
            within=UPLOAD_WITHIN,
            data=clone_fields(name, language, description),
            files=[("files", (f"sample.{kind.name}", sample, kind.media_type))],
        )
        voice = answer.get("voice_id")
        if not isinstance(voice, str) or not voice:
            raise ProviderGarbage("it made a voice without an id", provider=NAME)
        return voice

    def _address(self, request: SpeechRequest) -> str:
        socket = "ws" + self._base.removeprefix("http")
        return socket + protocol.socket_path(request, self._options)

    async def _connect(self, address: str) -> ClientConnection:
        try:
            within = self._options.connect_within
            return await open_socket(NAME, address, self._key, within=within)
        except ProviderError as error:
            raise protocol.handshake_refusal(error) from None

    def _over_socket(self, request: SpeechRequest) -> AsyncGenerator[SpeechEvent, None]:
        text = protocol.clause_text(request, self._options.model)
        settings = self._options.settings(request)
        clause = SocketClause(
            self._address(request),
            opening=lambda context: protocol.opening(context, text, settings),
            farewell=lambda _context: "",
            usage=characters(NAME, self._options.model, text),
        )
        return speak(self._pool, clause, request, self._options.patience, self._clock)

    async def _over_http(self, request: SpeechRequest) -> AsyncGenerator[SpeechEvent, None]:
        text = protocol.clause_text(request, self._options.model)
        body = protocol.http_body(text, request, self._options)
        path = protocol.http_path(request, self._options)
        patience = self._options.patience
        outgoing = self._client.build_request("POST", path, json=body)
        response = await self._answer(outgoing, patience.connect + patience.first_sound)
        try:
            yield characters(NAME, self._options.model, text)
            async with aclosing(response.aiter_bytes()) as pieces:
                read = _TimedReader(pieces).next
                events = assembled(read, request, patience, self._clock, NAME, end_is_told=False)
                async with aclosing(events):
                    async for event in events:
                        yield event
        except httpx2.HTTPError as error:
            raise self._requests.unavailable(error) from None
        finally:
            with anyio.move_on_after(_CLOSE_WITHIN, shield=True):
                await response.aclose()

    async def _answer(self, outgoing: httpx2.Request, within: float) -> httpx2.Response:
        try:
            with anyio.fail_after(within):
                response = await self._client.send(outgoing, stream=True)
                if not response.is_success:
                    raise self._requests.refusal(response, await response.aread())
                return response
        except (httpx2.HTTPError, TimeoutError) as error:
            raise self._requests.unavailable(error) from None


class _TimedReader:
    """Events of a timed HTTP stream, one at a time."""

    def __init__(self, pieces: AsyncIterator[bytes]) -> None:
        self._pieces = pieces
        self._stream = protocol.TimedStream()
        self._events: deque[ClauseEvent] = deque()

    async def next(self, within: float) -> ClauseEvent:
        with anyio.move_on_after(within):
            while not self._events:
                try:
                    self._events += self._stream.take(await anext(self._pieces))
                except StopAsyncIteration:
                    self._events += self._stream.finish()
            return self._events.popleft()
        raise ProviderUnavailable(f"nothing came within {within:.2g} s", provider=NAME)
