"""Text to speech over HTTP: the whole sound, a stream of it, and both with characters."""

from base64 import b64encode
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any, Final
from uuid import uuid4

import anyio
import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from voice_agent.simulation.providers.desk import Desk, Seen
from voice_agent.simulation.providers.elevenlabs.messages import Glyph, normalized
from voice_agent.simulation.providers.elevenlabs.refusals import (
    GARBAGE,
    failed,
    throttled,
    unauthorized,
)
from voice_agent.simulation.providers.elevenlabs.requests import Order, read_order
from voice_agent.simulation.providers.elevenlabs.rules import NAME, Studio, rules_of
from voice_agent.simulation.providers.elevenlabs.script import glyphs
from voice_agent.simulation.providers.speaking import Packer, Sound, said, speak
from voice_agent.simulation.providers.stream import (
    Answer,
    Dialect,
    Refused,
    Streamed,
    endpoint,
    json_response,
)

QUEUE: Final = 0.05
"""How long a request over the limit waits for room (s)."""
Handle = Callable[[Request, bytes], Awaitable[Answer]]


def served(desk: Desk, handle: Handle) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint behind the key."""

    async def checked(request: Request, raw: bytes) -> Answer:
        if request.headers.get("xi-api-key") not in desk.keys:
            raise Refused(unauthorized(rules_of(desk)))
        return await handle(request, raw)

    async def respond(request: Request) -> Response:
        return await endpoint(desk, _dialect(desk), checked)(request)

    return respond


def speech_routes(desk: Desk, studio: Studio) -> list[BaseRoute]:
    """The four ways."""
    booth = _Booth(desk, studio)
    ways: dict[str, Handle] = {
        "": booth.whole,
        "/stream": booth.stream,
        "/with-timestamps": booth.whole_with_times,
        "/stream/with-timestamps": booth.stream_with_times,
    }
    return [
        Route(f"/v1/text-to-speech/{{voice}}{path}", served(desk, handle), methods=["POST"])
        for path, handle in ways.items()
    ]


class _Booth:
    def __init__(self, desk: Desk, studio: Studio) -> None:
        self._desk = desk
        self._studio = studio

    async def whole(self, request: Request, raw: bytes) -> Answer:
        order, headers = await self._taken(request, raw)
        await self._desk.wait(NAME, first=True)
        packed = [piece async for _, piece in self._packed(order)]
        return Response(b"".join(packed), headers=headers, media_type=order.media_type)

    async def stream(self, request: Request, raw: bytes) -> Answer:
        order, headers = await self._taken(request, raw)
        return Streamed(self._bare(order), order.media_type, headers)

    async def whole_with_times(self, request: Request, raw: bytes) -> Answer:
        order, headers = await self._taken(request, raw)
        await self._desk.wait(NAME, first=True)
        whole, data = list[Glyph](), b""
        async for run, piece in self._packed(order):
            whole += run
            data += piece
        return json_response(_timed(data, whole, 0.0), headers=headers)

    async def stream_with_times(self, request: Request, raw: bytes) -> Answer:
        order, headers = await self._taken(request, raw)
        return Streamed(self._lines(order), "application/json", headers)

    async def _taken(self, request: Request, raw: bytes) -> tuple[Order, dict[str, str]]:
        rules = rules_of(self._desk)
        order = read_order(request, raw, rules, self._studio)
        if self._studio.generating >= rules.concurrency:
            await anyio.sleep(QUEUE)
        if self._studio.generating >= rules.concurrency:
            raise Refused(throttled(rules))
        spoken = {"spoken": said(order.words)}
        path = f"{request.url.path}#spoken"
        self._desk.journal.append(Seen(NAME, path, spoken, dict(request.headers)))
        return order, {
            "request-id": uuid4().hex,
            "character-cost": str(len(order.text)),
            "current-concurrent-requests": str(self._studio.generating + 1),
            "maximum-concurrent-requests": str(rules.concurrency),
        }

    async def _packed(self, order: Order) -> AsyncGenerator[tuple[Sequence[Glyph], bytes]]:
        """Characters and sound, sentence by sentence; the last may be sound alone."""
        packer = Packer(order.audio)
        self._studio.generating += 1
        try:
            async with aclosing(self._sounds(order)) as sounds:
                async for sound in sounds:
                    yield glyphs(sound), packer.pack(sound.data)
            if rest := packer.flush():
                yield (), rest
        finally:
            self._studio.generating -= 1

    def _sounds(self, order: Order) -> AsyncGenerator[Sound]:
        return speak(self._desk.synthesizer, order.words, order.audio.spoken, order.language)

    async def _bare(self, order: Order) -> AsyncGenerator[bytes]:
        """Cut wherever it happens, in the middle of samples too."""
        async with aclosing(self._packed(order)) as packed:
            async for _, data in packed:
                half = self._desk.chance.randint(0, len(data))
                for piece in (data[:half], data[half:]):
                    if piece:
                        yield piece

    async def _lines(self, order: Order) -> AsyncGenerator[bytes]:
        place = 0.0
        async with aclosing(self._packed(order)) as packed:
            async for run, data in packed:
                yield orjson.dumps(_timed(data, run, place)) + b"\n"
                place += sum(glyph.seconds for glyph in run)


def _timed(data: bytes, run: Sequence[Glyph], place: float) -> dict[str, Any]:
    return {
        "audio_base64": b64encode(data).decode(),
        "alignment": _seconds(run, place) if run else None,
        "normalized_alignment": _seconds(normalized(run), place) if run else None,
    }


def _seconds(run: Sequence[Glyph], place: float) -> dict[str, Any]:
    starts = []
    for glyph in run:
        starts.append(round(place, 3))
        place += glyph.seconds
    return {
        "characters": [glyph.text for glyph in run],
        "character_start_times_seconds": starts,
        "character_end_times_seconds": [*starts[1:], round(place, 3)],
    }


def _dialect(desk: Desk) -> Dialect:
    rules = rules_of(desk)
    return Dialect(
        NAME,
        lambda: unauthorized(rules),
        lambda pause: throttled(rules, pause),
        lambda: failed(rules),
        lambda: b"",
        [text.encode() if isinstance(text, str) else text for text in GARBAGE],
    )
