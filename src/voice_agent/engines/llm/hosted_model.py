"""The one shell around all hosted language models: connections, deadlines, and nothing else.

What the bytes mean is the business of a `HostedWire`. Deadlines watch the progress of the answer,
not of the bytes: a ping or a comment puts nothing off. Only time spent waiting counts, so a
listener who takes an event late fails nobody. There are no retries: another engine is quicker.
"""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from typing import Final, Self
from urllib.parse import quote, urlsplit

import anyio
import httpx2
import structlog
from pydantic import Field, field_validator

from voice_agent.core.chat import ChatEvent, ChatRequest
from voice_agent.core.errors import ProviderError, ProviderGarbage, ProviderUnavailable
from voice_agent.engines.hosted import CONNECT_WITHIN, HostedOptions, new_http_client, seconds
from voice_agent.engines.llm.event_stream import EventStreamDecoder
from voice_agent.engines.llm.hosted_answer import AnswerReader, HostedWire
from voice_agent.engines.llm.hosted_errors import discreet, unknown_model
from voice_agent.engines.llm.hosted_patience import Deadlines, Patience
from voice_agent.engines.llm.http2_cancel import cancel_stream
from voice_agent.engines.llm.json_access import MalformedJson, decode_object

WARM_WITHIN: Final = 1.0
"""Deadline of warming up (s)."""
PROBE_WITHIN: Final = 10.0
"""Deadline of a probe (s)."""
CLOSE_WITHIN: Final = 1.0
"""Deadline of closing a response (s)."""
LARGEST_REPLY: Final = 4 * 2**20
"""Bytes read of an answer that is no stream: errors and listings."""
LARGEST_STREAM: Final = 32 * 2**20
"""Bytes of one stream."""

log = structlog.get_logger(__name__)


class HostedModelOptions(HostedOptions):
    """What every hosted language model can be told."""

    max_tokens: int = Field(default=600, ge=1, description="Most tokens of one answer.")
    connect_within: float = Field(
        default=CONNECT_WITHIN, gt=0, description="Deadline of a new connection (s)."
    )
    headers_within: float = Field(
        default=2.0, gt=0, description="Deadline of the provider's first sign of life (s)."
    )
    first_token_within: float = Field(
        default=2.5, gt=0, description="Deadline of the answer's first token (s)."
    )
    token_gap: float = Field(default=2.0, gt=0, description="Longest wait between tokens (s).")
    tool_token_gap: float = Field(
        default=2.5, gt=0, description="Longest wait inside a tool call (s)."
    )
    answer_within: float = Field(
        default=20.0, gt=0, description="Longest wait for a whole answer (s)."
    )

    @field_validator("base_url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        if value and (
            urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).netloc
        ):
            raise ValueError("an address begins with http:// or https://")
        return value

    def deadlines(self) -> Deadlines:
        """The deadlines of one answer."""
        return Deadlines(
            self.headers_within,
            self.first_token_within,
            self.token_gap,
            self.tool_token_gap,
            self.answer_within,
        )


class HostedModel:
    """A language model behind HTTP; keep one for as long as the process, and close it."""

    def __init__(self, wire: HostedWire, base_url: str, options: HostedModelOptions) -> None:
        """Nothing is connected yet."""
        self._wire = wire
        self._key = options.api_key.get_secret_value()
        self._deadlines = options.deadlines()
        self._client = new_http_client(base_url, {**wire.headers, "accept-encoding": "identity"})
        self._timeout = httpx2.Timeout(
            None, connect=options.connect_within, pool=options.connect_within
        )

    async def __aenter__(self) -> Self:
        """Leaving the block closes the connections."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatEvent, None]:
        """Answer; ends with exactly one `Finished`.

        Raises:
            ProviderError: it is down, slow, refuses or talks nonsense; the message holds neither
                the key nor words of the conversation.
        """
        try:
            async with aclosing(self._events(request)) as events:
                async for event in events:
                    yield event
        except ProviderError as error:
            error.args = (discreet(str(error), request, self._key),)
            raise

    async def warm(self) -> None:
        """Open a connection for the next request; never raises."""
        with anyio.move_on_after(WARM_WITHIN):
            try:
                await self._get(self._model_path())
            except ProviderError as error:
                log.info("llm.not_warm", provider=self._wire.provider, code=error.code)

    async def probe(self) -> None:
        """Ask for the model by name: right key, known model, provider there?

        Raises:
            ProviderError: it would not work; the message says what to do.
        """
        with anyio.move_on_after(PROBE_WITHIN):
            await self._find_model()
            return
        raise self._unavailable(f"no answer within {PROBE_WITHIN:g} s")

    async def _events(self, request: ChatRequest) -> AsyncGenerator[ChatEvent, None]:
        body = json.dumps(self._wire.body(request), ensure_ascii=False, default=str)
        reader = self._wire.reader(request, len(body))
        decoder = EventStreamDecoder(self._wire.provider)
        patience = Patience(self._deadlines)
        async with self._answer(body, patience) as chunks:
            while (data := await self._more(chunks, reader, patience)) is not None:
                for event in decoder.feed(data):
                    pieces = reader.take(event)
                    self._note(reader, patience)
                    for piece in pieces:
                        yield piece
        for piece in [*_last_words(decoder, reader), *reader.end()]:
            yield piece

    @asynccontextmanager
    async def _answer(
        self, body: str, patience: Patience
    ) -> AsyncIterator[AsyncGenerator[bytes, None]]:
        """The bytes of a stream that was accepted; leaving the block cancels what is left."""
        response = await self._send(body, patience)
        try:
            if response.status_code != 200:
                raise await self._refusal(response)
            async with aclosing(_bytes(response, self._wire.provider)) as chunks:
                yield chunks
        finally:
            await _close(response)

    async def _send(self, body: str, patience: Patience) -> httpx2.Response:
        ask = self._client.build_request(
            "POST",
            self._wire.chat_path,
            content=body.encode("utf-8", "replace"),
            headers={"content-type": "application/json"},
            timeout=self._timeout,
        )
        allowed, complaint = patience.for_headers()
        started = anyio.current_time()
        with anyio.move_on_after(allowed), self._telling("no connection"):
            response = await self._client.send(ask, stream=True)
            patience.waited(anyio.current_time() - started)
            return response
        raise self._unavailable(complaint)

    async def _more(
        self, chunks: AsyncGenerator[bytes, None], reader: AnswerReader, patience: Patience
    ) -> bytes | None:
        """The next bytes; None when the stream is over, or says nothing after its answer."""
        allowed, complaint = patience.for_more(reader)
        started = anyio.current_time()
        try:
            with (
                anyio.move_on_after(max(allowed, 0.0)),
                self._telling("the answer ended in the middle"),
            ):
                data = await anext(chunks, None)
                patience.waited(anyio.current_time() - started)
                return data
        except ProviderUnavailable:
            if not reader.complete:
                raise
        if reader.complete:
            return None
        raise self._unavailable(complaint)

    def _note(self, reader: AnswerReader, patience: Patience) -> None:
        if patience.note(reader):
            log.info(
                "llm.first_token",
                ms=round(patience.total * 1000),
                provider=self._wire.provider,
                model=self._wire.model,
            )

    async def _refusal(self, response: httpx2.Response) -> ProviderError:
        body = ""
        with anyio.move_on_after(self._deadlines.headers), self._telling("no whole response"):
            body = await _text(response)
        pause = seconds(response.headers.get("retry-after"))
        return self._wire.refusal(response.status_code, body, pause)

    async def _find_model(self) -> None:
        status, body = await self._get(self._model_path())
        if status not in (200, 404, 405):
            raise self._wire.refusal(status, body, None)
        if status == 200:
            return
        status, body = await self._get(self._wire.models_path)
        if status != 200:
            raise self._wire.refusal(status, body, None)
        try:
            offered = self._wire.offered(decode_object(body))
        except MalformedJson:
            raise ProviderGarbage("no list of models", provider=self._wire.provider) from None
        if not {self._wire.model, f"{self._wire.model}:latest"} & set(offered):
            raise unknown_model(self._wire.provider, self._wire.model, offered)

    def _model_path(self) -> str:
        return f"{self._wire.models_path}/{quote(self._wire.model, safe='')}"

    async def _get(self, path: str) -> tuple[int, str]:
        ask = self._client.build_request("GET", path, timeout=self._timeout)
        with self._telling("no connection"):
            response = await self._client.send(ask, stream=True)
            try:
                return response.status_code, await _text(response)
            finally:
                await _close(response)

    @contextmanager
    def _telling(self, what: str) -> Iterator[None]:
        """The library's errors as ours."""
        try:
            yield
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError) as error:
            raise self._unavailable(f"{what} ({type(error).__name__})") from None

    def _unavailable(self, message: str) -> ProviderUnavailable:
        return ProviderUnavailable(message, provider=self._wire.provider)


async def _bytes(response: httpx2.Response, provider: str) -> AsyncGenerator[bytes, None]:
    """The body as it comes.

    Raises:
        httpx2.HTTPError: the connection is lost.
        ProviderGarbage: it has no end.
    """
    read = 0
    async with aclosing(response.aiter_raw()) as chunks:
        async for data in chunks:
            read += len(data)
            if read > LARGEST_STREAM:
                raise ProviderGarbage("a stream without end", provider=provider)
            yield data


async def _text(response: httpx2.Response) -> str:
    """The body as text, cut where no sane one ends."""
    body = b""
    async with aclosing(response.aiter_raw()) as chunks:
        async for data in chunks:
            body += data
            if len(body) > LARGEST_REPLY:
                break
    return body.decode("utf-8", "replace")


async def _close(response: httpx2.Response) -> None:
    with anyio.move_on_after(CLOSE_WITHIN, shield=True), suppress(httpx2.HTTPError):
        await cancel_stream(response)
        await response.aclose()


def _last_words(decoder: EventStreamDecoder, reader: AnswerReader) -> list[ChatEvent]:
    """What an event that lacks its blank line still says; half an event says nothing."""
    said: list[ChatEvent] = []
    for event in decoder.flush():
        try:
            said += reader.take(event)
        except ProviderGarbage:
            break
    return said
