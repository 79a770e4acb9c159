"""ElevenLabs and Cartesia against their simulations."""

import wave
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from pydantic import TypeAdapter

from support.engines import spoken
from support.simulated_providers import desk, serving
from support.voice_studio import (
    SECONDS,
    SENTENCE,
    Studio,
    both,
    every_way,
    good_day,
    interrupted,
    said,
)
from voice_agent.core.audio import PHONE, WIDEBAND, AudioFormat, Encoding
from voice_agent.core.errors import (
    ProviderMisconfigured,
    ProviderRejected,
)
from voice_agent.core.ports import Probeable, Warmable
from voice_agent.core.speech import SpeechRequest
from voice_agent.core.usage import Unit, Usage
from voice_agent.engines.tts.phrasing import printable
from voice_agent.engines.tts.scripted import tone
from voice_agent.engines.tts.voice_catalogue import VoiceCatalogue
from voice_agent.simulation.providers.cartesia.rules import Rules as CartesiaRules
from voice_agent.simulation.providers.desk import Desk, Timing
from voice_agent.simulation.providers.elevenlabs.rules import Rules as ElevenLabsRules

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """One event loop for all tests, as they share a server."""
    return "asyncio"


@pytest.fixture(scope="module")
async def site() -> AsyncIterator[tuple[Desk, str]]:
    shared = desk()
    async with serving(shared) as base:
        yield shared, base


@pytest.fixture
def studio(site: tuple[Desk, str]) -> Studio:
    return good_day(*site)


def sample() -> bytes:
    """Two seconds of a tone, as a WAV file."""
    file = BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(WIDEBAND.rate)
        sound.writeframes(tone(2 * WIDEBAND.rate, WIDEBAND))
    return file.getvalue()


@every_way
@pytest.mark.parametrize("audio", [PHONE, WIDEBAND, AudioFormat(Encoding.PCM16, 24000)], ids=str)
async def test_a_clause_sounds_in_the_format_asked_for_with_every_word_in_time(
    studio: Studio, name: str, options: dict[str, Any], audio: AudioFormat
) -> None:
    async with studio.voice(name, **options) as engine:
        result = await said(engine, audio=audio)
    assert result.seconds == pytest.approx(SECONDS, abs=0.01)
    assert [word.text for word in result.words] == SENTENCE.split()
    for index, word in enumerate(result.words):
        assert word.start == pytest.approx(index * 0.25, abs=0.02)
        assert word.end == pytest.approx((index + 1) * 0.25, abs=0.02)


@every_way
async def test_the_characters_are_reported_once_and_first(
    studio: Studio, name: str, options: dict[str, Any]
) -> None:
    async with studio.voice(name, **options) as engine:
        events = [event async for event in engine.stream(SpeechRequest(SENTENCE, PHONE))]
    assert [event for event in events if isinstance(event, Usage)] == [events[0]]
    assert events[0].provider == name
    assert events[0].amounts == {Unit.CHARACTERS: len(SENTENCE)}


@every_way
async def test_any_text_comes_to_an_end_with_all_its_words(
    studio: Studio, name: str, options: dict[str, Any]
) -> None:
    texts = ["", "   ", "- ! ?", "\x00\x07", "caf\u00e9 na\u00efve \U0001f600", "\ud800 broken"]
    texts += ["<speak>hello</speak> [[h@loU]] &amp; \\", "x" * 500, "\u4f60\u597d"]
    async with studio.voice(name, **options) as engine:
        for text in texts:
            result = await said(engine, text)
            assert [word.text for word in result.words] == printable(text).split()


@every_way
async def test_a_clause_that_is_too_long_is_rejected(
    studio: Studio, name: str, options: dict[str, Any]
) -> None:
    async with studio.voice(name, **options) as engine:
        with pytest.raises(ProviderRejected):
            await said(engine, "word " * 1000)


@every_way
async def test_a_higher_rate_is_faster(studio: Studio, name: str, options: dict[str, Any]) -> None:
    async with studio.voice(name, **options) as engine:
        fast = await spoken(engine, SpeechRequest(SENTENCE, PHONE, rate=1.4))
    assert 0.5 * SECONDS < fast.seconds < 0.9 * SECONDS


@every_way
async def test_many_calls_speak_at_once_and_each_gets_its_own(
    studio: Studio, name: str, options: dict[str, Any]
) -> None:
    texts = [f"This is caller number {n}, {'please ' * n} thank you." for n in range(12)]
    heard: dict[str, list[str]] = {}

    async with studio.voice(name, **options) as engine:

        async def call(text: str) -> None:
            result = await said(engine, text)
            assert result.seconds == pytest.approx(0.25 * len(text.split()), abs=0.02)
            heard[text] = [word.text for word in result.words]

        async with anyio.create_task_group() as tasks:
            for text in texts:
                tasks.start_soon(call, text)
    assert heard == {text: text.split() for text in texts}


@both
async def test_sockets_are_reused_between_clauses(studio: Studio, name: str) -> None:
    async with studio.voice(name) as engine:
        for _ in range(5):
            await said(engine)
    assert studio.connects == 1


@both
async def test_interrupting_twenty_times_in_a_row_never_meets_the_context_limit(
    studio: Studio, name: str
) -> None:
    studio.rule(ElevenLabsRules(contexts=5, final_delay=0.4))
    async with studio.voice(name) as engine:
        for _ in range(20):
            await interrupted(engine)
        result = await said(engine)
    assert result.seconds == pytest.approx(SECONDS, abs=0.01)
    assert studio.connects <= 8


async def test_a_closed_context_that_still_counts_sends_the_next_to_another_socket(
    studio: Studio,
) -> None:
    studio.rule(ElevenLabsRules(contexts=5, final_delay=30.0))
    async with studio.voice("elevenlabs") as engine:
        for _ in range(6):
            await interrupted(engine)
    assert studio.connects == 2


async def test_nothing_is_ever_sent_for_a_context_that_was_not_initialised(studio: Studio) -> None:
    async with studio.voice("elevenlabs") as engine:
        for _ in range(6):
            await interrupted(engine)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(said, engine)
            await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()
        await said(engine)
    begun: set[str] = set()
    for body in studio.bodies:
        if "spoken" in body:
            continue
        if "voice_settings" in body:
            begun.add(body["context_id"])
        assert body["context_id"] in begun


@both
async def test_late_sound_of_an_interrupted_clause_is_never_heard(
    studio: Studio, name: str
) -> None:
    studio.desk.timings = {name: Timing(between=0.01)}
    async with studio.voice(name) as engine:
        for count in range(5):
            await interrupted(engine, "no " * 20)
            text = "yes " * (count + 1)
            result = await said(engine, text)
            assert result.seconds == pytest.approx(0.25 * (count + 1), abs=0.01)
            assert [word.text for word in result.words] == text.split()


async def test_an_interrupted_clause_is_cancelled_by_its_context_id_and_no_id_comes_twice(
    studio: Studio,
) -> None:
    studio.desk.timings = {"cartesia": Timing(between=0.02)}
    async with studio.voice("cartesia") as engine:
        for _ in range(3):
            await interrupted(engine)
        await said(engine)
    spoken_ids = [body["context_id"] for body in studio.bodies if "transcript" in body]
    cancelled = [body["context_id"] for body in studio.bodies if body.get("cancel")]
    assert len(set(spoken_ids)) == 4
    assert cancelled == spoken_ids[:3]


@both
async def test_warming_opens_the_socket_that_the_first_clause_takes(
    studio: Studio, name: str
) -> None:
    async with studio.voice(name) as engine:
        await engine.warm()
        await engine.warm()
        assert studio.desk.connections[name] == 1
        await said(engine)
    assert studio.connects == 1


async def test_fields_that_drift_and_frames_over_a_mebibyte_are_understood(studio: Studio) -> None:
    studio.rule(ElevenLabsRules(drifting_spelling=True, padding=2 * 2**20, final_delay=0.0))
    async with studio.voice("elevenlabs") as engine:
        result = await said(engine)
    assert [word.text for word in result.words] == SENTENCE.split()


@pytest.mark.parametrize("version", ["2024-11-13", "2025-04-16", "2026-03-01", "2026-08-14"])
async def test_every_version_of_cartesia_speaks(studio: Studio, version: str) -> None:
    studio.rule(CartesiaRules(done_status=206, done_after_cancel=True))
    async with studio.voice("cartesia", api_version=version) as engine:
        await interrupted(engine)
        assert (await said(engine)).seconds == pytest.approx(SECONDS, abs=0.01)


async def test_languages_have_their_own_voices_and_sockets(studio: Studio) -> None:
    voices = {"de": "onwK4e9ZLuTAKqWW03F9"}
    async with studio.voice("elevenlabs", voices=voices) as engine:
        await said(engine)
        await spoken(engine, SpeechRequest("Guten Tag", PHONE, language="de"))
    german = [seen.path for seen in studio.desk.journal if "onwK4e9ZLuTAKqWW03F9" in seen.path]
    assert german
    assert all("language_code=de" in path for path in german if "#" not in path)


@both
async def test_the_probe_passes_or_says_which_voices_there_are(studio: Studio, name: str) -> None:
    async with studio.voice(name) as engine:
        assert all(isinstance(engine, port) for port in (Warmable, Probeable, VoiceCatalogue))
        await engine.probe()
    async with studio.voice(name, voice="nobody") as engine:
        with pytest.raises(ProviderMisconfigured, match="no voice 'nobody'; this account has: "):
            await engine.probe()
    async with studio.voice(name, api_key="wrong") as engine:
        with pytest.raises(ProviderMisconfigured):
            await engine.probe()


@both
async def test_voices_are_listed_and_a_clone_is_among_them(studio: Studio, name: str) -> None:
    async with studio.voice(name) as engine:
        before = await engine.voices()
        made = await engine.clone_voice("Aunt Em", sample(), "en", "warm")
        after = {found.id: found for found in await engine.voices()}
        assert set(after) == {found.id for found in before} | {made}
        assert after[made].name == "Aunt Em"
        assert after[made].own
        assert (await spoken(engine, SpeechRequest("Hello.", PHONE, voice=made))).data


@both
@pytest.mark.parametrize("data", [b"RIFF", bytes(9000), bytes(10 * 2**20 + 1)], ids=len)
async def test_a_sample_that_is_no_sound_is_rejected_before_it_is_sent(
    studio: Studio, name: str, data: bytes
) -> None:
    async with studio.voice(name) as engine:
        with pytest.raises(ProviderRejected):
            await engine.clone_voice("x", data, "en")
    assert not studio.desk.journal


@both
async def test_a_preview_is_an_mp3_file(studio: Studio, name: str) -> None:
    async with studio.voice(name) as engine:
        data = await engine.synthesize_mp3("Hello there.")
    assert data[:3] == b"ID3" or data[0] == 0xFF


@pytest.mark.parametrize("model", ["eleven_v3", "eleven_v4_turbo"])
async def test_models_that_websockets_refuse_speak_over_http(studio: Studio, model: str) -> None:
    async with studio.voice("elevenlabs", model=model) as engine:
        assert (await said(engine)).seconds == pytest.approx(SECONDS, abs=0.01)
    assert not studio.desk.connections.get("elevenlabs")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_elevenlabs_messages_are_those_of_the_vendors_own_types(studio: Studio) -> None:
    from elevenlabs import types

    async with studio.voice("elevenlabs") as engine:
        await said(engine)
    first, text, close = [body for body in studio.bodies if "spoken" not in body]
    for body, model in (
        (first, types.InitialiseContext),
        (text, types.SendTextMulti),
        (close, types.CloseContext),
    ):
        assert set(body) <= set(model.model_fields)
        model.model_validate(body)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_cartesia_messages_are_those_of_the_vendors_own_types(studio: Studio) -> None:
    from cartesia.types import GenerationRequestParam

    async with studio.voice("cartesia", api_version="2026-08-14") as engine:
        await spoken(engine, SpeechRequest("Hello.", PHONE, rate=1.2))
    (body,) = [body for body in studio.bodies if "transcript" in body]
    TypeAdapter(GenerationRequestParam).validate_python(body)
    assert set(body) <= GenerationRequestParam.__required_keys__ | (
        GenerationRequestParam.__optional_keys__
    )
