"""The vendors' own clients understand the simulated ElevenLabs and Cartesia."""

import io
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx
import numpy as np
import orjson
import pytest
from anyio import to_thread
from cartesia import AsyncCartesia
from cartesia.types import WebsocketResponse
from elevenlabs import AsyncElevenLabs, ElevenLabs, VoiceSettings
from elevenlabs.core import ApiError
from elevenlabs.types import (
    AudioOutput,
    AudioOutputMulti,
    FinalOutput,
    FinalOutputMulti,
    WebsocketTtsServerMessageMulti,
)
from pydantic import TypeAdapter
from websockets.asyncio.client import connect

from support.vendor import Vendor, serving_one
from voice_agent.simulation.providers.cartesia.rules import VOICE as CARTESIA_VOICE
from voice_agent.simulation.providers.desk import VALID_KEY
from voice_agent.simulation.providers.elevenlabs.rules import VOICE
from voice_agent.simulation.wav import read_wav, write_wav

pytestmark = pytest.mark.anyio
SENTENCE = "Hello there, how are you?"
SENTENCE_SECONDS = 1.25
"""Five words of the scripted synthesiser."""
MULAW = {"container": "raw", "encoding": "pcm_mulaw", "sample_rate": 8000}
RESPONSE = TypeAdapter[Any](WebsocketResponse)


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def server(anyio_backend: str) -> AsyncIterator[Vendor]:
    async with serving_one("") as vendor:
        yield vendor


@pytest.fixture
def base(server: Vendor) -> str:
    server.renew()
    return server.base.rstrip("/")


@asynccontextmanager
async def eleven_labs(base: str, key: str = VALID_KEY) -> AsyncIterator[AsyncElevenLabs]:
    async with httpx.AsyncClient() as http:
        yield AsyncElevenLabs(base_url=f"{base}/elevenlabs", api_key=key, httpx_client=http)


@asynccontextmanager
async def cartesia(base: str) -> AsyncIterator[AsyncCartesia]:
    client = AsyncCartesia(
        api_key=VALID_KEY,
        base_url=f"{base}/cartesia",
        websocket_base_url=f"{base.replace('http', 'ws')}/cartesia",
        max_retries=0,
    )
    async with client:
        yield client


def recording(seconds: float, level: int = 6000) -> bytes:
    times = np.arange(round(seconds * 16000)) / 16000
    return write_wav([(level * np.sin(times * 1500)).astype(np.int16)], 16000)


class TestElevenLabs:
    async def test_its_client_streams_mu_law(self, base: str) -> None:
        async with eleven_labs(base) as client:
            stream = client.text_to_speech.stream(
                VOICE, text=SENTENCE, model_id="eleven_flash_v2_5", output_format="ulaw_8000"
            )
            sound = b"".join([piece async for piece in stream])
        assert len(sound) / 8000 == SENTENCE_SECONDS

    @pytest.mark.parametrize("rate", [8000, 16000, 22050, 24000, 44100, 48000])
    async def test_its_client_streams_linear_sound_of_each_rate(self, base: str, rate: int) -> None:
        async with eleven_labs(base) as client:
            stream = client.text_to_speech.convert(
                VOICE,
                text=SENTENCE,
                output_format=f"pcm_{rate}",
            )
            sound = b"".join([piece async for piece in stream])
        assert len(sound) / rate / 2 == pytest.approx(SENTENCE_SECONDS, abs=0.001)

    async def test_what_it_sends_by_default_is_mpeg_frames_of_the_right_length(
        self, base: str
    ) -> None:
        async with eleven_labs(base) as client:
            stream = client.text_to_speech.stream(VOICE, text=SENTENCE)
            sound = b"".join([piece async for piece in stream])
        assert sound.startswith(b"\xff\xfb")
        assert len(sound) * 8 / 128_000 == pytest.approx(SENTENCE_SECONDS, abs=0.03)

    async def test_characters_of_a_stream_last_as_long_as_its_sound(self, base: str) -> None:
        async with eleven_labs(base) as client:
            stream = client.text_to_speech.stream_with_timestamps(
                VOICE, text=f"{SENTENCE} Fine.", output_format="ulaw_8000"
            )
            parts = [part async for part in stream]
        runs = [part.alignment for part in parts if part.alignment]
        assert "".join(c for run in runs for c in run.characters) == f"{SENTENCE} Fine."
        assert runs[-1].character_end_times_seconds[-1] == pytest.approx(1.5, abs=0.01)

    async def test_characters_come_with_a_whole_sound_too(self, base: str) -> None:
        async with eleven_labs(base) as client:
            whole = await client.text_to_speech.convert_with_timestamps(
                VOICE, text=SENTENCE, output_format="pcm_16000"
            )
        assert whole.alignment is not None
        assert "".join(whole.alignment.characters) == SENTENCE
        assert whole.normalized_alignment is not None
        assert whole.normalized_alignment.characters[0] == " "

    @pytest.mark.filterwarnings("ignore:ConnectionClosed.code is deprecated:DeprecationWarning")
    async def test_its_realtime_client_hears_all_it_said(self, base: str, server: Vendor) -> None:
        sound = await to_thread.run_sync(_in_real_time, base)
        assert len(sound) / 8000 == pytest.approx(2.5)
        assert "".join(server.spoken).split() == f"{SENTENCE} {SENTENCE}".split()

    async def test_voices_are_listed_found_and_paged(self, base: str) -> None:
        async with eleven_labs(base) as client:
            every = await client.voices.get_all()
            page = await client.voices.search(page_size=1)
            one = await client.voices.get(VOICE)
        assert VOICE in [voice.voice_id for voice in every.voices]
        assert (len(page.voices), page.has_more) == (1, True)
        assert one.name == "Rachel"

    async def test_models_and_the_account_are_shown(self, base: str) -> None:
        async with eleven_labs(base) as client:
            models = await client.models.list()
            user = await client.user.get()
        assert "eleven_flash_v2_5" in [model.model_id for model in models]
        assert user.subscription.can_use_instant_voice_cloning

    async def test_a_cloned_voice_speaks(self, base: str) -> None:
        async with eleven_labs(base) as client:
            made = await client.voices.ivc.create(
                name="Mine", files=[io.BytesIO(recording(2.0))], labels={"accent": "none"}
            )
            stream = client.text_to_speech.stream(made.voice_id, text=SENTENCE)
            assert [piece async for piece in stream]

    @pytest.mark.parametrize(
        ("sample", "code"),
        [
            (recording(0.3), "voice_sample_too_short"),
            (recording(2.0, level=3), "voice_sample_silent"),
        ],
    )
    async def test_a_short_or_silent_sample_is_refused(
        self, base: str, sample: bytes, code: str
    ) -> None:
        async with eleven_labs(base) as client:
            with pytest.raises(ApiError) as refused:
                await client.voices.ivc.create(name="Mine", files=[io.BytesIO(sample)])
        assert (refused.value.status_code, refused.value.body["detail"]["code"]) == (400, code)

    async def test_a_wrong_key_is_refused(self, base: str) -> None:
        async with eleven_labs(base, key="wrong") as client:
            with pytest.raises(ApiError) as refused:
                await client.voices.get_all()
        assert refused.value.status_code == 401
        assert refused.value.body["detail"]["code"] == "invalid_api_key"

    async def test_every_message_of_a_context_is_of_its_types(self, base: str) -> None:
        messages = await _converse(f"{base}/elevenlabs", "multi-stream-input", _in_a_context())
        for message in messages:
            WebsocketTtsServerMessageMulti.model_validate(message)
        *sounds, final = [m for m in messages if m.get("isFinal") or m["audio"]]
        assert FinalOutputMulti.model_validate(final).is_final is True
        assert {AudioOutputMulti.model_validate(sound).context_id for sound in sounds} == {"a"}

    async def test_every_message_of_a_single_stream_is_of_its_types(self, base: str) -> None:
        texts = [{"text": " "}, {"text": f"{SENTENCE} "}, {"text": ""}]
        messages = await _converse(f"{base}/elevenlabs", "stream-input", texts)
        *sounds, final = [m for m in messages if m.get("isFinal") or m["audio"]]
        assert FinalOutput.model_validate(final).is_final is True
        assert all(AudioOutput.model_validate(sound).audio for sound in sounds)


class TestCartesia:
    async def test_its_client_speaks_over_a_socket(self, base: str) -> None:
        async with cartesia(base) as client, client.tts.websocket_connect() as connection:
            context = connection.context(
                "a",
                timeout=5,
                model_id="sonic-3",
                voice=CARTESIA_VOICE,
                output_format=MULAW,
                language="en",
                add_timestamps=True,
                max_buffer_delay_ms=0,
            )
            await context.push("Hello there, ")
            await context.push("how are you?")
            await context.no_more_inputs()
            events = [event async for event in context.receive()]
        sound = b"".join(event.audio or b"" for event in events if event.type == "chunk")
        assert len(sound) / 8000 == SENTENCE_SECONDS
        timed = [event.word_timestamps for event in events if event.type == "timestamps"]
        words = [word for times in timed if times for word in times.words]
        assert words == SENTENCE.split()
        assert [event.type for event in events].count("done") == 1

    async def test_every_event_is_of_its_types(self, base: str) -> None:
        request = {
            "context_id": "a",
            "model_id": "sonic-3",
            "voice": CARTESIA_VOICE,
            "output_format": MULAW,
            "add_timestamps": True,
            "add_phoneme_timestamps": True,
            "max_buffer_delay_ms": 0,
        }
        pieces = [
            {**request, "transcript": SENTENCE, "continue": True, "flush": True},
            {**request, "transcript": "", "continue": False},
            {**request, "transcript": "too late", "continue": False},
        ]
        events = await _speak_to_cartesia(base, pieces)
        kinds = {RESPONSE.validate_python(event).type for event in events}
        assert kinds == {
            *("chunk", "timestamps", "phoneme_timestamps", "flush_done", "done", "error")
        }

    async def test_its_client_gets_bare_sound_and_files(self, base: str) -> None:
        async with cartesia(base) as client:
            bare = await _generated(client, MULAW)
            wav = await _generated(
                client, {"container": "wav", "encoding": "pcm_s16le", "sample_rate": 22050}
            )
            mpeg = await _generated(
                client, {"container": "mp3", "bit_rate": 128000, "sample_rate": 44100}
            )
        assert len(bare) / 8000 == SENTENCE_SECONDS
        assert read_wav(wav).duration == pytest.approx(SENTENCE_SECONDS, abs=0.001)
        assert mpeg.startswith(b"\xff\xfb")
        assert len(mpeg) * 8 / 128_000 == pytest.approx(SENTENCE_SECONDS, abs=0.03)

    async def test_its_client_reads_server_sent_events(self, base: str) -> None:
        async with cartesia(base) as client:
            stream = await client.tts.generate_sse(
                model_id="sonic-3",
                transcript=SENTENCE,
                voice={"id": CARTESIA_VOICE},
                output_format={"container": "raw", "encoding": "pcm_s16le", "sample_rate": 16000},
                add_timestamps=True,
            )
            events = [event async for event in stream]
        sound = b"".join(event.audio or b"" for event in events if event.type == "chunk")
        assert len(sound) / 32000 == SENTENCE_SECONDS
        assert events[-1].type == "done"

    async def test_voices_are_listed_and_found(self, base: str) -> None:
        async with cartesia(base) as client:
            page = await client.voices.list(limit=2)
            one = await client.voices.get(CARTESIA_VOICE)
        assert len(page.data) == 2
        assert one.is_owner is False

    async def test_a_cloned_voice_speaks(self, base: str) -> None:
        async with cartesia(base) as client:
            made = await client.voices.clone(
                clip=io.BytesIO(recording(2.0)), name="Mine", language="en"
            )
            assert await _generated(client, MULAW, voice=made.id)

    async def test_an_access_token_opens_the_socket(self, base: str) -> None:
        async with AsyncCartesia(api_key=VALID_KEY, base_url=f"{base}/cartesia") as client:
            made = await client.access_token.create(grants={"tts": True}, expires_in=60)
        url = _cartesia_url(base, f"&access_token={made.token}")
        async with connect(url):
            pass


def _in_real_time(base: str) -> bytes:
    with httpx.Client() as http:
        client = ElevenLabs(base_url=f"{base}/elevenlabs", api_key=VALID_KEY, httpx_client=http)
        speech: Any = client.text_to_speech
        # It insists on TLS; everything else is as shipped.
        speech._ws_base_url = f"{base}/elevenlabs".replace("http", "ws")
        texts: Iterator[str] = iter([f"{SENTENCE} ", SENTENCE])
        return b"".join(
            speech.convert_realtime(
                VOICE,
                text=texts,
                model_id="eleven_flash_v2_5",
                output_format="ulaw_8000",
                voice_settings=VoiceSettings(stability=0.5),
            )
        )


def _in_a_context() -> list[dict[str, Any]]:
    return [
        {"text": " ", "context_id": "a", "voice_settings": {"stability": 0.5}},
        {"text": f"{SENTENCE} ", "context_id": "a", "flush": True},
        {"context_id": "a", "close_context": True},
        {"close_socket": True},
    ]


async def _converse(base: str, way: str, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    url = (
        f"{base.replace('http', 'ws')}/v1/text-to-speech/{VOICE}/{way}"
        "?model_id=eleven_flash_v2_5&output_format=ulaw_8000&sync_alignment=true"
    )
    async with connect(url, additional_headers={"xi-api-key": VALID_KEY}) as socket:
        for message in messages:
            await socket.send(orjson.dumps(message).decode())
        with anyio.fail_after(5):
            return [orjson.loads(message) async for message in socket]


def _cartesia_url(base: str, more: str = "") -> str:
    socket = base.replace("http", "ws")
    return f"{socket}/cartesia/tts/websocket?cartesia_version=2026-08-14{more}"


async def _speak_to_cartesia(base: str, pieces: list[dict[str, Any]]) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    async with connect(_cartesia_url(base, f"&api_key={VALID_KEY}")) as socket:
        for piece in pieces:
            await socket.send(orjson.dumps(piece).decode())
        with anyio.fail_after(5):
            while {"done", "error"} - {event["type"] for event in events}:
                events.append(orjson.loads(await socket.recv()))
    return events


async def _generated(client: AsyncCartesia, form: Any, voice: str = CARTESIA_VOICE) -> bytes:
    answer = await client.tts.generate(
        model_id="sonic-3", transcript=SENTENCE, voice=voice, output_format=form
    )
    return await answer.read()
