"""The simulated Cartesia refuses what the vendor refuses, and is as late as the vendor."""

from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import anyio
import pytest
from websockets.exceptions import InvalidMessage

from support.cartesia import MULAW, NEW, OLD, Fields, handshake, request
from support.json_socket import Talk, talk_to
from support.vendor import Vendor, serving_one
from support.waiting import until
from voice_agent.engines.tts.scripted import ScriptedSpeechOptions, ScriptedSynthesizer
from voice_agent.simulation.providers.cartesia.rules import NAME, VOICE, Rules
from voice_agent.simulation.providers.desk import VALID_KEY
from voice_agent.simulation.providers.faults import Fault, FaultKind

pytestmark = pytest.mark.anyio


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
    return server


def talking(
    vendor: Vendor, version: str = NEW, key: str = VALID_KEY
) -> AbstractAsyncContextManager[Talk]:
    headers = {"X-API-Key": key, "Cartesia-Version": version}
    return talk_to(f"{vendor.base}/tts/websocket", headers)


def sound(events: list[Fields]) -> bytes:
    return b"".join(b64decode(event["data"]) for event in events if event["type"] == "chunk")


def kinds(events: list[Fields]) -> list[str]:
    return [event["type"] for event in events]


class TestHandshake:
    async def test_the_version_is_required_and_must_exist(self, vendor: Vendor) -> None:
        url, key = f"{vendor.base}/tts/websocket", {"X-API-Key": VALID_KEY}
        assert (await handshake(url, key))[0] == 400
        assert (await handshake(url, {**key, "Cartesia-Version": "2020-01-01"}))[0] == 400

    async def test_both_ways_to_show_the_key_work(self, vendor: Vendor) -> None:
        url = f"{vendor.base}/tts/websocket?cartesia_version={NEW}"
        for way in ({"X-API-Key": VALID_KEY}, {"Authorization": f"Bearer {VALID_KEY}"}):
            async with talk_to(url, way):
                pass
        async with talk_to(f"{url}&api_key={VALID_KEY}", {}):
            pass

    async def test_a_wrong_key_is_refused_in_the_shape_of_its_version(self, vendor: Vendor) -> None:
        url = f"{vendor.base}/tts/websocket"
        new = await handshake(url, {"X-API-Key": "wrong", "Cartesia-Version": NEW})
        old = await handshake(url, {"X-API-Key": "wrong", "Cartesia-Version": OLD})
        assert new[0] == old[0] == 401
        assert '"error_code":"unauthorized"' in new[1]
        assert old[1] == "Unauthorized: The API key is not valid."

    async def test_the_version_in_the_address_wins(self, vendor: Vendor) -> None:
        url = f"{vendor.base}/tts/websocket?cartesia_version={OLD}"
        headers = {"X-API-Key": VALID_KEY, "Cartesia-Version": NEW}
        async with talk_to(url, headers) as talk:
            await talk.send(request("a", "Hello"))
            assert "error" in await talk.hear()

    async def test_too_many_sockets_are_refused(self, vendor: Vendor) -> None:
        vendor.rule(Rules(contexts=1))
        vendor.desk.connections[NAME] = 10
        headers = {"X-API-Key": VALID_KEY, "Cartesia-Version": NEW}
        status, _ = await handshake(f"{vendor.base}/tts/websocket", headers)
        vendor.desk.connections[NAME] = 0
        assert status == 429


class TestRequests:
    async def test_the_voice_has_the_shape_of_its_version(self, vendor: Vendor) -> None:
        shapes: list[Any] = [VOICE, {"id": VOICE}, {"mode": "id", "id": VOICE}]
        for version, good in ((NEW, [True, True, False]), ("2026-03-01", [False, False, True])):
            async with talking(vendor, version) as talk:
                for number, shape in enumerate(shapes):
                    await talk.send(request(str(number), "Hello", voice=shape))
                    last = (await talk.until("done"))[-1]
                    assert (last["type"] == "done") is good[number], (version, shape)

    async def test_errors_have_the_shape_of_their_version(self, vendor: Vendor) -> None:
        async with talking(vendor, NEW) as talk:
            await talk.send(request("a", "Hello", model_id="sonic-9"))
            new = await talk.hear()
        async with talking(vendor, OLD) as talk:
            await talk.send(request("a", "Hello", model_id="sonic-9"))
            old = await talk.hear()
        assert (new["title"], new["message"]) == ("Model not found", "There is no model sonic-9.")
        assert old["error"] == "Model not found: There is no model sonic-9."
        assert "title" not in old

    async def test_what_is_wrong_is_answered_and_the_socket_lives(self, vendor: Vendor) -> None:
        wrong: list[Fields] = [
            {"model_id": "sonic-2"},
            {"model_id": "sonic-turbo-2025-03-07"},
            {"voice": "nobody"},
            {"voice": {"mode": "embedding", "embedding": [0.0] * 192}},
            {"output_format": {**MULAW, "container": "wav"}},
            {"output_format": {**MULAW, "encoding": "pcm_alaw"}},
            {"output_format": {**MULAW, "sample_rate": 11025}},
            {"max_buffer_delay_ms": 5001},
            {"language": "xx"},
            {"language": "en", "locale": "en-US"},
            {"generation_config": {"speed": 2.0}},
            {"generation_config": {"volume": 0.1}},
            {"generation_config": {"emotion": "hungry"}},
            {"transcript": None},
            {"continue": "yes"},
        ]
        async with talking(vendor) as talk:
            for number, fields in enumerate(wrong):
                await talk.send({**request(str(number), "Hello"), **fields})
                error = await talk.hear()
                assert (error["type"], error["context_id"]) == ("error", str(number)), fields
            await talk.send(request("good", "Hello"))
            assert kinds(await talk.until("done"))[-1] == "done"

    async def test_nonsense_is_answered_without_a_context(self, vendor: Vendor) -> None:
        async with talking(vendor) as talk:
            for nonsense in ("no JSON", "[]", '{"transcript": "Hello"}'):
                await talk.socket.send(nonsense)
                error = await talk.hear()
                assert error["type"] == "error"
                assert "context_id" not in error

    async def test_only_the_text_may_change_within_a_context(self, vendor: Vendor) -> None:
        async with talking(vendor) as talk:
            await talk.send(request("a", "Hello ", max_buffer_delay_ms=5000, **{"continue": True}))
            await talk.send(request("a", "there", max_buffer_delay_ms=5000, language="de"))
            error = await talk.hear()
        assert error["message"].startswith("Only transcript, continue and flush may change")

    async def test_transcripts_are_joined_as_they_are(self, vendor: Vendor) -> None:
        async with talking(vendor) as talk:
            for piece in ("Hel", "lo there, ", "how  are you?"):
                await talk.send(request("a", piece, max_buffer_delay_ms=5000, **{"continue": True}))
            await talk.send(request("a", "", max_buffer_delay_ms=5000))
            await talk.until("done")
        assert vendor.spoken == ["Hello there, how  are you?"]

    async def test_tags_are_carried_out(self, vendor: Vendor) -> None:
        text = (
            'Your code is <spell>A-1</spell>.<break time="500ms"/>'
            '<emotion value="calm"/>Thanks. [laughter]<volume ratio="0.5"/>'
        )
        async with talking(vendor) as talk:
            await talk.send(request("a", text))
            events = await talk.until("done")
        assert vendor.spoken == ["Your code is A 1.[0.5 s]Thanks. "]
        assert len(sound(events)) / 8000 == 6 * 0.25 + 0.5

    async def test_pace_is_kept_to(self, vendor: Vendor) -> None:
        async with talking(vendor) as talk:
            await talk.send(request("a", "One two.", generation_config={"speed": 0.8}))
            slow = sound(await talk.until("done"))
            await talk.send(request("b", '<speed ratio="1.25"/>One two.'))
            fast = sound(await talk.until("done"))
        assert (len(slow), len(fast)) == (5000, 3200)


class TestContexts:
    async def test_text_to_be_continued_waits_for_the_buffer_delay(self, vendor: Vendor) -> None:
        async with talking(vendor) as talk:
            began = anyio.current_time()
            await talk.send(request("a", "Hello.", max_buffer_delay_ms=300, **{"continue": True}))
            assert (await talk.hear())["type"] == "chunk"
            assert anyio.current_time() - began >= 0.3

    async def test_text_waits_three_seconds_unless_told_otherwise(self, vendor: Vendor) -> None:
        message = request("a", "Hello.", **{"continue": True})
        del message["max_buffer_delay_ms"]
        async with talking(vendor) as talk:
            await talk.send(message)
            assert await talk.silent(0.25)

    async def test_done_comes_once_and_last(self, vendor: Vendor) -> None:
        async with talking(vendor) as talk:
            await talk.send(request("a", "Hello. ", **{"continue": True}))
            await talk.send(request("a", "There."))
            events = await talk.until("done")
            assert await talk.silent()
        assert kinds(events).count("done") == 1
        assert len(sound(events)) == 4000

    async def test_done_may_have_another_status(self, vendor: Vendor) -> None:
        vendor.rule(Rules(done_status=206))
        async with talking(vendor) as talk:
            await talk.send(request("a", "Hello."))
            assert (await talk.until("done"))[-1]["status_code"] == 206

    async def test_a_flush_is_told_and_numbers_what_follows(self, vendor: Vendor) -> None:
        async with talking(vendor) as talk:
            more = {"continue": True, "max_buffer_delay_ms": 5000}
            await talk.send(request("a", "Hello. ", **more))
            await talk.send(request("a", "", flush=True, **more))
            first = await talk.until("flush_done")
            await talk.send(request("a", "There.", max_buffer_delay_ms=5000))
            second = await talk.until("done")
        assert {event["flush_id"] for event in first} == {1}
        assert {event["flush_id"] for event in second if event["type"] == "chunk"} == {2}

    async def test_words_come_near_their_sound(self, vendor: Vendor) -> None:
        async with talking(vendor) as talk:
            await talk.send(request("a", "One two. Three.", add_timestamps=True))
            events = await talk.until("done")
        heard = 0.0
        for event in events:
            if event["type"] == "chunk":
                heard += len(b64decode(event["data"])) / 8000
            if event["type"] == "timestamps":
                assert event["word_timestamps"]["start"][0] <= heard
        words = [
            w for e in events if e["type"] == "timestamps" for w in e["word_timestamps"]["words"]
        ]
        assert words == ["One", "two.", "Three."]

    async def test_a_cancel_does_not_stop_what_is_being_spoken(self, vendor: Vendor) -> None:
        vendor.take_time(first=0.3)
        async with talking(vendor) as talk:
            await talk.send(request("a", "One. ", **{"continue": True}))
            await talk.send(request("a", "Two. ", **{"continue": True}))
            await anyio.sleep(0.03)
            await talk.send({"context_id": "a", "cancel": True})
            events = [await talk.hear()]
            while not await talk.silent(0.3):
                pass
        assert kinds(events) == ["chunk"]
        assert vendor.spoken == ["One. "]

    async def test_done_may_follow_a_cancel(self, vendor: Vendor) -> None:
        vendor.rule(Rules(done_after_cancel=True))
        async with talking(vendor) as talk:
            await talk.send(request("a", "One. ", **{"continue": True}))
            await talk.hear()
            await talk.send({"context_id": "a", "cancel": True})
            assert (await talk.until("done"))[-1]["type"] == "done"

    async def test_text_after_a_cancel_is_refused(self, vendor: Vendor) -> None:
        async with talking(vendor) as talk:
            await talk.send(request("a", "", **{"continue": True}))
            await talk.send({"context_id": "a", "cancel": True})
            await talk.send(request("a", "Late words.", **{"continue": True}))
            assert (await talk.hear())["status_code"] == 400

    async def test_a_finished_context_is_not_used_again(self, vendor: Vendor) -> None:
        async with talking(vendor) as talk:
            await talk.send(request("a", "Hello."))
            await talk.until("done")
            await talk.send(request("a", "Again."))
            assert (await talk.hear())["message"].startswith("This context has ended")

    async def test_a_context_dies_silently_after_its_last_sound(self, vendor: Vendor) -> None:
        vendor.rule(Rules(life=0.1))
        async with talking(vendor) as talk:
            await talk.send(request("a", "Hello.", **{"continue": True}))
            while not await talk.silent(0.25):
                pass
            await talk.send(request("a", " Late.", **{"continue": False}))
            assert (await talk.hear())["type"] == "error"

    async def test_contexts_beyond_the_limit_get_an_error_and_the_socket_lives(
        self, vendor: Vendor
    ) -> None:
        vendor.rule(Rules(contexts=1))
        async with talking(vendor) as talk:
            await talk.send(request("a", "", **{"continue": True}))
            await talk.send(request("b", "Hello."))
            error = await talk.hear()
            assert (error["context_id"], error["status_code"]) == ("b", 429)
            assert error["error_code"] == "concurrency_limited"
            await talk.send(request("a", "Hello."))
            assert (await talk.until("done"))[-1]["context_id"] == "a"

    async def test_an_idle_socket_closes(self, vendor: Vendor) -> None:
        vendor.rule(Rules(idle=0.1))
        async with talking(vendor) as talk:
            assert (await talk.closing())[1] == 1000

    async def test_the_first_chunk_takes_its_time(self, vendor: Vendor) -> None:
        vendor.take_time(first=0.2)
        async with talking(vendor) as talk:
            began = anyio.current_time()
            await talk.send(request("a", "Hello."))
            await talk.hear()
            assert anyio.current_time() - began >= 0.2


class TestBadDays:
    async def test_a_connect_is_refused(self, vendor: Vendor) -> None:
        headers = {"X-API-Key": VALID_KEY, "Cartesia-Version": NEW}
        for kind, status in (
            (FaultKind.UNAUTHORIZED, 401),
            (FaultKind.THROTTLE, 429),
            (FaultKind.ERROR, 500),
        ):
            vendor.order(Fault(provider=NAME, kind=kind, times=1))
            assert (await handshake(f"{vendor.base}/tts/websocket", headers))[0] == status

    async def test_a_refused_connect_is_a_reset(self, vendor: Vendor) -> None:
        vendor.order(Fault(provider=NAME, kind=FaultKind.REFUSE))
        with pytest.raises((InvalidMessage, OSError, EOFError)):
            async with talking(vendor):
                pass

    async def test_the_next_context_of_an_open_socket_is_struck(self, vendor: Vendor) -> None:
        for kind, code in ((FaultKind.RESET, 1006), (FaultKind.CUT, 1000)):
            vendor.renew()
            async with talking(vendor) as talk:
                await talk.send(request("a", "One."))
                await talk.until("done")
                vendor.order(Fault(provider=NAME, kind=kind, after=1))
                await talk.send(request("b", "One. Two. Three."))
                heard, found = await talk.closing()
            assert (kinds(heard), found) == (["chunk"], code)

    async def test_an_error_in_mid_stream_ends_only_its_context(self, vendor: Vendor) -> None:
        vendor.order(Fault(provider=NAME, kind=FaultKind.ERROR, after=1, times=1))
        async with talking(vendor) as talk:
            await talk.send(request("a", "One. Two. Three."))
            events = await talk.until("done")
            await talk.send(request("b", "Hello."))
            assert (await talk.until("done"))[-1]["type"] == "done"
        assert kinds(events) == ["chunk", "error"]
        assert events[-1]["context_id"] == "a"

    async def test_an_error_may_come_without_its_context(self, vendor: Vendor) -> None:
        vendor.rule(Rules(anonymous_errors=True))
        vendor.order(Fault(provider=NAME, kind=FaultKind.ERROR, after=1))
        async with talking(vendor) as talk:
            await talk.send(request("a", "One. Two. Three."))
            error = (await talk.until("done"))[-1]
        assert error["type"] == "error"
        assert "context_id" not in error

    async def test_a_stall_leaves_the_socket_open(self, vendor: Vendor) -> None:
        vendor.order(Fault(provider=NAME, kind=FaultKind.STALL, after=1))
        async with talking(vendor) as talk:
            await talk.send(request("a", "One. Two. Three."))
            await talk.hear()
            assert await talk.silent()

    async def test_garbage_comes_instead_of_sound(self, vendor: Vendor) -> None:
        vendor.order(Fault(provider=NAME, kind=FaultKind.GARBAGE))
        async with talking(vendor) as talk:
            await talk.send(request("a", "One."))
            raw = await talk.socket.recv()
        assert isinstance(raw, bytes) or "chunk" in raw

    async def test_an_engine_that_fails_is_an_error_of_its_own(self, vendor: Vendor) -> None:
        failing = ScriptedSynthesizer(ScriptedSpeechOptions(fail_on="Two"))
        vendor.desk.synthesizer = failing
        async with talking(vendor) as talk:
            await talk.send(request("a", "One. Two."))
            error = (await talk.until("done"))[-1]
        assert (error["type"], error["status_code"]) == ("error", 500)

    async def test_a_client_that_leaves_frees_its_contexts(self, vendor: Vendor) -> None:
        vendor.rule(Rules(contexts=1))
        vendor.take_time(first=5)
        async with talking(vendor) as talk:
            await talk.send(request("a", "One."))
            await talk.send(request("b", "Two."))
            assert (await talk.hear())["status_code"] == 429
        await until(lambda: vendor.desk.connections[NAME] == 0)
        vendor.take_time()
        async with talking(vendor) as talk:
            await talk.send(request("c", "Three."))
            assert (await talk.until("done"))[-1]["type"] == "done"
