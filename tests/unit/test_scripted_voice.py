"""The voice of tests: exact, without processes, on virtual time."""

import anyio
import pytest

from support.engines import Spoken, spoken
from voice_agent.core.audio import PHONE, WIDEBAND
from voice_agent.core.errors import ProviderRejected, ProviderUnavailable
from voice_agent.core.speech import SpeechRequest, SpokenWord
from voice_agent.engines.tts.scripted import ScriptedSpeechOptions, ScriptedSynthesizer
from voice_agent.simulation.virtual_time import run_virtual


def test_words_are_exactly_as_long_as_asked() -> None:
    async def main() -> Spoken:
        return await spoken(ScriptedSynthesizer(), SpeechRequest("one two three", PHONE))

    result = run_virtual(main)
    assert result.seconds == 0.75
    assert result.words == [
        SpokenWord("one", 0.0, 0.25),
        SpokenWord("two", 0.25, 0.5),
        SpokenWord("three", 0.5, 0.75),
    ]


def test_delays_pass_on_virtual_time() -> None:
    async def main() -> float:
        voice = ScriptedSynthesizer(ScriptedSpeechOptions(first_delay=2.0, word_delay=0.5))
        begun = anyio.current_time()
        await spoken(voice, SpeechRequest("one two three", WIDEBAND))
        return anyio.current_time() - begun

    assert run_virtual(main) == pytest.approx(3.0)


def test_it_fails_on_demand_and_keeps_what_it_was_asked() -> None:
    async def main() -> list[str]:
        voice = ScriptedSynthesizer(ScriptedSpeechOptions(fail_on="trouble"))
        with pytest.raises(ProviderUnavailable):
            await spoken(voice, SpeechRequest("here is trouble", PHONE))
        voice.fail_next = ProviderRejected("no", provider="scripted")
        with pytest.raises(ProviderRejected):
            await spoken(voice, SpeechRequest("once", PHONE))
        assert (await spoken(voice, SpeechRequest("again", PHONE))).data
        return [request.text for request in voice.requests]

    assert run_virtual(main) == ["here is trouble", "once", "again"]
