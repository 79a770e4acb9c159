"""The simulated ElevenLabs refuses what the vendor refuses."""

from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import anyio
import pytest
from websockets.exceptions import InvalidMessage, InvalidStatus

from support.json_socket import Talk, talk_to
from support.vendor import Vendor, serving_one
from voice_agent.core.audio import AudioFormat, Encoding
from voice_agent.core.errors import ProviderRejected
from voice_agent.core.speech import SpeechRequest
from voice_agent.engines.tts.scripted import ScriptedSpeechOptions, ScriptedSynthesizer
from voice_agent.simulation.providers.desk import VALID_KEY
from voice_agent.simulation.providers.elevenlabs.rules import NAME, VOICE, Rules
from voice_agent.simulation.providers.faults import Fault, FaultKind

pytestmark = pytest.mark.anyio
SETTINGS = {"stability": 0.5, "similarity_boost": 0.8}
QUICK = Rules(final_delay=0)
SCHEDULE = [50, 60]


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def server(anyio_backend: str) -> AsyncIterator[Vendor]:
    async with serving_one(NAME) as vendor:
        yield vendor


@pytest.fixture
def vendor(server: Vendor) -> Vendor:
    server.renew()
    server.rule(QUICK)
    return server


async def say(talk: Talk, text: str | None = None, context: str | None = None, **more: Any) -> None:
    fields = {"text": text, "context_id": context, **more}
    await talk.send({name: value for name, value in fields.items() if value is not None})


async def until_final(talk: Talk) -> list[dict[str, Any]]:
    return await talk.until("isFinal", "is_final")


def talking(
    vendor: Vendor,
    way: str = "multi-stream-input",
    query: str = "",
    voice: str = VOICE,
    key: str | None = VALID_KEY,
) -> AbstractAsyncContextManager[Talk]:
    url = (
        f"{vendor.base}/v1/text-to-speech/{voice}/{way}"
        f"?model_id=eleven_flash_v2_5&output_format=ulaw_8000{query}"
    )
    return talk_to(url, {} if key is None else {"xi-api-key": key})


async def refused(vendor: Vendor, query: str = "", key: str = VALID_KEY) -> int:
    """The status of a handshake that fails."""
    with pytest.raises(InvalidStatus) as failure:
        async with talking(vendor, query=query, key=key):
            pass
    return failure.value.response.status_code


def sound(messages: list[dict[str, Any]]) -> bytes:
    return b"".join(b64decode(m["audio"]) for m in messages if m.get("audio"))


class TestBothSockets:
    @pytest.mark.parametrize("way", ["stream-input", "multi-stream-input"])
    async def test_a_first_text_that_is_no_space_closes_1008(
        self, vendor: Vendor, way: str
    ) -> None:
        async with talking(vendor, way) as talk:
            await say(talk, "Hello ", "a")
            (error,), code = await talk.closing()
        assert code == error["code"] == 1008

    @pytest.mark.parametrize("way", ["stream-input", "multi-stream-input"])
    async def test_changed_settings_close_1008(self, vendor: Vendor, way: str) -> None:
        async with talking(vendor, way) as talk:
            await say(talk, " ", "a", voice_settings=SETTINGS)
            await say(talk, "Hello ", "a", voice_settings=SETTINGS)
            await say(talk, "Hello ", "a", voice_settings={**SETTINGS, "speed": 0.8})
            *_, error = (await talk.closing())[0]
        assert error["message"].startswith("voice_settings field must be provided in the first")

    async def test_what_it_does_not_have_closes_1008(self, vendor: Vendor) -> None:
        for voice, query in (
            ("nobody", ""),
            (VOICE, "&model_id=eleven_monolithic"),
            (VOICE, "&output_format=alaw_8000"),
            (VOICE, "&output_format=pcm_48000"),
            (VOICE, "&inactivity_timeout=181"),
            (VOICE, "&auto_mode=perhaps"),
            (VOICE, "&language_code=xx"),
        ):
            async with talking(vendor, query=query, voice=voice) as talk:
                (error,), code = await talk.closing()
            assert (code, error["code"]) == (1008, 1008), query

    async def test_v3_and_v4_are_refused_on_these_sockets(self, vendor: Vendor) -> None:
        for model in ("eleven_v3", "eleven_v3_conversational", "eleven_v4", "eleven_v4_turbo"):
            assert await refused(vendor, f"&model_id={model}") == 403

    async def test_a_wrong_key_is_refused_at_the_handshake(self, vendor: Vendor) -> None:
        assert await refused(vendor, key="wrong") == 401

    async def test_the_key_may_come_with_the_first_message(self, vendor: Vendor) -> None:
        async with talking(vendor, key=None) as talk:
            await say(talk, " ", "a", xi_api_key=VALID_KEY)
            await say(talk, "Hello ", "a", close_context=True)
            assert sound(await until_final(talk))

    async def test_no_key_at_all_closes_1008(self, vendor: Vendor) -> None:
        async with talking(vendor, key=None) as talk:
            await say(talk, " ", "a")
            (error,), code = await talk.closing()
        assert (error["error"], code) == ("invalid_api_key", 1008)

    async def test_nonsense_closes_1008(self, vendor: Vendor) -> None:
        for wrong in (
            "no JSON",
            "[]",
            b"\x00",
            '{"text": 7}',
            '{"text": " ", "flush": "yes"}',
            '{"text": " ", "voice_settings": {"speed": 2}}',
            '{"text": " ", "generation_config": {"chunk_length_schedule": [10]}}',
        ):
            async with talking(vendor) as talk:
                await talk.socket.send(wrong)
                assert (await talk.closing())[1] == 1008, wrong

    async def test_tags_are_read_out_unless_ssml_is_enabled(self, vendor: Vendor) -> None:
        for query, words, seconds in (
            ("", 'One <break time="1.0s" /> two.', 1.25),
            ("&enable_ssml_parsing=true", "One [1 s] two.", 1.5),
        ):
            async with talking(vendor, query=query) as talk:
                await say(talk, " ", "a")
                await say(talk, 'One <break time="1.0s" /> two. ', "a", close_context=True)
                heard = await until_final(talk)
            assert vendor.spoken[-1].strip() == words
            assert len(sound(heard)) / 8000 == seconds

    async def test_text_waits_for_its_schedule_without_auto_mode(self, vendor: Vendor) -> None:
        async with talking(vendor) as talk:
            config = {"chunk_length_schedule": SCHEDULE}
            await say(talk, " ", "a", generation_config=config)
            await say(talk, "Forty characters are not yet enough. ", "a")
            assert await talk.silent()
            await say(talk, "But fifty are. ", "a")
            assert (await talk.hear())["contextId"] == "a"
        assert vendor.spoken == [" Forty characters are not yet enough. But fifty are. "]

    async def test_text_is_spoken_at_once_in_auto_mode(self, vendor: Vendor) -> None:
        async with talking(vendor, query="&auto_mode=true") as talk:
            await say(talk, " ", "a")
            await say(talk, "Short. ", "a")
            assert (await talk.hear())["contextId"] == "a"

    async def test_a_flush_speaks_what_is_buffered(self, vendor: Vendor) -> None:
        async with talking(vendor) as talk:
            await say(talk, " ", "a")
            await say(talk, "Short. ", "a")
            await say(talk, None, "a", flush=True)
            assert (await talk.hear())["contextId"] == "a"


class TestSingleStream:
    async def test_an_empty_text_ends_the_stream(self, vendor: Vendor) -> None:
        async with talking(vendor, "stream-input") as talk:
            await say(talk, " ")
            await say(talk, "Hello there. ")
            await say(talk, "")
            heard, code = await talk.closing()
        assert code == 1000
        assert heard[-1]["isFinal"] is True
        assert len(sound(heard)) == 4000

    async def test_silence_of_the_client_ends_it(self, vendor: Vendor) -> None:
        rules = Rules(inactivity=0.1, final_delay=0, inactivity_code=1000)
        vendor.rule(rules)
        async with talking(vendor, "stream-input") as talk:
            await say(talk, " ")
            await say(talk, "Hello there. ")
            assert (await talk.closing())[1] == 1000

    async def test_a_client_that_says_nothing_is_closed_1008(self, vendor: Vendor) -> None:
        vendor.rule(Rules(inactivity=0.05))
        async with talking(vendor, "stream-input") as talk:
            (error,), code = await talk.closing()
        assert (error["error"], code) == ("input_timeout_exceeded", 1008)


class TestManyContexts:
    async def test_a_sixth_context_kills_them_all(self, vendor: Vendor) -> None:
        async with talking(vendor) as talk:
            for number in range(6):
                await say(talk, " ", f"c{number}")
            (error,), code = await talk.closing()
        assert error["error"] == "max_active_conversations"
        assert error["message"].startswith("Maximum simultaneous contexts per WebSocket")
        assert code == 1008

    async def test_a_closed_context_counts_until_its_final_message(self, vendor: Vendor) -> None:
        vendor.rule(Rules(final_delay=0.4))
        async with talking(vendor) as talk:
            for number in range(5):
                await say(talk, " ", f"c{number}")
            await say(talk, None, "c0", close_context=True)
            await say(talk, " ", "c5")
            heard, code = await talk.closing()
        assert code == 1008
        assert heard[-1]["error"] == "max_active_conversations"

    async def test_after_a_final_message_there_is_room_again(self, vendor: Vendor) -> None:
        async with talking(vendor) as talk:
            for number in range(5):
                await say(talk, " ", f"c{number}")
            await say(talk, None, "c0", close_context=True)
            await until_final(talk)
            await say(talk, " ", "c5")
            await say(talk, "Hello ", "c5", close_context=True)
            assert sound(await until_final(talk))

    @pytest.mark.parametrize("stray", [{"flush": True}, {"text": ""}])
    async def test_a_stray_message_conjures_up_a_context(
        self, vendor: Vendor, stray: dict[str, Any]
    ) -> None:
        async with talking(vendor) as talk:
            for number in range(5):
                await say(talk, context=f"ghost{number}", **stray)
            await say(talk, " ", "a")
            assert (await talk.closing())[0][-1]["error"] == "max_active_conversations"

    async def test_text_after_the_end_of_a_context_opens_another_one(self, vendor: Vendor) -> None:
        async with talking(vendor) as talk:
            await say(talk, " ", "a")
            await say(talk, "Hello ", "a", close_context=True)
            await until_final(talk)
            await say(talk, "Late words. ", "a", flush=True)
            assert (await talk.hear())["contextId"] == "a"
        assert vendor.spoken == [" Hello ", "Late words. "]

    async def test_a_keep_alive_before_the_first_message_poisons_the_context(
        self, vendor: Vendor
    ) -> None:
        async with talking(vendor) as talk:
            await say(talk, "", "a")
            await say(talk, " ", "a", voice_settings=SETTINGS)
            (error,), code = await talk.closing()
        assert (error["error"], code) == ("voice_settings_changed", 1008)

    async def test_an_empty_text_only_keeps_a_context_alive(self, vendor: Vendor) -> None:
        vendor.rule(Rules(inactivity=0.5, final_delay=0))
        async with talking(vendor) as talk:
            await say(talk, " ", "a")
            for _ in range(3):
                await anyio.sleep(0.2)
                await say(talk, "", "a")
            await say(talk, "Hello ", "a", close_context=True)
            assert sound(await until_final(talk))

    async def test_each_context_has_its_own_patience(self, vendor: Vendor) -> None:
        vendor.rule(Rules(inactivity=0.2, final_delay=0))
        async with talking(vendor) as talk:
            await say(talk, " ", "a")
            await say(talk, " ", "b")
            for _ in range(2):
                await anyio.sleep(0.12)
                await say(talk, "", "b")
            final = await talk.hear()
        assert (final["contextId"], final["isFinal"]) == ("a", True)

    async def test_a_message_without_context_keeps_only_the_socket_alive(
        self, vendor: Vendor
    ) -> None:
        vendor.rule(Rules(inactivity=0.5))
        async with talking(vendor) as talk:
            for _ in range(3):
                await anyio.sleep(0.2)
                await say(talk, "")
            assert await talk.silent(0.05)
            (error,), _ = await talk.closing()
        assert error["error"] == "input_timeout_exceeded"

    async def test_closing_the_socket_says_all_that_is_left(self, vendor: Vendor) -> None:
        async with talking(vendor) as talk:
            await say(talk, " ", "a")
            await say(talk, "Hello there. ", "a")
            await say(talk, close_socket=True)
            heard, code = await talk.closing()
        assert (len(sound(heard)), code) == (4000, 1000)

    async def test_durations_sum_to_the_length_of_the_sound(self, vendor: Vendor) -> None:
        async with talking(vendor, query="&sync_alignment=true") as talk:
            await say(talk, " ", "a")
            text = "Three little words. And then a few more of them, to be sure. "
            await say(talk, text, "a", close_context=True)
            heard = await until_final(talk)
        chunks = [message["alignment"] for message in heard if message["alignment"]]
        total = sum(sum(chunk["charDurationsMs"]) for chunk in chunks)
        assert total == pytest.approx(len(sound(heard)) / 8, rel=0.2)
        assert "".join("".join(chunk["chars"]) for chunk in chunks).strip() == text.strip()
        assert all(chunk["charStartTimesMs"][0] == 0 for chunk in chunks)

    async def test_both_spellings_alternate_where_wanted(self, vendor: Vendor) -> None:
        rules = Rules(final_delay=0, drifting_spelling=True)
        vendor.rule(rules)
        async with talking(vendor, query="&sync_alignment=true") as talk:
            await say(talk, " ", "a")
            await say(talk, "One. Two. Three. Four. ", "a", close_context=True)
            heard = await until_final(talk)
        names = {name for message in heard for name in message} & {"contextId", "context_id"}
        chunks = [message["alignment"] for message in heard if message["alignment"]]
        spellings = {name for chunk in chunks for name in chunk if "Durations" in name}
        assert names == {"contextId", "context_id"}
        assert spellings == {"charDurationsMs", "charsDurationsMs"}

    async def test_an_audio_of_null_comes_before_the_first_sound(self, vendor: Vendor) -> None:
        async with talking(vendor, query="&auto_mode=true") as talk:
            await say(talk, " ", "a")
            await say(talk, "Hello ", "a")
            assert (await talk.hear())["audio"] is None
            assert (await talk.hear())["audio"]

    async def test_a_frame_of_two_mebibytes_comes_where_wanted(self, vendor: Vendor) -> None:
        rules = Rules(final_delay=0, padding=2 * 2**20)
        vendor.rule(rules)
        async with talking(vendor, query="&auto_mode=true") as talk:
            await say(talk, " ", "a")
            await say(talk, "Hello ", "a")
            await talk.hear()
            assert len(await talk.socket.recv()) > 2 * 2**20

    async def test_the_first_sound_takes_its_time(self, vendor: Vendor) -> None:
        vendor.take_time(first=0.2)
        async with talking(vendor, query="&auto_mode=true") as talk:
            await say(talk, " ", "a")
            began = anyio.current_time()
            await say(talk, "Hello ", "a")
            await talk.hear()
            assert anyio.current_time() - began >= 0.2


class TestBadDays:
    async def test_a_connect_is_refused(self, vendor: Vendor) -> None:
        for kind, status in (
            (FaultKind.UNAUTHORIZED, 401),
            (FaultKind.THROTTLE, 429),
            (FaultKind.ERROR, 500),
        ):
            vendor.order(Fault(provider=NAME, kind=kind, times=1))
            assert await refused(vendor) == status

    async def test_a_refused_connect_is_a_reset(self, vendor: Vendor) -> None:
        vendor.order(Fault(provider=NAME, kind=FaultKind.REFUSE))
        with pytest.raises((InvalidMessage, OSError, EOFError)):
            async with talking(vendor):
                pass

    @pytest.mark.parametrize(
        ("kind", "code"),
        [(FaultKind.RESET, 1006), (FaultKind.CUT, 1000), (FaultKind.ERROR, 1011)],
    )
    async def test_the_next_context_of_an_open_socket_is_struck(
        self, vendor: Vendor, kind: FaultKind, code: int
    ) -> None:
        async with talking(vendor) as talk:
            await say(talk, " ", "a")
            await say(talk, "One. Two. ", "a", close_context=True)
            await until_final(talk)
            vendor.order(Fault(provider=NAME, kind=kind, after=1))
            await say(talk, " ", "b")
            await say(talk, "One. Two. ", "b", close_context=True)
            heard, found = await talk.closing()
        assert found == code
        assert len(sound(heard)) == 2000
        assert not any(message.get("isFinal") for message in heard)

    async def test_a_stall_leaves_the_socket_open(self, vendor: Vendor) -> None:
        vendor.order(Fault(provider=NAME, kind=FaultKind.STALL))
        async with talking(vendor) as talk:
            await say(talk, " ", "a")
            await say(talk, "Hello ", "a", close_context=True)
            await talk.hear()
            assert await talk.silent()

    async def test_garbage_comes_instead_of_sound(self, vendor: Vendor) -> None:
        fault = Fault(provider=NAME, kind=FaultKind.GARBAGE)
        vendor.rule(Rules(final_delay=0, empty_frames=False))
        vendor.order(fault)
        async with talking(vendor) as talk:
            await say(talk, " ", "a")
            await say(talk, "Hello ", "a", close_context=True)
            raw = await talk.socket.recv()
        assert isinstance(raw, bytes) or "audio" in raw


async def test_an_engine_that_fails_is_an_error_of_its_own(vendor: Vendor) -> None:
    failing = ScriptedSynthesizer(ScriptedSpeechOptions(fail_on="Two"))
    vendor.desk.synthesizer = failing
    async with talking(vendor) as talk:
        await say(talk, " ", "a")
        await say(talk, "One. Two. ", "a", flush=True)
        heard, code = await talk.closing()
    assert (heard[-1]["code"], code) == (1011, 1011)


class Narrow(ScriptedSynthesizer):
    """Speaks 16 kHz only."""

    def stream(self, request: SpeechRequest) -> Any:
        if request.format != AudioFormat(Encoding.PCM16, 16000):
            raise ProviderRejected("16 kHz only", provider="narrow")
        return super().stream(request)


async def test_other_formats_are_made_where_the_engine_refuses_them(vendor: Vendor) -> None:
    vendor.desk.synthesizer = Narrow()
    async with talking(vendor) as talk:
        await say(talk, " ", "a")
        await say(talk, "Hello there. ", "a", close_context=True)
        heard = sound(await until_final(talk))
    assert len(heard) == 4000
    assert heard.count(heard[0]) < len(heard) / 2
