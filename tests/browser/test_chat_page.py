"""The chat page in a real browser, before a scripted agent."""

import pytest
from playwright.async_api import expect

from support.browser import open_page
from support.browser_server import ANSWER, ScriptedAgent, scripted_app

pytestmark = [pytest.mark.anyio, pytest.mark.browser]


async def test_a_suggestion_is_answered_with_the_tool_that_was_used() -> None:
    agent = ScriptedAgent()
    async with open_page(scripted_app(agent), "/demo") as seen:
        page = seen.page
        await expect(page.get_by_text("Connected")).to_be_visible()
        await page.get_by_role("button", name="Where is my order 1042?").click()
        await expect(page.locator(".bubble.agent")).to_have_text(f"Agent{ANSWER}")
        await expect(page.locator(".card")).to_contain_text("order_id: 1042")
        await expect(page.get_by_label("Message")).to_be_focused()
        assert seen.complaints == []

    assert agent.written == ["Where is my order 1042?"]


async def test_a_reply_that_streams_can_be_stopped() -> None:
    agent = ScriptedAgent()
    async with open_page(scripted_app(agent), "/demo") as seen:
        page = seen.page
        await page.get_by_label("Message").fill("Think slowly")
        await page.get_by_label("Message").press("Enter")
        await expect(page.locator(".bubble.agent .pending")).to_contain_text("think about")
        await page.get_by_role("button", name="Stop").click()
        await expect(page.get_by_text("stopped", exact=True)).to_be_visible()
        await expect(page.get_by_role("button", name="Stop")).to_be_hidden()


async def test_what_people_write_is_shown_as_text_and_never_run() -> None:
    agent = ScriptedAgent()
    evil = '<img src=x onerror="document.title=1">\nsecond line'
    async with open_page(scripted_app(agent), "/demo") as seen:
        page = seen.page
        await expect(page.get_by_role("button", name="Send")).to_be_disabled()
        await page.get_by_label("Message").fill(evil)
        await page.get_by_role("button", name="Send").click()
        await expect(page.locator(".bubble.caller .words")).to_have_text(evil)
        assert await page.locator(".bubble img").count() == 0

    assert agent.written == [evil]


async def test_a_lost_connection_is_told_and_mended() -> None:
    agent = ScriptedAgent()
    async with open_page(scripted_app(agent), "/demo") as seen:
        page = seen.page
        await expect(page.get_by_text("Connected")).to_be_visible()
        await agent.drop_chats()
        await expect(page.get_by_role("alert")).to_contain_text("connection was lost")
        await page.get_by_role("button", name="Reconnect").click()
        await expect(page.get_by_text("Connected")).to_be_visible()
