"""What every synthesiser promises; a new one joins by its file."""

from contextlib import aclosing
from itertools import pairwise

import anyio
import anyio.lowlevel
import numpy as np
import pytest

from support.engines import running, spoken, usable
from voice_agent.core.audio import PHONE, WIDEBAND, AudioFormat, Encoding
from voice_agent.core.speech import SpeechRequest, SpokenAudio
from voice_agent.engines.registry import Kind, Provider
from voice_agent.engines.tts.phrasing import printable

SENTENCE = "Your order, ten forty two, has been shipped. Anything else?"
VOICED = 200
STRANGE = [
    "",
    "   ",
    "...",
    "- ! ?",
    "\x00\x07",
    "caf\u00e9 na\u00efve \U0001f600",
    "<speak>hello</speak> [[h@loU]] &amp; \\",
    "\ud800 broken",
    "x" * 500,
    "\u4f60\u597d",
]

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize("provider", usable(Kind.TTS), ids=lambda p: p.name),
]
formats = pytest.mark.parametrize(
    "audio", [PHONE, WIDEBAND, AudioFormat(Encoding.PCM16, 24000)], ids=str
)


@formats
async def test_it_speaks_in_the_format_that_was_asked_for(
    provider: Provider, audio: AudioFormat
) -> None:
    async with running(provider) as engine:
        result = await spoken(engine, SpeechRequest(SENTENCE, audio))
    assert len(result.data) % audio.bytes_per_sample == 0
    assert 1.5 < result.seconds < 9
    assert 0.03 < result.samples.astype(float).std() / 32768 < 0.4


async def test_the_first_sound_is_not_silence(provider: Provider) -> None:
    async with running(provider) as engine:
        result = await spoken(engine, SpeechRequest(SENTENCE, PHONE))
    first = int(np.flatnonzero(result.loudness > VOICED)[0])
    assert first / PHONE.rate <= 0.015


@formats
async def test_every_word_is_told_once_in_order_and_inside_the_sound(
    provider: Provider, audio: AudioFormat
) -> None:
    async with running(provider) as engine:
        result = await spoken(engine, SpeechRequest(SENTENCE, audio))
    assert [word.text for word in result.words] == SENTENCE.split()
    assert all(0 <= word.start <= word.end for word in result.words)
    assert all(before.end <= after.start + 0.002 for before, after in pairwise(result.words))
    assert result.words[-1].end <= result.seconds + 0.002


async def test_words_cover_what_sounds(provider: Provider) -> None:
    async with running(provider) as engine:
        result = await spoken(engine, SpeechRequest(SENTENCE, PHONE))
    covered = np.zeros(len(result.samples), bool)
    for word in result.words:
        covered[int((word.start - 0.03) * PHONE.rate) if word.start > 0.03 else 0 :][
            : int((word.end - word.start + 0.06) * PHONE.rate)
        ] = True
    assert covered[result.loudness > 1000].mean() > 0.98


async def test_a_higher_rate_is_faster(provider: Provider) -> None:
    async with running(provider) as engine:
        normal = await spoken(engine, SpeechRequest(SENTENCE, PHONE))
        fast = await spoken(engine, SpeechRequest(SENTENCE, PHONE, rate=1.4))
    assert 0.5 * normal.seconds < fast.seconds < 0.9 * normal.seconds


@pytest.mark.parametrize("text", STRANGE, ids=ascii)
async def test_any_text_comes_to_an_end(provider: Provider, text: str) -> None:
    async with running(provider) as engine:
        result = await spoken(engine, SpeechRequest(text, PHONE))
        assert [word.text for word in result.words] == printable(text).split()
        assert (await spoken(engine, SpeechRequest("Hello", PHONE))).data


async def test_a_listener_may_go_away_at_any_moment(provider: Provider) -> None:
    async with running(provider) as engine:
        for _ in range(5):
            async with aclosing(engine.stream(SpeechRequest(SENTENCE * 5, PHONE))) as stream:
                async for event in stream:
                    if isinstance(event, SpokenAudio):
                        break
        result = await spoken(engine, SpeechRequest(SENTENCE, PHONE))
    assert [word.text for word in result.words] == SENTENCE.split()


async def test_a_cancelled_listener_leaves_the_engine_usable(provider: Provider) -> None:
    async with running(provider) as engine:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(spoken, engine, SpeechRequest(SENTENCE * 20, PHONE))
            await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()
        assert (await spoken(engine, SpeechRequest("Hello", PHONE))).data


async def test_many_calls_speak_at_once_and_each_gets_its_own(provider: Provider) -> None:
    texts = [f"This is caller number {n}, {'please ' * n} thank you." for n in range(12)]
    heard: dict[str, list[str]] = {}

    async with running(provider) as engine:

        async def call(text: str) -> None:
            result = await spoken(engine, SpeechRequest(text, PHONE))
            assert result.seconds >= result.words[-1].end - 0.002
            heard[text] = [word.text for word in result.words]

        async with anyio.create_task_group() as tasks:
            for text in texts:
                tasks.start_soon(call, text)
    assert heard == {text: text.split() for text in texts}
