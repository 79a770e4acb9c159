"""The shells around the sockets, on a clock that jumps: deadlines, wake-ups, stuck peers."""

import json
from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio
import pytest

from support.asgi_socket import Peer
from support.twilio_messages import connected, dtmf, start, text
from voice_agent.core.call import Disposition
from voice_agent.core.errors import TransportClosed
from voice_agent.core.events import AgentSaid, CallEvent
from voice_agent.core.ports import (
    ClearAudio,
    KeyReceived,
    LineClosed,
    MarkReached,
    PlayAudio,
    SendMark,
    TransportEvent,
)
from voice_agent.simulation.virtual_time import run_virtual
from voice_agent.telephony.twilio.media_stream import START_SECONDS, TwilioTransport
from voice_agent.transports.browser import HELLO_SECONDS, BrowserTransport
from voice_agent.transports.websocket_line import SEND_SECONDS, WebSocketLine

T = TypeVar("T")

HELLO = '{"type":"hello","version":1}'


def with_peer(scene: Callable[[Peer, WebSocketLine], Awaitable[T]]) -> tuple[T, float]:
    """Play a scene on virtual time; its result and the seconds it took."""

    async def main() -> tuple[T, float]:
        peer = Peer()
        try:
            result = await scene(peer, WebSocketLine(await peer.socket()))
            return result, anyio.current_time()
        finally:
            peer.forget()

    return run_virtual(main)


async def phone(peer: Peer, line: WebSocketLine) -> TwilioTransport:
    transport = TwilioTransport(line)
    peer.say(text(connected()))
    peer.say(text(start()))
    await transport.started()
    return transport


async def page(peer: Peer, line: WebSocketLine) -> BrowserTransport:
    transport = BrowserTransport(line)
    peer.say(HELLO)
    await transport.started("call")
    return transport


async def all_events(transport: TwilioTransport | BrowserTransport) -> list[TransportEvent]:
    return [event async for event in transport.events()]


def test_a_stream_that_does_not_start_is_given_up_in_time() -> None:
    async def scene(peer: Peer, line: WebSocketLine) -> None:
        peer.say(text(connected()))
        with pytest.raises(TransportClosed):
            await TwilioTransport(line).started()

    assert with_peer(scene)[1] == START_SECONDS


def test_a_page_that_never_greets_is_given_up_in_time() -> None:
    async def scene(peer: Peer, line: WebSocketLine) -> None:
        with pytest.raises(TransportClosed):
            await BrowserTransport(line).started("call")

    assert with_peer(scene)[1] == HELLO_SECONDS


def test_a_caller_who_leaves_before_the_start_is_noticed_at_once() -> None:
    async def scene(peer: Peer, line: WebSocketLine) -> None:
        peer.vanish()
        with pytest.raises(TransportClosed):
            await TwilioTransport(line).started()

    assert with_peer(scene)[1] == 0.0


def test_a_peer_that_takes_nothing_closes_the_line_for_reader_and_sender() -> None:
    async def scene(peer: Peer, line: WebSocketLine) -> list[TransportEvent]:
        transport = await phone(peer, line)
        heard: list[TransportEvent] = []

        async def read() -> None:
            heard.extend(await all_events(transport))

        async with anyio.create_task_group() as group:
            group.start_soon(read)
            peer.stuck = True
            with pytest.raises(TransportClosed):
                await transport.send(PlayAudio(b"\xff" * 160))
        await transport.send(PlayAudio(b"\xff"))
        await transport.close()
        return heard

    heard, seconds = with_peer(scene)
    assert heard == [LineClosed(clean=False)]
    assert seconds == SEND_SECONDS


def test_sends_keep_their_order_and_each_waits_only_so_long() -> None:
    async def scene(peer: Peer, line: WebSocketLine) -> int:
        transport = await phone(peer, line)
        peer.stuck = True
        closed = 0

        async def play() -> None:
            nonlocal closed
            try:
                await transport.send(PlayAudio(b"\xff"))
            except TransportClosed:
                closed += 1

        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(play)
        return closed

    assert with_peer(scene) == (5, SEND_SECONDS)


def test_after_the_line_closed_sending_does_nothing() -> None:
    async def scene(peer: Peer, line: WebSocketLine) -> list[str]:
        transport = await phone(peer, line)
        peer.vanish()
        events = await all_events(transport)
        assert events == [LineClosed(clean=False)]
        for command in (PlayAudio(b"\xff"), SendMark("m"), ClearAudio()):
            await transport.send(command)
        await transport.close()
        return peer.texts()

    assert with_peer(scene)[0] == []


def test_hanging_up_twice_closes_once_and_wakes_the_reader() -> None:
    async def scene(peer: Peer, line: WebSocketLine) -> tuple[list[TransportEvent], int | None]:
        transport = await phone(peer, line)
        heard: list[TransportEvent] = []

        async def read() -> None:
            heard.extend(await all_events(transport))

        async with anyio.create_task_group() as group:
            group.start_soon(read)
            await anyio.sleep(1)
            await transport.close()
            await transport.close()
        return heard, peer.close_code()

    assert with_peer(scene)[0] == ([LineClosed(clean=True)], 1000)


def test_silence_of_no_length_is_not_sent() -> None:
    async def scene(peer: Peer, line: WebSocketLine) -> None:
        transport = await phone(peer, line)
        await transport.send(PlayAudio(b""))
        assert peer.texts() == []

    with_peer(scene)


def test_a_binary_message_is_malformed_on_the_telephone() -> None:
    async def scene(peer: Peer, line: WebSocketLine) -> list[TransportEvent]:
        transport = await phone(peer, line)
        peer.say(text(dtmf("1")).encode())
        peer.say(text(dtmf("2")))
        peer.vanish()
        return await all_events(transport)

    assert with_peer(scene)[0] == [KeyReceived("2"), LineClosed(clean=False)]


def test_a_clear_tells_a_waiting_reader_which_marks_were_dropped() -> None:
    async def scene(peer: Peer, line: WebSocketLine) -> list[TransportEvent]:
        transport = await page(peer, line)
        heard: list[TransportEvent] = []

        async def read() -> None:
            async for event in transport.events():
                heard.append(event)  # noqa: PERF401 - looked at while it grows

        async with anyio.create_task_group() as group:
            group.start_soon(read)
            await transport.send(SendMark("a"))
            await anyio.sleep(1)
            await transport.send(ClearAudio())
            await anyio.sleep(1)
            before = list(heard)
            await transport.close()
        return before

    assert with_peer(scene)[0] == [MarkReached("a", heard=False)]


def test_no_message_is_lost_when_a_clear_crosses_it() -> None:
    async def scene(peer: Peer, line: WebSocketLine) -> list[TransportEvent]:
        transport = await page(peer, line)
        heard: list[TransportEvent] = []

        async def read() -> None:
            heard.extend(await all_events(transport))

        async with anyio.create_task_group() as group:
            group.start_soon(read)
            for number in range(20):
                await anyio.sleep(1)
                peer.say(json.dumps({"type": "key", "digit": str(number % 10)}))
                for _ in range(number % 4):
                    await anyio.lowlevel.checkpoint()
                await transport.send(ClearAudio())
            peer.say('{"type":"hangup"}')
        return heard

    expected = [KeyReceived(str(number % 10)) for number in range(20)]
    assert with_peer(scene)[0] == [*expected, LineClosed(clean=True)]


def test_a_stuck_page_is_let_go_at_the_end() -> None:
    async def scene(peer: Peer, line: WebSocketLine) -> None:
        transport = await page(peer, line)
        for number in range(1000):
            transport.show(CallEvent("c", number, 0.0, 1, AgentSaid("x")))
        peer.stuck = True
        await transport.finish(Disposition.AGENT_ENDED)

    assert with_peer(scene)[1] <= 10.0


def test_events_are_shown_while_the_call_goes_on_and_the_rest_at_its_end() -> None:
    async def scene(peer: Peer, line: WebSocketLine) -> list[str]:
        transport = await page(peer, line)
        async with anyio.create_task_group() as group:
            group.start_soon(transport.write_events)
            transport.show(CallEvent("c", 0, 0.0, 1, AgentSaid("first")))
            await anyio.sleep(1)
            assert len(peer.texts()) == 2
            group.cancel_scope.cancel()
        transport.show(CallEvent("c", 1, 0.0, 1, AgentSaid("last")))
        await transport.close()
        await transport.finish(Disposition.AGENT_ENDED)
        return [json.loads(message)["type"] for message in peer.texts()]

    assert with_peer(scene)[0] == ["ready", "event", "event", "ended"]
