"""A chat, over a real WebSocket on loopback."""

import pytest

from support.echo_app import Echo, close_code, dial, echo_app, hear
from support.live_server import live
from voice_agent.api.chat_socket import MALFORMED_BUDGET
from voice_agent.core.call import Channel

pytestmark = pytest.mark.anyio


async def test_a_message_is_answered_and_goodbye_ends_it() -> None:
    echo = Echo()
    async with live(echo_app(echo)) as host, dial(f"ws://{host}/ws/chat") as page:
        ready = await hear(page)
        await page.send('{"type":"message","text":"bye"}')
        rest = [await hear(page) for _ in range(3)]
        assert await close_code(page) == 1000
    assert ready == {"type": "ready", "call_id": echo.calls[0].id}
    assert [message["type"] for message in rest] == ["delta", "done", "ended"]
    assert rest[2]["disposition"] == "agent_ended"
    assert echo.calls[0].channel is Channel.CHAT


async def test_malformed_messages_are_answered_until_the_budget_is_spent() -> None:
    async with live(echo_app(Echo())) as host, dial(f"ws://{host}/ws/chat") as page:
        await hear(page)
        await page.send(b"\x00")
        assert (await hear(page))["type"] == "error"
        await page.send('{"type":"message","text":"still here"}')
        assert (await hear(page))["text"] == "still here"
        for _ in range(MALFORMED_BUDGET):
            await page.send("{")
        assert await close_code(page) == 1008
