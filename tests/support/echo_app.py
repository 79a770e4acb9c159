"""The real routes around a call that only echoes, and clients for them."""

import base64
import contextlib
import hashlib
import hmac
import json
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import anyio
import httpx2
from fastapi import FastAPI
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from support.twilio_messages import ACCOUNT, CALL, connected, start, text
from voice_agent.api import chat_socket, voice_socket
from voice_agent.api.chat_socket import RunChat
from voice_agent.core.call import Call, Disposition
from voice_agent.core.clock import LoopClock
from voice_agent.core.errors import TransportClosed
from voice_agent.core.ports import (
    AudioReceived,
    ClearAudio,
    KeyReceived,
    LineClosed,
    MediaTransport,
    PlayAudio,
    SendMark,
    TransportEvent,
)
from voice_agent.telephony.twilio import routes
from voice_agent.telephony.twilio.settings import TwilioSettings
from voice_agent.transports.chat_protocol import (
    ChatInput,
    ChatOutput,
    ReplyDelta,
    ReplyDone,
    UserMessage,
)

AUTH_TOKEN = "hush"

RunCall = Callable[[Call, MediaTransport], Awaitable[Disposition]]


@dataclass
class Echo:
    """Sends a caller's sound back; keys: 1 marks, 2 clears, 0 hangs up."""

    calls: list[Call] = field(default_factory=list)
    events: list[TransportEvent] = field(default_factory=list)
    over: anyio.Event = field(default_factory=anyio.Event)

    async def run_call(self, call: Call, transport: MediaTransport) -> Disposition:
        self.calls.append(call)
        disposition = Disposition.CALLER_HUNG_UP
        try:
            async for event in transport.events():
                self.events.append(event)
                if event == KeyReceived("0"):
                    disposition = Disposition.AGENT_ENDED
                    await transport.close()
                await self._answer(event, transport)
        except TransportClosed:
            disposition = Disposition.CONNECTION_LOST
        finally:
            await transport.close()
            self.over.set()
        return disposition

    async def _answer(self, event: TransportEvent, transport: MediaTransport) -> None:
        match event:
            case AudioReceived(frame):
                await transport.send(PlayAudio(frame.data))
            case KeyReceived("1"):
                await transport.send(SendMark(f"m{len(self.events)}"))
            case KeyReceived("2"):
                await transport.send(ClearAudio())

    async def run_chat(
        self,
        call: Call,
        messages: AsyncIterator[ChatInput],
        send: Callable[[ChatOutput], Awaitable[None]],
    ) -> Disposition:
        self.calls.append(call)
        turn = 0
        async for message in messages:
            if isinstance(message, UserMessage):
                turn += 1
                await send(ReplyDelta(turn, message.text))
                await send(ReplyDone(turn, message.text))
                if message.text == "bye":
                    return Disposition.AGENT_ENDED
        return Disposition.CALLER_HUNG_UP

    def closings(self) -> list[LineClosed]:
        return [event for event in self.events if isinstance(event, LineClosed)]


@dataclass
class Services:
    """What the routes find on the app."""

    run_call: RunCall
    run_chat: RunChat
    twilio: TwilioSettings
    clock: LoopClock = field(default_factory=LoopClock)
    rung: list[float] = field(default_factory=list)

    def ringing(self) -> None:
        self.rung.append(self.clock.now())


def echo_app(
    echo: Echo, *, run_call: RunCall | None = None, twilio: TwilioSettings | None = None
) -> FastAPI:
    """The routes of the telephone and the browser, and nothing else."""
    app = FastAPI()
    settings = twilio or TwilioSettings(AUTH_TOKEN, account_sid=ACCOUNT)
    app.state.services = Services(run_call or echo.run_call, echo.run_chat, settings)
    for router in (routes.router, voice_socket.router, chat_socket.router):
        app.include_router(router)
    return app


def sign(url: str, fields: dict[str, str], token: str = AUTH_TOKEN) -> str:
    """Twilio's published recipe."""
    data = url + "".join(name + fields[name] for name in sorted(fields))
    return base64.b64encode(hmac.digest(token.encode(), data.encode(), hashlib.sha1)).decode()


def announcement(call: str = CALL, **more: str) -> dict[str, str]:
    """The fields of an incoming call."""
    return {
        "CallSid": call,
        "AccountSid": ACCOUNT,
        "From": "+15550100",
        "To": "+15550199",
        "Direction": "inbound",
        "CallerName": "",
        **more,
    }


def plain_client() -> httpx2.AsyncClient:
    """For http only: reading the machine's certificates would take most of a test's time."""
    return httpx2.AsyncClient(trust_env=False, verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


async def announce(
    host: str, fields: dict[str, str] | None = None, **headers: str
) -> httpx2.Response:
    """Ring: the signed webhook, with headers replaced or added."""
    form = announcement() if fields is None else fields
    url = f"http://{host}/twilio-webhook"
    signed = {
        "X-Twilio-Signature": sign(url, form),
        "Content-Type": "application/x-www-form-urlencoded",
        **headers,
    }
    async with plain_client() as client:
        return await client.post(url, content=urlencode(form), headers=signed)


def token_in(twiml: str) -> str:
    found = re.search(r'name="token" value="([^"]+)"', twiml)
    assert found, twiml
    return found[1]


@contextlib.asynccontextmanager
async def dial(url: str, **options: Any) -> AsyncIterator[ClientConnection]:
    """A WebSocket without compression, proxies or keep-alive."""
    options = {"compression": None, "proxy": None, "ping_interval": None, **options}
    async with connect(url, **options) as socket:
        yield socket


@contextlib.asynccontextmanager
async def phone_call(host: str, call: str = CALL) -> AsyncIterator[ClientConnection]:
    """A telephone in a call: announced, connected and started."""
    response = await announce(host, announcement(call))
    assert response.status_code == 200, response.text
    async with dial(f"ws://{host}/twilio-stream") as socket:
        await socket.send(text(connected()))
        await socket.send(text(start(call, token=token_in(response.text))))
        yield socket


@contextlib.asynccontextmanager
async def page_call(host: str) -> AsyncIterator[ClientConnection]:
    """A page in a call: greeted and ready."""
    async with dial(f"ws://{host}/ws/voice") as socket:
        await socket.send('{"type":"hello","version":1}')
        assert (await hear(socket))["type"] == "ready"
        yield socket


async def hear(socket: ClientConnection) -> dict[str, Any]:
    """The next JSON message."""
    with anyio.fail_after(10):
        message: dict[str, Any] = json.loads(await socket.recv())
        return message


async def close_code(socket: ClientConnection) -> int:
    """How the server closes the connection, whatever it says before."""
    with anyio.fail_after(10), contextlib.suppress(ConnectionClosed):
        async for _ in socket:
            pass
    assert socket.close_code is not None
    return socket.close_code
