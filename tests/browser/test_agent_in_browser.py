"""The whole product in a real browser: a spoken question, a true answer, an interruption."""

import wave
from collections.abc import Iterator, Sequence
from pathlib import Path

import anyio
import numpy as np
import pytest
from playwright.async_api import expect

from support.browser import chromium, visit
from support.running_agent import RunningAgent, running_agent
from voice_agent.core.audio import WIDEBAND
from voice_agent.core.speech import SpeechRequest, SpokenAudio
from voice_agent.simulation.voices import open_synthesizer

pytestmark = [pytest.mark.anyio, pytest.mark.browser, pytest.mark.timeout(300)]

QUESTION = "where is my order ten forty two"
GREETED_BY = 9.0
"""Seconds after which the greeting is over, more or less; nothing depends on it."""
ROOM = 4.0
"""Root mean square of the room's noise, of 32767."""
HEARD = ".bubble.agent .words > span:not(.pending):not(.unheard)"


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAgent]:
    with running_agent(tmp_path_factory.mktemp("agent")) as running:
        yield running


async def recording(path: Path, steps: Sequence[float | str]) -> Path:
    """A WAV of pauses (seconds) and spoken sentences, in a quiet room.

    No microphone hears digital silence; a browser's noise suppression is made for rooms.
    """
    sound = bytearray()
    async with open_synthesizer() as synthesizer:
        for step in steps:
            if isinstance(step, float):
                sound += WIDEBAND.silence(step)
                continue
            async for event in synthesizer.stream(SpeechRequest(step, WIDEBAND)):
                sound += event.data if isinstance(event, SpokenAudio) else b""
    await anyio.to_thread.run_sync(_write_wav, path, bytes(sound))
    return path


def _write_wav(path: Path, sound: bytes) -> None:
    speech = np.frombuffer(sound, "<i2") * 0.7
    room = np.random.default_rng(1042).normal(0, ROOM, len(speech))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(WIDEBAND.rate)
        file.writeframes((speech + room).astype("<i2").tobytes())


async def test_a_spoken_question_is_answered_from_the_data(
    agent: RunningAgent, tmp_path: Path
) -> None:
    # An agent that is not certain of the number asks; "yes" also answers "anything else?".
    sound = await recording(tmp_path / "question.wav", [GREETED_BY, QUESTION, 7.0, "yes", 30.0])
    status = str(agent.order(1042)["status"]).replace("_", " ")
    async with chromium(sound) as browser, visit(browser, f"{agent.url}/voice-demo") as seen:
        page = seen.page
        await page.get_by_role("button", name="Start").click()
        await expect(page.locator(".card").first).to_contain_text("check order status")
        await expect(page.locator(HEARD).filter(has_text=status).first).to_be_visible()
        await expect(page.locator(".card").first).to_contain_text("1042")
        await expect(page.locator("#latency-total")).not_to_be_empty()
        await page.get_by_role("button", name="Stop").click()
        await expect(page.get_by_role("status")).to_have_text("Call ended.")
        assert seen.complaints == []


async def test_speaking_into_the_reply_stops_it(agent: RunningAgent, tmp_path: Path) -> None:
    sentences: list[float | str] = [3.0]
    for _ in range(8):
        sentences += [QUESTION, 2.5]
    sound = await recording(tmp_path / "impatient.wav", sentences)
    async with chromium(sound) as browser, visit(browser, f"{agent.url}/voice-demo") as seen:
        await seen.page.get_by_role("button", name="Start").click()
        await expect(seen.page.locator(".unheard").first).not_to_be_empty()
        await expect(seen.page.get_by_text("interrupted").first).to_be_visible()


async def test_a_written_question_is_answered_from_the_data(agent: RunningAgent) -> None:
    status = str(agent.order(1042)["status"]).replace("_", " ")
    async with chromium() as browser, visit(browser, f"{agent.url}/demo") as seen:
        await seen.page.get_by_role("button", name="Where is my order 1042?").click()
        await expect(seen.page.locator(HEARD).last).to_contain_text(status)
        await expect(seen.page.locator(".card").last).to_contain_text("check order status")
        assert seen.complaints == []
