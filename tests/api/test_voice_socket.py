"""A call from the browser, over a real WebSocket on loopback."""

import json

import anyio
import pytest

from support.echo_app import Echo, close_code, dial, echo_app, hear, page_call
from support.live_server import live
from voice_agent.core.call import Call, Channel, Disposition
from voice_agent.core.events import AgentSaid, CallEvent
from voice_agent.core.ports import (
    KeyReceived,
    LineClosed,
    MarkReached,
    MediaTransport,
)
from voice_agent.transports.browser import MALFORMED_BUDGET

pytestmark = pytest.mark.anyio

HELLO = '{"type":"hello","version":1}'


def key(digit: str) -> str:
    return json.dumps({"type": "key", "digit": digit})


async def test_a_page_talks_and_hears() -> None:
    echo = Echo()
    async with live(echo_app(echo)) as host, dial(f"ws://{host}/ws/voice") as page:
        await page.send(HELLO)
        ready = await hear(page)
        await page.send(b"\x01\x02" * 320)
        heard = await page.recv()
        await page.send(key("1"))
        marked = await hear(page)
        await page.send(json.dumps({"type": "played", "mark": marked["name"]}))
        await page.send('{"type":"hangup"}')
        ended = await hear(page)
        assert await close_code(page) == 1000
    assert heard == b"\x01\x02" * 320
    assert ready == {
        "type": "ready",
        "call_id": echo.calls[0].id,
        "format": {"encoding": "pcm16", "rate": 16000},
    }
    assert ended == {"type": "ended", "disposition": "caller_hung_up"}
    assert echo.calls[0].channel is Channel.BROWSER
    assert echo.events[1:] == [
        KeyReceived("1"),
        MarkReached(marked["name"], heard=True),
        LineClosed(clean=True),
    ]


async def test_marks_that_a_clear_drops_are_told_without_the_page_saying_anything() -> None:
    echo = Echo()
    async with live(echo_app(echo)) as host, page_call(host) as page:
        await page.send(key("1"))
        name = (await hear(page))["name"]
        await page.send(key("2"))
        assert await hear(page) == {"type": "clear"}
        await page.send('{"type":"hangup"}')
        await hear(page)
    assert echo.events[2] == MarkReached(name, heard=False)


async def test_what_happens_is_shown_and_the_end_comes_last() -> None:
    async def show_and_end(call: Call, transport: MediaTransport) -> Disposition:
        for number in range(3):
            transport.show(CallEvent(call.id, number, 0.0, 1, AgentSaid(str(number))))
        await transport.close()
        return Disposition.AGENT_ENDED

    async with live(echo_app(Echo(), run_call=show_and_end)) as host, page_call(host) as page:
        shown = [await hear(page) for _ in range(4)]
        assert await close_code(page) == 1000
    assert [event.get("seq") for event in shown] == [0, 1, 2, None]
    assert shown[0]["type"] == "event"
    assert shown[3] == {"type": "ended", "disposition": "agent_ended"}


async def test_the_agent_hanging_up_ends_the_call() -> None:
    echo = Echo()
    async with live(echo_app(echo)) as host, page_call(host) as page:
        await page.send(key("0"))
        assert await hear(page) == {"type": "ended", "disposition": "agent_ended"}
    assert echo.closings() == [LineClosed(clean=True)]


async def test_a_page_that_vanishes_is_an_unclean_end() -> None:
    echo = Echo()
    async with live(echo_app(echo)) as host:
        async with page_call(host) as page:
            page.transport.abort()
        with anyio.fail_after(5):
            await echo.over.wait()
    assert echo.closings() == [LineClosed(clean=False)]


@pytest.mark.parametrize("path", ["/ws/voice", "/ws/chat"])
@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://["]
)
async def test_another_sites_page_is_refused(path: str, origin: str) -> None:
    echo = Echo()
    async with (
        live(echo_app(echo)) as host,
        dial(f"ws://{host}{path}", additional_headers={"Origin": origin}) as page,
    ):
        assert await close_code(page) == 1008
    assert echo.calls == []


async def test_our_own_page_is_welcome() -> None:
    async with (
        live(echo_app(Echo())) as host,
        dial(f"ws://{host}/ws/voice", additional_headers={"Origin": f"http://{host}"}) as page,
    ):
        await page.send(HELLO)
        assert (await hear(page))["type"] == "ready"


async def test_malformed_messages_are_answered_until_the_budget_is_spent() -> None:
    echo = Echo()
    async with live(echo_app(echo)) as host, page_call(host) as page:
        await page.send("{")
        assert (await hear(page))["code"] == "protocol"
        await page.send(key("1"))
        assert (await hear(page))["type"] == "mark"
        for _ in range(MALFORMED_BUDGET):
            await page.send(b"\x00")
        assert await close_code(page) == 1008
    assert echo.closings() == [LineClosed(clean=False)]


async def test_a_message_beyond_the_limit_closes_its_connection() -> None:
    async with live(echo_app(Echo())) as host, page_call(host) as page:
        await page.send(b"\x00" * 65_536)
        assert len(await page.recv()) == 65_536
        await page.send(b"\x00" * 65_538)
        assert await close_code(page) == 1009
