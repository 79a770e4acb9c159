"""Cartesia over shared WebSockets."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing, suppress
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote

from websockets.asyncio.client import ClientConnection

from voice_agent.core.audio import PHONE
from voice_agent.core.clock import Clock, LoopClock
from voice_agent.core.errors import (
    ProviderError,
    ProviderGarbage,
    ProviderMisconfigured,
)
from voice_agent.core.speech import SpeechEvent, SpeechRequest
from voice_agent.engines.hosted import new_http_client, open_socket
from voice_agent.engines.tts.cartesia import protocol
from voice_agent.engines.tts.cartesia.catalogue import clone_fields, voices_of
from voice_agent.engines.tts.cartesia.options import HOME, NAME, CartesiaOptions
from voice_agent.engines.tts.hosted_requests import UPLOAD_WITHIN, HostedRequests
from voice_agent.engines.tts.hosted_speech import SocketClause, characters, speak, unspoken
from voice_agent.engines.tts.socket_pool import SocketPool, Wire
from voice_agent.engines.tts.voice_catalogue import VoiceInfo, about_voice, sample_type

_PAGE: Final = 100
_MOST_PAGES: Final = 20


class Cartesia:
    """Speaks clauses of many calls; enter it before use."""

    def __init__(self, options: CartesiaOptions, clock: Clock | None = None) -> None:
        """Nothing is opened yet."""
        self._options = options
        self._clock = clock or LoopClock()
        base = (options.base_url or HOME).rstrip("/")
        self._headers = {
            "Authorization": f"Bearer {options.api_key.get_secret_value()}",
            "Cartesia-Version": options.api_version,
        }
        self._address = "ws" + base.removeprefix("http") + protocol.SOCKET_PATH
        self._client = new_http_client(base, self._headers)
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
        clause = self._clause(request)
        speaking = speak(self._pool, clause, request, self._options.patience, self._clock)
        async with aclosing(speaking) as events:
            async for event in events:
                yield event

    async def synthesize_mp3(self, text: str, voice: str = "") -> bytes:
        """The text as an MP3 file, for a download or a preview.

        Raises:
            ProviderError: as for a clause.
        """
        body = protocol.preview_body(SpeechRequest(text, PHONE, voice), self._options)
        return await self._requests.body("POST", "/tts/bytes", within=UPLOAD_WITHIN, json=body)

    async def warm(self) -> None:
        """Have a connection; never raises."""
        with suppress(ProviderError):
            await self._pool.warm(self._address)

    async def probe(self) -> None:
        """Look up every configured voice, which costs nothing; see the port."""
        for voice in {self._options.voice, *self._options.voices.values()}:
            try:
                await self._requests.json("GET", f"/voices/{quote(voice, safe='')}")
            except ProviderMisconfigured as error:
                known = await self.voices()
                raise about_voice(error, voice, known) from None

    async def voices(self) -> list[VoiceInfo]:
        """Every voice of the account; see `VoiceCatalogue`."""
        found: list[VoiceInfo] = []
        query: dict[str, Any] = {"limit": _PAGE}
        for _ in range(_MOST_PAGES):
            page = await self._requests.json("GET", "/voices", params=query)
            more = voices_of(page)
            found += more
            if not page.get("has_more") or not more:
                break
            query["starting_after"] = more[-1].id
        return found

    async def clone_voice(
        self, name: str, sample: bytes, language: str, description: str = ""
    ) -> str:
        """A new voice from a recording; see `VoiceCatalogue`."""
        kind = sample_type(sample, NAME)
        answer = await self._requests.json(
            "POST",
            "/voices/clone",
            within=UPLOAD_WITHIN,
            data=clone_fields(name, language, description),
            files=[("clip", (f"sample.{kind.name}", sample, kind.media_type))],
        )
        voice = answer.get("id")
        if not isinstance(voice, str) or not voice:
            raise ProviderGarbage("it made a voice without an id", provider=NAME)
        return voice

    async def _connect(self, address: str) -> ClientConnection:
        within = self._options.connect_within
        return await open_socket(NAME, address, self._headers, within=within)

    def _clause(self, request: SpeechRequest) -> SocketClause:
        text = protocol.clause_text(request, self._options.model)
        return SocketClause(
            self._address,
            opening=lambda context: protocol.opening(context, text, request, self._options),
            farewell=protocol.cancel,
            usage=characters(NAME, self._options.model, text),
        )
