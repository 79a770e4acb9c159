"""Ten thousand random and mutated messages on each socket, while somebody else is talking."""

import json
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from itertools import count
from typing import Any

import anyio
import pytest
from structlog.testing import capture_logs
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from support.echo_app import Echo, dial, echo_app, hear, page_call, phone_call
from support.hostile_messages import hostile
from support.live_server import live
from support.twilio_messages import connected, dtmf, mark, media, start, stop, text

pytestmark = pytest.mark.anyio

MESSAGES = 11_000
"""A few are lost when a connection is torn down under them."""
A_CONNECTION = 45
"""Messages a connection sends: below every budget, so that none of them goes unread."""
ATTACKERS = 4

Door = Callable[[str], AbstractAsyncContextManager[ClientConnection]]
Exchange = Callable[[ClientConnection, int], Awaitable[None]]

PHONE = [connected(), start(token="t"), *map(media, range(1, 6)), mark("m1"), dtmf("1"), dtmf("2")]
PAGE: list[dict[str, Any]] = [
    {"type": "hello", "version": 1},
    {"type": "played", "mark": "m1"},
    *({"type": "key", "digit": digit} for digit in "1234"),
]
CHAT: list[dict[str, Any]] = [{"type": "message", "text": "hello"}, {"type": "cancel"}]


@asynccontextmanager
async def stranger(host: str, path: str) -> AsyncIterator[ClientConnection]:
    async with dial(f"ws://{host}{path}") as socket:
        yield socket


def phone_door(seed: int) -> Door:
    numbers = count(seed * 10_000)
    chance = random.Random(seed)

    def door(host: str) -> AbstractAsyncContextManager[ClientConnection]:
        if chance.random() < 0.2:
            return stranger(host, "/twilio-stream")
        return phone_call(host, f"CA{next(numbers):032x}")

    return door


def page_door(seed: int) -> Door:
    chance = random.Random(seed)
    return lambda host: stranger(host, "/ws/voice") if chance.random() < 0.2 else page_call(host)


def chat_door(seed: int) -> Door:
    return lambda host: stranger(host, "/ws/chat")


async def phone_exchange(socket: ClientConnection, number: int) -> None:
    await socket.send(text(media(number)))
    assert (await hear(socket))["event"] == "media"


async def page_exchange(socket: ClientConnection, number: int) -> None:
    sound = (number % 30_000).to_bytes(2, "little") * 320
    await socket.send(sound)
    with anyio.fail_after(10):
        assert await socket.recv() == sound


async def chat_exchange(socket: ClientConnection, number: int) -> None:
    await socket.send(json.dumps({"type": "message", "text": f"message {number}"}))
    while (heard := await hear(socket))["type"] != "done":
        pass
    assert heard["text"] == f"message {number}"


async def drain(socket: ClientConnection) -> None:
    with suppress(ConnectionClosed):
        async for _ in socket:
            pass


async def attack(host: str, door: Door, seed: int, messages: Sequence[Any]) -> None:
    """Send a share of the messages over one connection after the other."""
    chance = random.Random(seed)
    all_of_them = list(hostile(seed, MESSAGES // ATTACKERS, messages))
    for begin in range(0, len(all_of_them), A_CONNECTION):
        async with anyio.create_task_group() as group, door(host) as socket:
            group.start_soon(drain, socket)
            with suppress(ConnectionClosed):
                for message in all_of_them[begin : begin + A_CONNECTION]:
                    await socket.send(message)
                await leave(socket, chance)


async def leave(socket: ClientConnection, chance: random.Random) -> None:
    """End the call properly, close the socket properly, or just vanish."""
    way = chance.random()
    if way < 0.3:
        await socket.send(text(stop()))
    elif way < 0.6:
        await socket.send('{"type":"hangup"}')
    elif way < 0.65:
        socket.transport.abort()


async def talk_on(socket: ClientConnection, exchange: Exchange, over: anyio.Event) -> None:
    """One exchange after the other, each answered, until the attack is over."""
    number = 0
    while not over.is_set() or number < 3:
        number += 1
        await exchange(socket, number)


DOORS = {
    "phone": (phone_door, PHONE, phone_exchange),
    "page": (page_door, PAGE, page_exchange),
    "chat": (chat_door, CHAT, chat_exchange),
}


@pytest.mark.parametrize("kind", DOORS)
async def test_hostile_messages_raise_nothing_and_disturb_nobody(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    make_door, messages, exchange = DOORS[kind]
    echo, over = Echo(), anyio.Event()
    with capture_logs() as logs, caplog.at_level(logging.WARNING):
        async with live(echo_app(echo)) as host:
            bystander = phone_call(host) if kind == "phone" else make_door(7)(host)
            if kind == "page":
                bystander = page_call(host)
            async with bystander as other, anyio.create_task_group() as group:
                if kind == "chat":
                    await hear(other)
                group.start_soon(talk_on, other, exchange, over)
                async with anyio.create_task_group() as attackers:
                    for seed in range(1, ATTACKERS + 1):
                        attackers.start_soon(attack, host, make_door(seed), seed, messages)
                over.set()
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
    assert [entry for entry in logs if entry["log_level"] in {"error", "critical"}] == []
    assert len(echo.calls) > 1
    if kind != "chat":
        assert len(echo.closings()) == len(echo.calls)
