"""The simulated ElevenLabs refuses what the vendor refuses."""

from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx2
import orjson
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus

from support.simulated_providers import desk, serving
from voice_agent.core.audio import AudioFormat, Encoding
from voice_agent.core.errors import ProviderRejected
from voice_agent.core.speech import SpeechRequest
from voice_agent.engines.tts.scripted import ScriptedSynthesizer
from voice_agent.simulation.providers.desk import VALID_KEY, Desk, Timing
from voice_agent.simulation.providers.elevenlabs.rules import NAME, VOICE, Rules
from voice_agent.simulation.providers.faults import Fault, FaultKind

pytestmark = pytest.mark.anyio
SETTINGS = {"stability": 0.5, "similarity_boost": 0.8}
QUICK = Rules(final_delay=0)
SCHEDULE = [50, 60]


def ruled(rules: Rules = QUICK, *faults: Fault) -> Desk:
    simulated = desk()
    simulated.rules[NAME] = rules
    simulated.faults.order(*faults)
    return simulated


class Talk:
    """A client that says and hears JSON."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def say(self, text: str | None = None, context: str | None = None, **more: Any) -> None:
        fields = {"text": text, "context_id": context, **more}
        message = {name: value for name, value in fields.items() if value is not None}
        await self.socket.send(orjson.dumps(message).decode())

    async def hear(self) -> dict[str, Any]:
        with anyio.fail_after(5):
            message: dict[str, Any] = orjson.loads(await self.socket.recv())
            return message

    async def until_final(self) -> list[dict[str, Any]]:
        heard = [await self.hear()]
        while not (heard[-1].get("isFinal") or heard[-1].get("is_final")):
            heard.append(await self.hear())
        return heard

    async def closing(self) -> tuple[list[dict[str, Any]], int]:
        """What comes before the close, and its code."""
        heard: list[dict[str, Any]] = []
        try:
            while True:
                heard.append(await self.hear())
        except ConnectionClosed as closed:
            return heard, closed.rcvd.code if closed.rcvd else 1006

    async def silent(self, seconds: float = 0.15) -> bool:
        with anyio.move_on_after(seconds):
            await self.socket.recv()
            return False
        return True


@asynccontextmanager
async def connected(
    base: str,
    way: str = "multi-stream-input",
    query: str = "",
    voice: str = VOICE,
    key: str | None = VALID_KEY,
) -> AsyncIterator[Talk]:
    socket = base.replace("http", "ws")
    url = (
        f"{socket}/elevenlabs/v1/text-to-speech/{voice}/{way}"
        f"?model_id=eleven_flash_v2_5&output_format=ulaw_8000{query}"
    )
    headers = {} if key is None else {"xi-api-key": key}
    async with connect(url, additional_headers=headers, max_size=2**24) as client:
        yield Talk(client)


@asynccontextmanager
async def talking(
    simulated: Desk, way: str = "multi-stream-input", query: str = "", key: str | None = VALID_KEY
) -> AsyncIterator[Talk]:
    async with serving(simulated) as base, connected(base, way, query, key=key) as talk:
        yield talk


async def refused(base: str, query: str = "", key: str = VALID_KEY) -> int:
    """The status of a handshake that fails."""
    with pytest.raises(InvalidStatus) as failure:
        async with connected(base, query=query, key=key):
            pass
    return failure.value.response.status_code


def sound(messages: list[dict[str, Any]]) -> bytes:
    return b"".join(b64decode(m["audio"]) for m in messages if m.get("audio"))


def spoken(simulated: Desk) -> list[str]:
    return [seen.body["spoken"] for seen in simulated.journal if seen.path.endswith("#spoken")]


class TestBothSockets:
    @pytest.mark.parametrize("way", ["stream-input", "multi-stream-input"])
    async def test_a_first_text_that_is_no_space_closes_1008(self, way: str) -> None:
        async with talking(ruled(), way) as talk:
            await talk.say("Hello ", "a")
            (error,), code = await talk.closing()
        assert code == error["code"] == 1008

    @pytest.mark.parametrize("way", ["stream-input", "multi-stream-input"])
    async def test_changed_settings_close_1008(self, way: str) -> None:
        async with talking(ruled(), way) as talk:
            await talk.say(" ", "a", voice_settings=SETTINGS)
            await talk.say("Hello ", "a", voice_settings=SETTINGS)
            await talk.say("Hello ", "a", voice_settings={**SETTINGS, "speed": 0.8})
            *_, error = (await talk.closing())[0]
        assert error["message"].startswith("voice_settings field must be provided in the first")

    async def test_what_it_does_not_have_closes_1008(self) -> None:
        async with serving(ruled()) as base:
            for voice, query in (
                ("nobody", ""),
                (VOICE, "&model_id=eleven_monolithic"),
                (VOICE, "&output_format=alaw_8000"),
                (VOICE, "&output_format=pcm_48000"),
                (VOICE, "&inactivity_timeout=181"),
                (VOICE, "&auto_mode=perhaps"),
                (VOICE, "&language_code=xx"),
            ):
                async with connected(base, query=query, voice=voice) as talk:
                    (error,), code = await talk.closing()
                assert (code, error["code"]) == (1008, 1008), query

    async def test_v3_and_v4_are_refused_on_these_sockets(self) -> None:
        async with serving(ruled()) as base:
            for model in ("eleven_v3", "eleven_v3_conversational", "eleven_v4", "eleven_v4_turbo"):
                assert await refused(base, f"&model_id={model}") == 403

    async def test_a_wrong_key_is_refused_at_the_handshake(self) -> None:
        async with serving(ruled()) as base:
            assert await refused(base, key="wrong") == 401

    async def test_the_key_may_come_with_the_first_message(self) -> None:
        async with talking(ruled(), key=None) as talk:
            await talk.say(" ", "a", xi_api_key=VALID_KEY)
            await talk.say("Hello ", "a", close_context=True)
            assert sound(await talk.until_final())

    async def test_no_key_at_all_closes_1008(self) -> None:
        async with talking(ruled(), key=None) as talk:
            await talk.say(" ", "a")
            (error,), code = await talk.closing()
        assert (error["error"], code) == ("invalid_api_key", 1008)

    async def test_nonsense_closes_1008(self) -> None:
        async with serving(ruled()) as base:
            for wrong in (
                "no JSON",
                "[]",
                b"\x00",
                '{"text": 7}',
                '{"text": " ", "flush": "yes"}',
                '{"text": " ", "voice_settings": {"speed": 2}}',
                '{"text": " ", "generation_config": {"chunk_length_schedule": [10]}}',
            ):
                async with connected(base) as talk:
                    await talk.socket.send(wrong)
                    assert (await talk.closing())[1] == 1008, wrong

    async def test_tags_are_read_out_unless_ssml_is_enabled(self) -> None:
        for query, words, seconds in (
            ("", 'One <break time="1.0s" /> two.', 1.25),
            ("&enable_ssml_parsing=true", "One [1 s] two.", 1.5),
        ):
            simulated = ruled()
            async with talking(simulated, query=query) as talk:
                await talk.say(" ", "a")
                await talk.say('One <break time="1.0s" /> two. ', "a", close_context=True)
                heard = await talk.until_final()
            assert [text.strip() for text in spoken(simulated)] == [words]
            assert len(sound(heard)) / 8000 == seconds

    async def test_text_waits_for_its_schedule_without_auto_mode(self) -> None:
        simulated = ruled()
        async with talking(simulated) as talk:
            config = {"chunk_length_schedule": SCHEDULE}
            await talk.say(" ", "a", generation_config=config)
            await talk.say("Forty characters are not yet enough. ", "a")
            assert await talk.silent()
            await talk.say("But fifty are. ", "a")
            assert (await talk.hear())["contextId"] == "a"
        assert spoken(simulated) == [" Forty characters are not yet enough. But fifty are. "]

    async def test_text_is_spoken_at_once_in_auto_mode(self) -> None:
        async with talking(ruled(), query="&auto_mode=true") as talk:
            await talk.say(" ", "a")
            await talk.say("Short. ", "a")
            assert (await talk.hear())["contextId"] == "a"

    async def test_a_flush_speaks_what_is_buffered(self) -> None:
        async with talking(ruled()) as talk:
            await talk.say(" ", "a")
            await talk.say("Short. ", "a")
            await talk.say(None, "a", flush=True)
            assert (await talk.hear())["contextId"] == "a"


class TestSingleStream:
    async def test_an_empty_text_ends_the_stream(self) -> None:
        async with talking(ruled(), "stream-input") as talk:
            await talk.say(" ")
            await talk.say("Hello there. ")
            await talk.say("")
            heard, code = await talk.closing()
        assert code == 1000
        assert heard[-1]["isFinal"] is True
        assert len(sound(heard)) == 4000

    async def test_silence_of_the_client_ends_it(self) -> None:
        rules = Rules(inactivity=0.1, final_delay=0, inactivity_code=1000)
        async with talking(ruled(rules), "stream-input") as talk:
            await talk.say(" ")
            await talk.say("Hello there. ")
            assert (await talk.closing())[1] == 1000

    async def test_a_client_that_says_nothing_is_closed_1008(self) -> None:
        async with talking(ruled(Rules(inactivity=0.05)), "stream-input") as talk:
            (error,), code = await talk.closing()
        assert (error["error"], code) == ("input_timeout_exceeded", 1008)


class TestManyContexts:
    async def test_a_sixth_context_kills_them_all(self) -> None:
        async with talking(ruled()) as talk:
            for number in range(6):
                await talk.say(" ", f"c{number}")
            (error,), code = await talk.closing()
        assert error["error"] == "max_active_conversations"
        assert error["message"].startswith("Maximum simultaneous contexts per WebSocket")
        assert code == 1008

    async def test_a_closed_context_counts_until_its_final_message(self) -> None:
        async with talking(ruled(Rules(final_delay=0.4))) as talk:
            for number in range(5):
                await talk.say(" ", f"c{number}")
            await talk.say(None, "c0", close_context=True)
            await talk.say(" ", "c5")
            heard, code = await talk.closing()
        assert code == 1008
        assert heard[-1]["error"] == "max_active_conversations"

    async def test_after_a_final_message_there_is_room_again(self) -> None:
        async with talking(ruled()) as talk:
            for number in range(5):
                await talk.say(" ", f"c{number}")
            await talk.say(None, "c0", close_context=True)
            await talk.until_final()
            await talk.say(" ", "c5")
            await talk.say("Hello ", "c5", close_context=True)
            assert sound(await talk.until_final())

    @pytest.mark.parametrize("stray", [{"flush": True}, {"text": ""}])
    async def test_a_stray_message_conjures_up_a_context(self, stray: dict[str, Any]) -> None:
        async with talking(ruled()) as talk:
            for number in range(5):
                await talk.say(context=f"ghost{number}", **stray)
            await talk.say(" ", "a")
            assert (await talk.closing())[0][-1]["error"] == "max_active_conversations"

    async def test_text_after_the_end_of_a_context_opens_another_one(self) -> None:
        simulated = ruled()
        async with talking(simulated) as talk:
            await talk.say(" ", "a")
            await talk.say("Hello ", "a", close_context=True)
            await talk.until_final()
            await talk.say("Late words. ", "a", flush=True)
            assert (await talk.hear())["contextId"] == "a"
        assert spoken(simulated) == [" Hello ", "Late words. "]

    async def test_a_keep_alive_before_the_first_message_poisons_the_context(self) -> None:
        async with talking(ruled()) as talk:
            await talk.say("", "a")
            await talk.say(" ", "a", voice_settings=SETTINGS)
            (error,), code = await talk.closing()
        assert (error["error"], code) == ("voice_settings_changed", 1008)

    async def test_an_empty_text_only_keeps_a_context_alive(self) -> None:
        async with talking(ruled(Rules(inactivity=0.25, final_delay=0))) as talk:
            await talk.say(" ", "a")
            for _ in range(3):
                await anyio.sleep(0.12)
                await talk.say("", "a")
            await talk.say("Hello ", "a", close_context=True)
            assert sound(await talk.until_final())

    async def test_each_context_has_its_own_patience(self) -> None:
        async with talking(ruled(Rules(inactivity=0.2, final_delay=0))) as talk:
            await talk.say(" ", "a")
            await talk.say(" ", "b")
            for _ in range(2):
                await anyio.sleep(0.12)
                await talk.say("", "b")
            final = await talk.hear()
        assert (final["contextId"], final["isFinal"]) == ("a", True)

    async def test_a_message_without_context_keeps_only_the_socket_alive(self) -> None:
        async with talking(ruled(Rules(inactivity=0.2))) as talk:
            for _ in range(3):
                await anyio.sleep(0.1)
                await talk.say("")
            assert await talk.silent(0.05)
            (error,), _ = await talk.closing()
        assert error["error"] == "input_timeout_exceeded"

    async def test_closing_the_socket_says_all_that_is_left(self) -> None:
        async with talking(ruled()) as talk:
            await talk.say(" ", "a")
            await talk.say("Hello there. ", "a")
            await talk.say(close_socket=True)
            heard, code = await talk.closing()
        assert (len(sound(heard)), code) == (4000, 1000)

    async def test_durations_sum_to_the_length_of_the_sound(self) -> None:
        async with talking(ruled(), query="&sync_alignment=true") as talk:
            await talk.say(" ", "a")
            text = "Three little words. And then a few more of them, to be sure. "
            await talk.say(text, "a", close_context=True)
            heard = await talk.until_final()
        chunks = [message["alignment"] for message in heard if message["alignment"]]
        total = sum(sum(chunk["charDurationsMs"]) for chunk in chunks)
        assert total == pytest.approx(len(sound(heard)) / 8, rel=0.2)
        assert "".join("".join(chunk["chars"]) for chunk in chunks).strip() == text.strip()
        assert all(chunk["charStartTimesMs"][0] == 0 for chunk in chunks)

    async def test_both_spellings_alternate_where_wanted(self) -> None:
        rules = Rules(final_delay=0, drifting_spelling=True)
        async with talking(ruled(rules), query="&sync_alignment=true") as talk:
            await talk.say(" ", "a")
            await talk.say("One. Two. Three. Four. ", "a", close_context=True)
            heard = await talk.until_final()
        names = {name for message in heard for name in message} & {"contextId", "context_id"}
        chunks = [message["alignment"] for message in heard if message["alignment"]]
        spellings = {name for chunk in chunks for name in chunk if "Durations" in name}
        assert names == {"contextId", "context_id"}
        assert spellings == {"charDurationsMs", "charsDurationsMs"}

    async def test_an_audio_of_null_comes_before_the_first_sound(self) -> None:
        async with talking(ruled(), query="&auto_mode=true") as talk:
            await talk.say(" ", "a")
            await talk.say("Hello ", "a")
            assert (await talk.hear())["audio"] is None
            assert (await talk.hear())["audio"]

    async def test_a_frame_of_two_mebibytes_comes_where_wanted(self) -> None:
        rules = Rules(final_delay=0, padding=2 * 2**20)
        async with talking(ruled(rules), query="&auto_mode=true") as talk:
            await talk.say(" ", "a")
            await talk.say("Hello ", "a")
            await talk.hear()
            assert len(await talk.socket.recv()) > 2 * 2**20

    async def test_the_first_sound_takes_its_time(self) -> None:
        simulated = ruled()
        simulated.timings = {NAME: Timing(first=0.2)}
        async with talking(simulated, query="&auto_mode=true") as talk:
            await talk.say(" ", "a")
            began = anyio.current_time()
            await talk.say("Hello ", "a")
            await talk.hear()
            assert anyio.current_time() - began >= 0.2


class TestBadDays:
    async def test_a_connect_is_refused(self) -> None:
        simulated = ruled()
        async with serving(simulated) as base:
            for kind, status in (
                (FaultKind.UNAUTHORIZED, 401),
                (FaultKind.THROTTLE, 429),
                (FaultKind.ERROR, 500),
            ):
                simulated.faults.order(Fault(provider=NAME, kind=kind, times=1))
                assert await refused(base) == status

    async def test_a_refused_connect_is_a_reset(self) -> None:
        async with serving(ruled(QUICK, Fault(provider=NAME, kind=FaultKind.REFUSE))) as base:
            with pytest.raises((InvalidMessage, OSError, EOFError)):
                async with connected(base):
                    pass

    @pytest.mark.parametrize(
        ("kind", "code"),
        [(FaultKind.RESET, 1006), (FaultKind.CUT, 1000), (FaultKind.ERROR, 1011)],
    )
    async def test_the_next_context_of_an_open_socket_is_struck(
        self, kind: FaultKind, code: int
    ) -> None:
        simulated = ruled()
        async with talking(simulated) as talk:
            await talk.say(" ", "a")
            await talk.say("One. Two. ", "a", close_context=True)
            await talk.until_final()
            simulated.faults.order(Fault(provider=NAME, kind=kind, after=1))
            await talk.say(" ", "b")
            await talk.say("One. Two. ", "b", close_context=True)
            heard, found = await talk.closing()
        assert found == code
        assert len(sound(heard)) == 2000
        assert not any(message.get("isFinal") for message in heard)

    async def test_a_stall_leaves_the_socket_open(self) -> None:
        async with talking(ruled(QUICK, Fault(provider=NAME, kind=FaultKind.STALL))) as talk:
            await talk.say(" ", "a")
            await talk.say("Hello ", "a", close_context=True)
            await talk.hear()
            assert await talk.silent()

    async def test_garbage_comes_instead_of_sound(self) -> None:
        fault = Fault(provider=NAME, kind=FaultKind.GARBAGE)
        simulated = ruled(Rules(final_delay=0, empty_frames=False), fault)
        async with talking(simulated) as talk:
            await talk.say(" ", "a")
            await talk.say("Hello ", "a", close_context=True)
            raw = await talk.socket.recv()
        assert isinstance(raw, bytes) or "audio" in raw


class Narrow(ScriptedSynthesizer):
    """Speaks 16 kHz only."""

    def stream(self, request: SpeechRequest) -> Any:
        if request.format != AudioFormat(Encoding.PCM16, 16000):
            raise ProviderRejected("16 kHz only", provider="narrow")
        return super().stream(request)


async def test_other_formats_are_made_where_the_engine_refuses_them() -> None:
    simulated = desk(synthesizer=Narrow())
    simulated.rules[NAME] = QUICK
    async with talking(simulated) as talk:
        await talk.say(" ", "a")
        await talk.say("Hello there. ", "a", close_context=True)
        heard = sound(await talk.until_final())
    assert len(heard) == 4000
    assert heard.count(heard[0]) < len(heard) / 2


class TestHttp:
    async def test_what_is_wrong_is_refused(self) -> None:
        path = "/v1/text-to-speech"
        async with serving(ruled()) as base, _client(base) as client:
            for place, more, status in (
                (VOICE, {"text": None}, 400),
                (VOICE, {"text": " "}, 400),
                ("nobody", {}, 404),
                (f"{VOICE}?output_format=opus_48000_32", {}, 400),
                (VOICE, {"model_id": "eleven_monolithic"}, 400),
                (VOICE, {"model_id": "eleven_v3", "previous_text": "x"}, 400),
                (VOICE, {"text": "x" * 10_001}, 400),
                (VOICE, {"voice_settings": {"speed": 3}}, 400),
                (VOICE, {"seed": -1}, 400),
                (VOICE, {"previous_request_ids": ["a", "b", "c", "d"]}, 400),
            ):
                answer = await client.post(f"{path}/{place}", json={"text": "Hello", **more})
                assert answer.status_code == status, (place, more)
            assert (await client.post(f"{path}/{VOICE}", json={})).status_code == 422

    async def test_errors_have_the_shape_of_their_time(self) -> None:
        new = await self._post(ruled(), "nobody", {"text": "Hello"})
        old = await self._post(ruled(Rules(legacy_errors=True)), "nobody", {"text": "Hello"})
        assert set(new.json()["detail"]) >= {"type", "code", "message", "status", "request_id"}
        assert set(old.json()["detail"]) == {"status", "message"}
        assert (new.status_code, old.status_code) == (404, 400)

    async def test_headers_tell_cost_and_concurrency(self) -> None:
        answer = await self._post(ruled(), VOICE, {"text": "Hello"})
        assert answer.headers["character-cost"] == "5"
        assert answer.headers["current-concurrent-requests"] == "1"
        assert answer.headers["request-id"]

    async def test_too_many_at_once_are_throttled(self) -> None:
        simulated = ruled(Rules(concurrency=1))
        simulated.timings = {NAME: Timing(between=0.2)}
        async with serving(simulated) as base, _client(base) as client:
            path = f"/v1/text-to-speech/{VOICE}/stream"
            async with client.stream("POST", path, json={"text": "One. Two."}) as first:
                pieces = first.aiter_raw()
                await anext(pieces)
                answer = await client.post(path, json={"text": "Three."})
        assert answer.status_code == 429
        assert answer.json()["detail"]["code"] == "concurrent_limit_exceeded"

    async def _post(self, simulated: Desk, path: str, body: dict[str, Any]) -> httpx2.Response:
        async with serving(simulated) as base, _client(base) as client:
            return await client.post(f"/v1/text-to-speech/{path}", json=body)


def _client(base: str) -> httpx2.AsyncClient:
    headers = {"xi-api-key": VALID_KEY}
    return httpx2.AsyncClient(base_url=f"{base}/elevenlabs", headers=headers, trust_env=False)
