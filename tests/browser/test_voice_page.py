"""The voice page in a real browser, before a scripted agent."""

import pytest
from playwright.async_api import Page, expect

from support.browser import open_page
from support.browser_server import ANSWER, GREETING, ScriptedAgent, scripted_app
from support.waiting import until

pytestmark = [pytest.mark.anyio, pytest.mark.browser]

ANSWERED = "Your order 1042 has shipped"


async def test_a_caller_speaks_and_sees_and_hears_the_answer() -> None:
    agent = ScriptedAgent()
    async with open_page(scripted_app(agent), "/voice-demo") as seen:
        page = seen.page
        await page.get_by_role("button", name="Start").click()
        await expect(page.locator(".bubble.agent").last).to_have_text(f"Agent{ANSWER}")
        await until(lambda: "answer" in agent.played)
        await expect(page.locator(".bubble.agent").last.locator(".pending")).to_have_count(0)
        await expect(page.locator(".bubble.caller")).to_contain_text("where is my order ten")
        await expect(page.locator(".card")).to_contain_text("check order status")
        await expect(page.locator("#latency-total")).to_have_text("369")
        await expect(page.locator("#latency-parts dd")).to_have_count(6)
        await expect(page.get_by_role("status")).to_have_text("Listening")
        await page.get_by_role("button", name="Stop").click()
        await expect(page.get_by_role("status")).to_have_text("Call ended.")
        assert seen.complaints == []

    assert agent.hello == {"type": "hello", "version": 1}
    assert agent.played == ["greeting", "answer"]
    assert {len(piece) for piece in agent.pieces} == {640}
    assert agent.hung_up


async def test_a_clear_silences_the_page_and_forgets_its_marks() -> None:
    agent = ScriptedAgent(greeting_seconds=50, interrupt_greeting=True)
    async with open_page(scripted_app(agent), "/voice-demo") as seen:
        await seen.page.get_by_role("button", name="Start").click()
        await expect(seen.page.locator(".unheard").first).to_contain_text("How can I help")
        await expect(seen.page.locator(".bubble").first).to_have_text(f"Agent{GREETING}interrupted")
        # Fifty seconds of greeting lie before the answer, unless they were dropped.
        await until(lambda: agent.played == ["answer"])


async def test_a_muted_microphone_sends_silence() -> None:
    agent = ScriptedAgent()
    async with open_page(scripted_app(agent), "/voice-demo") as seen:
        await seen.page.get_by_role("button", name="Start").click()
        await until(lambda: "answer" in agent.played)
        await seen.page.get_by_role("button", name="Mute").click()
        start = len(agent.pieces) + 20
        await until(lambda: len(agent.pieces) > start + 100)

    assert max(agent.loudness()[start:]) == 0


async def test_the_page_works_by_keyboard_and_sends_telephone_keys() -> None:
    agent = ScriptedAgent()
    async with open_page(scripted_app(agent), "/voice-demo") as seen:
        page = seen.page
        await _tab_to(page, "talk")
        await page.keyboard.press("Enter")
        await until(lambda: agent.pieces)
        await page.get_by_text("Keypad").press("Enter")
        await page.get_by_role("button", name="5", exact=True).press("Enter")
        await page.get_by_role("button", name="#", exact=True).press("Enter")
        await until(lambda: agent.keys == ["5", "#"])


async def _tab_to(page: Page, identity: str) -> None:
    for _ in range(10):
        await page.keyboard.press("Tab")
        if await page.evaluate("document.activeElement.id") == identity:
            return
    pytest.fail(f"{identity} cannot be reached with the tab key")


async def test_a_refused_microphone_is_explained() -> None:
    agent = ScriptedAgent()
    deny = "--use-fake-ui-for-media-stream=deny"
    async with open_page(scripted_app(agent), "/voice-demo", deny) as seen:
        await seen.page.get_by_role("button", name="Start").click()
        await expect(seen.page.get_by_role("alert")).to_contain_text("microphone was refused")
        await expect(seen.page.get_by_role("button", name="Start")).to_be_enabled()


async def test_a_browser_without_worklets_is_told_so() -> None:
    async with open_page(scripted_app(ScriptedAgent()), "/voice-demo") as seen:
        await seen.page.evaluate("delete window.AudioWorkletNode")
        await seen.page.get_by_role("button", name="Start").click()
        await expect(seen.page.get_by_role("alert")).to_contain_text("no AudioWorklet")


async def test_a_lost_connection_can_be_taken_up_again() -> None:
    agent = ScriptedAgent(drop_after_hello=True)
    async with open_page(scripted_app(agent), "/voice-demo") as seen:
        page = seen.page
        await page.get_by_role("button", name="Start").click()
        await expect(page.get_by_role("alert")).to_contain_text("connection was lost")
        agent.drop_after_hello = False
        await page.get_by_role("button", name="Reconnect").click()
        await expect(page.get_by_text(GREETING)).to_be_visible()
        await expect(page.get_by_role("alert")).to_be_hidden()


RESAMPLE = """async ([from, to, hertz]) => {
  const { Resampler } = await import("/static/worklets/resampler.js");
  const resampler = new Resampler(from, to);
  const out = [];
  for (let at = 0; at < from; at += 128) {
    const block = Float32Array.from({ length: Math.min(128, from - at) },
      (_, i) => Math.sin((2 * Math.PI * hertz * (at + i)) / from));
    out.push(...resampler.process(block));
  }
  const settled = out.slice(1000, out.length - 1000);
  const power = settled.reduce((sum, value) => sum + value * value, 0) / settled.length;
  return [out.length, Math.sqrt(2 * power)];
}"""


CARRIED = [
    ((48000, 16000), 1000, 0.99, 1.01),
    ((48000, 16000), 6000, 0.95, 1.01),
    ((48000, 16000), 9000, 0.0, 0.002),
    ((48000, 16000), 15000, 0.0, 0.002),
    ((44100, 16000), 1000, 0.99, 1.01),
    ((44100, 16000), 10000, 0.0, 0.002),
    ((16000, 48000), 3000, 0.99, 1.01),
    ((16000, 44100), 3000, 0.99, 1.01),
]


async def test_sound_that_the_new_rate_cannot_carry_is_filtered_out() -> None:
    async with open_page(scripted_app(ScriptedAgent()), "/voice-demo") as seen:
        for rates, hertz, least, most in CARRIED:
            length, amplitude = await seen.page.evaluate(RESAMPLE, [*rates, hertz])
            assert length == rates[1]
            assert least <= amplitude <= most, (rates, hertz, amplitude)
