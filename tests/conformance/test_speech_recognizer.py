"""What every recogniser promises; a new one joins by its file."""

import anyio.lowlevel
import numpy as np
import pytest

from support.engines import speech, usable
from support.recognition import Listener, recogniser
from voice_agent.core.audio import PHONE, WIDEBAND, AudioFormat
from voice_agent.core.speech import Expectation, SpeechStarted, SpeechStopped
from voice_agent.engines.registry import Kind, Provider

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize("provider", usable(Kind.STT), ids=lambda p: p.name),
]
lines = pytest.mark.parametrize("audio", [PHONE, WIDEBAND], ids=["phone", "wideband"])


@lines
async def test_every_stretch_of_speech_gets_one_final_text_in_order(
    provider: Provider, audio: AudioFormat, pytestconfig: pytest.Config
) -> None:
    sound = await speech("yes please", audio)
    async with (
        recogniser(provider, pytestconfig) as engine,
        Listener(audio).calling(engine) as caller,
    ):
        for number in range(1, 4):
            caller.say(sound)
            await caller.final(number)
    assert len(caller.finals) == 3
    starts = [transcript.start for transcript in caller.finals]
    assert starts == sorted(starts)


async def test_what_is_told_about_a_text_is_plausible(
    provider: Provider, pytestconfig: pytest.Config
) -> None:
    sound = await speech("I would like to speak to a person please", WIDEBAND)
    async with (
        recogniser(provider, pytestconfig) as engine,
        Listener(WIDEBAND).calling(engine) as caller,
    ):
        caller.say(sound)
        await caller.final()
    for transcript in caller.transcripts:
        assert 0 <= transcript.confidence <= 1
        assert transcript.completeness is None or 0 <= transcript.completeness <= 1
        assert 0 <= transcript.start <= transcript.end <= caller.clock + 0.1
        for word in transcript.words:
            assert transcript.start <= word.start < word.end <= transcript.end + 0.1
    assert not [t for t in caller.transcripts[:-1] if t.final]


async def test_silence_taken_for_speech_has_an_empty_final_text(
    provider: Provider, pytestconfig: pytest.Config
) -> None:
    async with (
        recogniser(provider, pytestconfig) as engine,
        Listener(PHONE).calling(engine) as caller,
    ):
        caller.say(np.zeros(8000, np.int16))
        assert (await caller.final()).text == ""


async def test_the_end_of_speech_that_never_began_is_answered_too(
    provider: Provider, pytestconfig: pytest.Config
) -> None:
    async with (
        recogniser(provider, pytestconfig) as engine,
        Listener(PHONE).calling(engine) as caller,
    ):
        assert caller.stream is not None
        caller.stream.send(SpeechStopped(0.0))
        assert (await caller.final()).text == ""


async def test_odd_pieces_of_sound_do_no_harm(
    provider: Provider, pytestconfig: pytest.Config
) -> None:
    async with (
        recogniser(provider, pytestconfig) as engine,
        Listener(WIDEBAND).calling(engine) as caller,
    ):
        assert caller.stream is not None
        for expectation in Expectation:
            caller.stream.send(expectation)
            caller.stream.send(SpeechStarted(caller.clock))
            caller.hear(np.zeros(0, np.int16))
            caller.hear(np.zeros(1, np.int16))
            caller.hear(np.full(4000, 32767, np.int16))
            caller.stream.send(SpeechStopped(caller.clock))
            caller.clock += 100
        await caller.final(len(Expectation))
    assert not caller.failures


async def test_calls_do_not_hear_each_other(
    provider: Provider, pytestconfig: pytest.Config
) -> None:
    sound = await speech("good morning", PHONE)
    async with (
        recogniser(provider, pytestconfig) as engine,
        Listener(PHONE).calling(engine) as one,
        Listener(PHONE).calling(engine) as other,
    ):
        one.say(sound)
        await one.final()
        other.quiet(1.0)
        await anyio.lowlevel.checkpoint()
    assert not other.transcripts


async def test_nothing_comes_after_the_call_is_over(
    provider: Provider, pytestconfig: pytest.Config
) -> None:
    sound = await speech("good morning", PHONE)
    async with recogniser(provider, pytestconfig) as engine:
        async with Listener(PHONE).calling(engine) as gone:
            gone.say(sound)
        heard = len(gone.events)
        async with Listener(PHONE).calling(engine) as caller:
            caller.say(sound)
            await caller.final()
    assert len(gone.events) == heard
