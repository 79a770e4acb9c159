"""Voices that live in a process: what only they can get wrong."""

import random
import string
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import anyio
import anyio.lowlevel
import numpy as np
import numpy.typing as npt
import pytest

from support.engines import running, spoken
from support.waiting import until
from voice_agent.core.audio import PHONE, WIDEBAND, AudioFormat, Encoding, Samples
from voice_agent.core.errors import ConfigurationError, ProviderRejected, ProviderUnavailable
from voice_agent.core.speech import SpeechEvent, SpeechRequest, SpokenAudio
from voice_agent.engines.registry import Kind, find, read_options
from voice_agent.engines.tts.worker_synthesizer import LONGEST_TEXT, WorkerSynthesizer

pytestmark = pytest.mark.anyio
workers = pytest.mark.parametrize("name", ["espeak", "flite"])

SERVE_AND_LOOK = """
import sys, anyio
from voice_agent.core.audio import PHONE
from voice_agent.core.speech import SpeechRequest, SpokenAudio
from voice_agent.engines.tts.espeak import PROVIDER

async def main():
    async with PROVIDER.build(PROVIDER.options()) as voice:
        events = [e async for e in voice.stream(SpeechRequest("hello", PHONE))]
    assert any(isinstance(e, SpokenAudio) for e in events)

assert PROVIDER.check(PROVIDER.options()) == ""
anyio.run(main)
libraries = open("/proc/self/maps").read() if sys.platform == "linux" else ""
print("espeakng_loader" in sys.modules, "libespeak" in libraries)
"""


def test_the_server_never_loads_the_gpl_library() -> None:
    shown = subprocess.run(
        [sys.executable, "-c", SERVE_AND_LOOK], capture_output=True, text=True, check=True
    )
    assert shown.stdout.split() == ["False", "False"]


@workers
async def test_a_worker_that_dies_fails_the_clause_and_the_next_one_speaks(name: str) -> None:
    async with running(find(Kind.TTS, name)) as voice:
        stream = voice.stream(SpeechRequest("Hello there. " * 200, PHONE))
        await anext(stream)
        voice.worker.kill()
        with pytest.raises(ProviderUnavailable, match="it died"):
            await _drain(stream)
        with pytest.raises(ProviderUnavailable, match="being restarted"):
            await spoken(voice, SpeechRequest("Hello", PHONE))
        await until(lambda: voice.worker.alive)
        assert (await spoken(voice, SpeechRequest("Hello", PHONE))).data


async def test_a_worker_that_hangs_is_replaced() -> None:
    voice = WorkerSynthesizer("deaf", "support.echo_worker", {"voice": "x"}, deadline=0.2)
    async with voice:
        with pytest.raises(ProviderUnavailable, match=r"no sound for 0\.2 s"):
            await spoken(voice, SpeechRequest("Hello", PHONE))
        await until(lambda: voice.worker.restarts == 1)


@workers
async def test_what_cannot_be_spoken_is_refused_in_words(name: str) -> None:
    async with running(find(Kind.TTS, name)) as voice:
        with pytest.raises(ProviderRejected, match="no voice 'nobody'"):
            await spoken(voice, SpeechRequest("Hello", PHONE, voice="nobody"))
        with pytest.raises(ProviderRejected, match="longer than"):
            await spoken(voice, SpeechRequest("a" * (LONGEST_TEXT + 1), PHONE))
        with pytest.raises(ProviderUnavailable, match="not a simple one"):
            await spoken(voice, SpeechRequest("a", AudioFormat(Encoding.PCM16, 16001)))
        assert (await spoken(voice, SpeechRequest("Hello", PHONE))).data


async def test_a_wrong_voice_in_the_options_is_told_at_the_start() -> None:
    with pytest.raises(ProviderUnavailable, match="no voice 'nobody'"):
        async with running(find(Kind.TTS, "espeak"), voice="nobody"):
            pytest.fail("must not start")


@workers
async def test_a_voice_can_be_chosen_per_clause(name: str) -> None:
    voices = {"espeak": ("en-us", "en-gb-x-rp+f3"), "flite": ("slt", "rms")}[name]
    async with running(find(Kind.TTS, name)) as engine:
        one, two = [
            await spoken(engine, SpeechRequest("Good morning", WIDEBAND, voice=voice))
            for voice in voices
        ]
    assert one.seconds != two.seconds


@workers
async def test_a_pause_is_heard_after_a_sentence(name: str) -> None:
    async with running(find(Kind.TTS, name)) as voice:
        result = await spoken(voice, SpeechRequest("Good morning. How are you?", PHONE))
    begin, end = result.words[1].end, result.words[2].start
    assert end - begin == pytest.approx(0.3, abs=0.05)
    inside = result.loudness[round((begin + 0.02) * 8000) : round((end - 0.02) * 8000)]
    assert inside.max() < 200
    assert result.loudness[-round(0.25 * 8000) :].max() < 200


@workers
async def test_closing_early_stops_the_work_in_the_worker(name: str) -> None:
    async with running(find(Kind.TTS, name)) as voice:
        async with aclosing(voice.stream(SpeechRequest("Hello there. " * 300, PHONE))) as stream:
            async for event in stream:
                if isinstance(event, SpokenAudio):
                    break
        before = _processor_ticks(voice.worker.pid)
        await anyio.sleep(0.3)
        assert _processor_ticks(voice.worker.pid) - before <= 10


@workers
async def test_a_long_clause_lets_a_new_one_speak_before_it_is_done(name: str) -> None:
    order: list[str] = []
    async with running(find(Kind.TTS, name)) as voice:

        async def speak(label: str, text: str) -> None:
            await spoken(voice, SpeechRequest(text, PHONE))
            order.append(label)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(speak, "long", "This is a sentence of some length. " * 30)
            await anyio.lowlevel.checkpoint()
            tasks.start_soon(speak, "short", "Hello.")
    assert order == ["short", "long"]


async def test_interleaved_clauses_of_flite_keep_their_own_sound() -> None:
    texts = ["The first one talks of apples and pears.", "Another speaks about seven ships."]
    async with running(find(Kind.TTS, "flite")) as voice:
        alone = [await spoken(voice, SpeechRequest(text, WIDEBAND)) for text in texts]
        together: dict[str, float] = {}

        async def speak(text: str) -> None:
            result = await spoken(voice, SpeechRequest(text, WIDEBAND))
            together[text] = float(np.abs(_envelope(result.samples) - envelopes[text]).mean())

        envelopes = {text: _envelope(one.samples) for text, one in zip(texts, alone, strict=True)}
        async with anyio.create_task_group() as tasks:
            for text in texts:
                tasks.start_soon(speak, text)
    # The excitation is random, so only the envelopes can be compared.
    assert max(together.values()) < 0.1 * max(map(np.max, envelopes.values()))


@workers
async def test_no_text_brings_a_voice_down(name: str) -> None:
    chance = random.Random(20)
    marks = string.printable * 3 + "\u00e9\u00df\u4f60\U0001f600\u0301\u202e\ud800"
    async with running(find(Kind.TTS, name)) as voice:
        for _ in range(60):
            text = "".join(chance.choices(marks, k=chance.randrange(40)))
            await spoken(voice, SpeechRequest(text, PHONE))
        assert voice.worker.restarts == 0


def test_sherpa_says_what_is_missing(tmp_path: Path) -> None:
    sherpa = find(Kind.TTS, "sherpa")
    assert "voice-agent[sherpa]" in sherpa.check(read_options(sherpa, {})) or (
        "weights" in sherpa.check(read_options(sherpa, {}))
    )
    with pytest.raises(ConfigurationError, match="cannot be used"):
        sherpa.build(read_options(sherpa, {"weights": tmp_path}))


def test_sherpa_names_the_files_a_folder_lacks(tmp_path: Path) -> None:
    from voice_agent.engines.tts.sherpa import missing_files

    assert missing_files(tmp_path, "kokoro") == [
        "a *.onnx file",
        "tokens.txt",
        "voices.bin",
        "lexicon.txt or the folder espeak-ng-data",
    ]
    for name in ("model.onnx", "tokens.txt", "lexicon.txt"):
        (tmp_path / name).touch()
    assert missing_files(tmp_path, "vits") == []
    assert missing_files(tmp_path, "kitten") == ["voices.bin"]


async def _drain(stream: AsyncIterator[SpeechEvent]) -> None:
    async for _ in stream:
        pass


def _envelope(samples: Samples) -> npt.NDArray[np.float64]:
    length = 320
    blocks = samples[: len(samples) // length * length].reshape(-1, length).astype(float)
    return np.asarray(blocks.std(axis=1)[:60])


def _processor_ticks(pid: int | None) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])
