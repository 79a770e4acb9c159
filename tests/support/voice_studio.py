"""The simulated voices on a good day, and hosted engines pointed to them."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from support.engines import Spoken, running, spoken
from support.waiting import until
from voice_agent.core.audio import PHONE, AudioFormat
from voice_agent.core.speech import SpeechRequest, SpokenAudio
from voice_agent.engines.registry import Kind, find
from voice_agent.simulation.providers.cartesia.rules import Rules as CartesiaRules
from voice_agent.simulation.providers.desk import VALID_KEY, Desk
from voice_agent.simulation.providers.elevenlabs.rules import Rules as ElevenLabsRules

SENTENCE = "Your order, ten forty two, has been shipped. Anything else?"
SECONDS = 2.5
both = pytest.mark.parametrize("name", ["elevenlabs", "cartesia"])
every_way = pytest.mark.parametrize(
    ("name", "options"),
    [("elevenlabs", {}), ("elevenlabs", {"transport": "http"}), ("cartesia", {})],
    ids=["elevenlabs", "elevenlabs-http", "cartesia"],
)


@dataclass
class Studio:
    """A server that is shared by the tests of a file."""

    desk: Desk
    base: str

    @asynccontextmanager
    async def voice(self, name: str, **options: Any) -> AsyncIterator[Any]:
        found = {"api_key": VALID_KEY, "base_url": f"{self.base}/{name}", **options}
        async with running(find(Kind.TTS, name), **found) as engine:
            yield engine
        await until(lambda: not any(self.desk.connections.values()))

    def rule(self, rules: ElevenLabsRules | CartesiaRules) -> None:
        self.desk.rules["cartesia" if isinstance(rules, CartesiaRules) else "elevenlabs"] = rules

    @property
    def connects(self) -> int:
        return sum(seen.body is None for seen in self.desk.journal)

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [seen.body for seen in self.desk.journal if isinstance(seen.body, dict)]


def good_day(shared: Desk, base: str) -> Studio:
    """Forget what earlier tests ordered."""
    shared.faults.clear()
    shared.journal.clear()
    shared.timings = {}
    shared.rules.clear()
    shared.rules["elevenlabs"] = ElevenLabsRules(final_delay=0.0)
    return Studio(shared, base)


async def said(engine: Any, text: str = SENTENCE, audio: AudioFormat = PHONE) -> Spoken:
    return await spoken(engine, SpeechRequest(text, audio))


async def interrupted(engine: Any, text: str = SENTENCE) -> None:
    """Listen to the first sound and no further."""
    async with aclosing(engine.stream(SpeechRequest(text, PHONE))) as stream:
        async for event in stream:
            if isinstance(event, SpokenAudio):
                return
