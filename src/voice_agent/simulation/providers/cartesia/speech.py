"""`/tts/bytes` and `/tts/sse`: one text, one answer."""

import struct
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Final
from uuid import uuid4

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from voice_agent.simulation.providers.cartesia import requests
from voice_agent.simulation.providers.cartesia.events import done
from voice_agent.simulation.providers.cartesia.generation import Voice
from voice_agent.simulation.providers.cartesia.refusals import (
    FAILED,
    GARBAGE,
    THROTTLED,
    UNAUTHORIZED,
    Refusal,
)
from voice_agent.simulation.providers.cartesia.rules import NAME, VERSIONS, Studio, rules_of
from voice_agent.simulation.providers.cartesia.script import passage
from voice_agent.simulation.providers.cartesia.socket import admit, version_of
from voice_agent.simulation.providers.desk import Desk, Seen
from voice_agent.simulation.providers.speaking import Packer, Packing, WireFormat, said, speak
from voice_agent.simulation.providers.stream import (
    Answer,
    Dialect,
    Refused,
    Streamed,
    endpoint,
)

MEDIA: Final = {"raw": "application/octet-stream", "wav": "audio/wav", "mp3": "audio/mpeg"}
_WAV_TAGS: Final = {Packing.PCM16: 1, Packing.FLOAT32: 3, Packing.MULAW: 7}
_UNKNOWN_LENGTH: Final = 0xFFFFFFFF
Handle = Callable[[Request, bytes, str], Awaitable[Answer]]


def served(desk: Desk, studio: Studio, handle: Handle) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint behind key and version; `handle` is told the version."""

    async def respond(request: Request) -> Response:
        version = version_of(request) or VERSIONS[-1]

        async def checked(request: Request, raw: bytes) -> Answer:
            try:
                admit(desk, studio, request)
                return await handle(request, raw, version)
            except Refusal as refusal:
                raise Refused(refusal.response(version)) from None

        return await endpoint(desk, _dialect(version), checked)(request)

    return respond


def speech_routes(desk: Desk, studio: Studio) -> list[BaseRoute]:
    """Both."""
    booth = _Booth(desk, studio)
    return [
        Route("/tts/bytes", served(desk, studio, booth.sound), methods=["POST"]),
        Route("/tts/sse", served(desk, studio, booth.events), methods=["POST"]),
    ]


class _Booth:
    def __init__(self, desk: Desk, studio: Studio) -> None:
        self._desk = desk
        self._studio = studio

    async def sound(self, request: Request, raw: bytes, version: str) -> Answer:
        order = self._taken(request, raw, version, ("raw", "wav", "mp3"))
        headers = {"x-request-id": uuid4().hex}
        if requests.parse_object(raw).get("save"):
            headers["cartesia-file-id"] = uuid4().hex
        return Streamed(self._bytes(order), MEDIA[order.container], headers)

    async def events(self, request: Request, raw: bytes, version: str) -> Answer:
        order = self._taken(request, raw, version, ("raw",))
        return Streamed(self._lines(order), "text/event-stream", {"x-request-id": uuid4().hex})

    def _taken(
        self, request: Request, raw: bytes, version: str, containers: tuple[str, ...]
    ) -> requests.Request:
        fields = requests.parse_object(raw)
        order = requests.read_request(fields, version, self._studio, containers)
        if self._studio.active >= rules_of(self._desk).contexts:
            raise THROTTLED
        spoken = {"spoken": said(passage(order.transcript, order.rate))}
        path = f"{request.url.path}#spoken"
        self._desk.journal.append(Seen(NAME, path, spoken, dict(request.headers)))
        return order

    async def _bytes(self, order: requests.Request) -> AsyncGenerator[bytes]:
        packer, audio = Packer(order.audio), order.audio.spoken
        words = passage(order.transcript, order.rate)
        self._studio.active += 1
        try:
            if order.container == "wav":
                yield wav_header(order.audio)
            async with aclosing(
                speak(self._desk.synthesizer, words, audio, order.language)
            ) as sounds:
                async for sound in sounds:
                    if data := packer.pack(sound.data):
                        yield data
            if rest := packer.flush():
                yield rest
        finally:
            self._studio.active -= 1

    async def _lines(self, order: requests.Request) -> AsyncGenerator[bytes]:
        context = {"context_id": order.context_id} if order.context_id else {}
        self._studio.active += 1
        try:
            async with aclosing(Voice(self._desk, order).say(order.transcript)) as events:
                async for event in events:
                    yield _line(event | context)
            yield _line(done(rules_of(self._desk).done_status) | context)
        finally:
            self._studio.active -= 1


def wav_header(wire: WireFormat) -> bytes:
    """The header of a WAV file whose length is not known yet, as streams have it."""
    size = 4 if wire.packing is Packing.FLOAT32 else wire.spoken.bytes_per_sample
    form = struct.pack(
        "<HHIIHH", _WAV_TAGS[wire.packing], 1, wire.rate, wire.rate * size, size, size * 8
    )
    riff = struct.pack("<4sI4s4sI", b"RIFF", _UNKNOWN_LENGTH, b"WAVE", b"fmt ", len(form))
    return riff + form + struct.pack("<4sI", b"data", _UNKNOWN_LENGTH)


def _line(event: dict[str, object]) -> bytes:
    return f"event: {event['type']}\ndata: ".encode() + orjson.dumps(event) + b"\n\n"


def _dialect(version: str) -> Dialect:
    return Dialect(
        NAME,
        lambda: UNAUTHORIZED.response(version),
        lambda pause: THROTTLED.response(version, pause),
        lambda: FAILED.response(version),
        lambda: _line(FAILED.event(version, None)),
        [text.encode() if isinstance(text, str) else text for text in GARBAGE],
    )
