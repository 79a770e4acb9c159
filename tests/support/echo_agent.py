"""The least server a simulated phone can call: greets with a tone, then repeats what it heard."""

import json
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl

import anyio
import numpy as np
import uvicorn
from twilio.request_validator import RequestValidator

from voice_agent.core.audio import PHONE, decode, encode
from voice_agent.simulation.voicing import LoudnessGate

Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]

TOKEN = "echo-token"
QUIET_FRAMES = 15


def tone(seconds: float, hz: float = 440.0, level: float = 0.3, rate: int = 8000) -> bytes:
    """A mu-law tone."""
    moments = np.arange(round(seconds * rate)) / rate
    return encode(
        (level * 32767 * np.sin(2 * np.pi * hz * moments)).astype(np.int16), PHONE.encoding
    )


class EchoAgent:
    """An ASGI application with Twilio's webhook and stream, and an empty record of the call."""

    def __init__(self, twiml: str = "") -> None:
        self.twiml = twiml
        self.forms: list[dict[str, str]] = []
        self.events: list[dict[str, Any]] = []
        self.port = 0
        self.sound = b""
        self.greeting = decode(tone(0.4, rate=16000), PHONE.encoding).astype("<i2").tobytes()

    async def __call__(self, scope: Event, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == "/twilio-webhook":
            await self._webhook(scope, receive, send)
        elif scope["type"] == "http":
            ended = any(event["event"] == "stop" for event in self.events)
            record: dict[str, Any] = {
                "disposition": "caller_hung_up" if ended else "",
                "events": [],
            }
            await _respond(send, 200, json.dumps(record).encode())
        elif scope["type"] == "websocket" and scope["path"] == "/ws/voice":
            await self._browser(receive, send)
        elif scope["type"] == "websocket":
            await self._stream(receive, send)

    async def _webhook(self, scope: Event, receive: Receive, send: Send) -> None:
        body = (await receive())["body"].decode()
        form = dict(parse_qsl(body, keep_blank_values=True))
        headers = {k.decode(): v.decode() for k, v in scope["headers"]}
        url = f"http://127.0.0.1:{self.port}/twilio-webhook"
        signed = headers.get("x-twilio-signature", "")
        if not RequestValidator(TOKEN).validate(url, form, signed):
            await _respond(send, 403, b"")
            return
        self.forms.append(form)
        twiml = self.twiml or (
            f'<Connect><Stream url="ws://127.0.0.1:{self.port}/stream">'
            '<Parameter name="token" value="t1"/></Stream></Connect>'
        )
        await _respond(send, 200, f"<Response>{twiml}</Response>".encode())

    async def _stream(self, receive: Receive, send: Send) -> None:
        gate = LoudnessGate(PHONE)
        heard, quiet, stream = b"", 0, ""
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            event = json.loads(message["text"])
            self.events.append(event)
            if event["event"] == "start":
                stream = event["streamSid"]
                await _say(send, stream, tone(0.4), "greeting")
            if event["event"] != "media":
                continue
            frame = b64decode(event["media"]["payload"])
            voiced = gate.voiced(frame)
            heard += frame if voiced else b""
            quiet = 0 if voiced else quiet + 1
            if heard and quiet == QUIET_FRAMES:
                await _say(send, stream, heard, "echo")
                heard = b""

    async def _browser(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            if message.get("bytes"):
                self.sound += message["bytes"]
                continue
            event = json.loads(message["text"])
            self.events.append({"event": event["type"], **event})
            if event["type"] == "hello":
                await _text(send, {"type": "ready", "call_id": "b1"})
                await send({"type": "websocket.send", "bytes": bytes(self.greeting)})
                await _text(send, {"type": "mark", "name": "greeting"})
            if event["type"] == "hangup":
                self.events.append({"event": "stop"})
                await _text(send, {"type": "ended", "disposition": "caller_hung_up"})
                await send({"type": "websocket.close", "code": 1000})


async def _text(send: Send, message: dict[str, Any]) -> None:
    await send({"type": "websocket.send", "text": json.dumps(message)})


async def _say(send: Send, stream: str, sound: bytes, mark: str) -> None:
    media = {"event": "media", "streamSid": stream, "media": {"payload": b64encode(sound).decode()}}
    await _text(send, media)
    await _text(send, {"event": "mark", "streamSid": stream, "mark": {"name": mark}})


async def _respond(send: Send, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"text/xml")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def serving(agent: EchoAgent) -> AsyncIterator[str]:
    """Serve the agent on a free port of this machine; yields its root URL."""
    config = uvicorn.Config(
        agent, port=0, log_level="warning", lifespan="off", ws="websockets-sansio"
    )
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    async with anyio.create_task_group() as group:
        group.start_soon(server._serve)
        while not server.started:  # noqa: ASYNC110 - uvicorn offers no event
            await anyio.sleep(0.01)
        agent.port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{agent.port}"
        server.should_exit = True
