"""pocketsphinx end to end: sound into its worker process, text out."""

import os
import signal
from pathlib import Path

import pytest

from support.engines import speech
from support.recognition import Listener, recogniser
from support.waiting import until
from voice_agent.core.audio import PHONE, WIDEBAND, AudioFormat
from voice_agent.core.errors import ProviderUnavailable
from voice_agent.core.speech import Expectation, RecognitionRequest, SpeechStarted, SpeechStopped
from voice_agent.engines.stt.pocketsphinx import PROVIDER, PocketsphinxOptions
from voice_agent.engines.stt.worker_recognizer import WorkerRecognizer

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    # This voice is the one that the recogniser understands worst by telephone.
    ("audio", "confidence"),
    [(PHONE, 0.2), (WIDEBAND, 0.3)],
    ids=["phone", "wideband"],
)
async def test_an_order_number_is_heard(
    audio: AudioFormat, confidence: float, pytestconfig: pytest.Config
) -> None:
    sound = await speech("where is my order one zero four two", audio)
    async with (
        recogniser(PROVIDER, pytestconfig) as engine,
        Listener(audio).calling(engine) as caller,
    ):
        caller.say(sound)
        final = await caller.final()
    assert "order" in final.text.split()
    assert final.confidence > confidence
    assert len(final.words) == len(final.text.split())


async def test_interim_texts_come_before_the_end(pytestconfig: pytest.Config) -> None:
    sound = await speech("I would like to make an appointment for tomorrow", WIDEBAND)
    async with (
        recogniser(PROVIDER, pytestconfig) as engine,
        Listener(WIDEBAND).calling(engine) as caller,
    ):
        assert caller.stream is not None
        caller.quiet(0.5)
        caller.stream.send(SpeechStarted(caller.clock))
        caller.hear(sound)
        await until(lambda: caller.transcripts)
        caller.stream.send(SpeechStopped(caller.clock))
        await caller.final()
    interims = [transcript for transcript in caller.transcripts if not transcript.final]
    assert interims
    assert all(transcript.completeness is not None for transcript in interims)


async def test_what_was_asked_for_is_listened_for(pytestconfig: pytest.Config) -> None:
    sound = await speech("one oh four two", PHONE)
    async with (
        recogniser(PROVIDER, pytestconfig) as engine,
        Listener(PHONE).calling(engine) as caller,
    ):
        assert caller.stream is not None
        caller.stream.send(Expectation.DIGITS)
        caller.say(sound)
        final = await caller.final()
    assert final.text.split()[-1] in {"two", "to"}


async def test_a_dead_worker_fails_its_calls_and_the_next_call_works(
    pytestconfig: pytest.Config,
) -> None:
    sound = await speech("thank you", PHONE)
    async with recogniser(PROVIDER, pytestconfig) as engine:
        assert isinstance(engine, WorkerRecognizer)
        async with Listener(PHONE).calling(engine) as caller:
            (pid,) = engine.pids
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            await until(lambda: caller.failures)
            caller.say(sound)
        assert isinstance(caller.failures[0].error, ProviderUnavailable)
        with pytest.raises(ProviderUnavailable):
            async with engine.open(RecognitionRequest(PHONE), caller.events.append):
                pass
        await until(lambda: engine.pids[0])
        async with Listener(PHONE).calling(engine) as again:
            again.say(sound)
            await again.final()


async def test_calls_are_spread_over_the_workers(pytestconfig: pytest.Config) -> None:
    async with recogniser(PROVIDER, pytestconfig, workers=2) as engine:
        assert isinstance(engine, WorkerRecognizer)
        async with Listener(PHONE).calling(engine), Listener(PHONE).calling(engine):
            assert len(set(engine.pids)) == 2
            assert engine.load == (1, 1)
        assert engine.load == (0, 0)


async def test_a_folder_that_cannot_be_written_is_told_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", "utf-8")
    engine = PROVIDER.build(PocketsphinxOptions(cache_dir=tmp_path / "file"))
    with pytest.raises(ProviderUnavailable, match="cache"):
        async with engine:
            pass


async def test_an_unknown_language_is_told_at_the_start(tmp_path: Path) -> None:
    engine = PROVIDER.build(PocketsphinxOptions(cache_dir=tmp_path, language="klingon"))
    with pytest.raises(ProviderUnavailable, match="klingon"):
        async with engine:
            pass
