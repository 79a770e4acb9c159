"""What the simulated Deepgram refuses, how it ends, and how its bad days look on the wire."""

import anyio
import orjson
import pytest
from websockets.exceptions import InvalidMessage, InvalidStatus

from support.simulated_deepgram import (
    FLUX,
    NOVA,
    deepgram,
    listening,
    message,
    rest,
    say,
    until,
)
from support.simulated_providers import desk
from support.simulated_sound import silence, utterance
from support.waiting import until as happens
from voice_agent.engines.stt.scripted import ScriptedRecognizer, ScriptedRecognizerOptions
from voice_agent.simulation.providers.deepgram.endpoint import SPENT_KEY
from voice_agent.simulation.providers.deepgram.habits import Habits
from voice_agent.simulation.providers.desk import Desk, Timing
from voice_agent.simulation.providers.faults import Fault, FaultKind, FaultPlan

pytestmark = pytest.mark.anyio


def hearing(*texts: str, **timing: float) -> Desk:
    simulated = desk(recognizer=ScriptedRecognizer(ScriptedRecognizerOptions(texts=texts)))
    simulated.timings = {"deepgram": Timing(**timing)}
    return simulated


def struck(kind: FaultKind, after: int = 0) -> Desk:
    simulated = desk()
    simulated.faults = FaultPlan(Fault(provider="deepgram", kind=kind, after=after))
    return simulated


async def refusal(base: str, query: str = NOVA, **options: object) -> tuple[int, dict[str, str]]:
    with pytest.raises(InvalidStatus) as caught:
        async with listening(base, query, **options):  # type: ignore[arg-type]
            pass
    response = caught.value.response
    assert response.headers["dg-request-id"]
    body: dict[str, str] = orjson.loads(bytes(response.body or b""))
    assert body["request_id"] == response.headers["dg-request-id"]
    assert body["err_msg"] == response.headers["dg-error"]
    return response.status_code, body


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("model=nova-3&keywords=acme", "keyterm"),
        ("model=nova-2&keyterm=acme", "keywords"),
        ("model=nova-3&keyterm=" + "a+" * 600, "500 tokens"),
        ("model=nova-3&interim_results=True", "interim_results"),
        ("model=nova-3&encoding=mulaw", "sample_rate"),
        ("model=nova-3&sample_rate=8000", "sample_rate"),
        ("model=flux-general-en&encoding=mulaw&sample_rate=8000", "/v2/listen"),
        ("model=nova-9", "model"),
        ("model=nova-3&utterance_end_ms=1000", "interim_results"),
        ("model=nova-3&interim_results=true&utterance_end_ms=300", "utterance_end_ms"),
        ("model=nova-3&endpointing=True", "endpointing"),
        ("model=nova-3&eot_threshold=0.7", "eot_threshold"),
        ("model=nova-3&model=nova-2", "more than once"),
        ("model=nova-3&diarize_model=v2", "diarize_model"),
    ],
)
async def test_a_wrong_nova_query_fails_the_handshake(query: str, named: str) -> None:
    async with deepgram(desk()) as base:
        status, body = await refusal(base, query)
    assert status == 400
    assert named in body["err_msg"]


@pytest.mark.parametrize(
    "query",
    [
        "encoding=mulaw&sample_rate=8000",
        "model=nova-3&encoding=mulaw&sample_rate=8000",
        "model=flux-general-en&encoding=mulaw",
        f"{FLUX}&interim_results=true",
        f"{FLUX}&smart_format=true",
        f"{FLUX}&language=en",
        f"{FLUX}&eot_threshold=0.4",
        f"{FLUX}&eot_threshold=0.5&eager_eot_threshold=0.6",
        f"{FLUX}&eot_timeout_ms=100",
        f"{FLUX}&language_hint=de",
    ],
)
async def test_flux_is_another_protocol_and_takes_none_of_the_old_parameters(query: str) -> None:
    async with deepgram(desk()) as base:
        status, _ = await refusal(base, query, version=2)
    assert status == 400


async def test_wrong_keys_spent_credit_and_too_many_sockets_are_refused() -> None:
    async with deepgram(desk(), Habits(connections=1)) as base:
        assert (await refusal(base, key="nobody"))[0] == 401
        assert (await refusal(base, key=SPENT_KEY))[0] == 402
        async with listening(base):
            status, body = await refusal(base)
    assert (status, body["err_code"]) == (429, "TOO_MANY_REQUESTS")


async def test_turn_text_is_all_finals_since_the_last_speech_final() -> None:
    words = " ".join(f"word{number}" for number in range(40))
    query = f"{NOVA}&endpointing=300"
    async with deepgram(hearing(words)) as base, listening(base, query) as line:
        await line.send(utterance(40) + silence(0.5))
        finals = [await until(line, "Results")]
        while not finals[-1]["speech_final"]:
            finals.append(await until(line, "Results"))
    assert len(finals) > 1
    assert all(final["is_final"] for final in finals)
    texts = [final["channel"]["alternatives"][0]["transcript"] for final in finals]
    assert " ".join(texts) == words


async def test_keep_alive_as_binary_is_audio_and_an_empty_frame_closes_the_stream() -> None:
    keep_alive = b'{"type":"KeepAlive"}'
    async with deepgram(desk()) as base, listening(base) as line:
        await line.send(keep_alive)
        await line.send(b"")
        messages = await rest(line)
    assert messages[-1]["type"] == "Metadata"
    assert messages[-1]["duration"] == pytest.approx(len(keep_alive) / 8000, abs=0.001)
    assert line.close_code == 1000


async def test_keep_alive_alone_does_not_save_a_socket_without_audio() -> None:
    async with (
        deepgram(desk(), Habits(idle=5, unanswered=0.3)) as base,
        listening(base) as line,
    ):
        await say(line, "KeepAlive")
        assert await rest(line) == []
    assert line.close_code == 1011
    assert "net0000" in (line.close_reason or "")


async def test_no_audio_makes_metadata_without_channels() -> None:
    async with deepgram(desk()) as base, listening(base) as line:
        await say(line, "CloseStream")
        (metadata,) = await rest(line)
    assert (metadata["duration"], metadata["channels"]) == (0.0, 0)


async def test_nova_greets_nobody_and_text_it_cannot_parse_is_a_schema_error() -> None:
    async with deepgram(desk()) as base, listening(base) as line:
        await line.send("not json")
        error = await message(line)
        await say(line, "CloseStream")
        await rest(line)
    assert (error["type"], error["variant"], error["message"]) == (
        *("Error", "SchemaError"),
        "not json",
    )
    habits = Habits(schema_error_closes=True)
    async with deepgram(desk(), habits) as base, listening(base) as line:
        await line.send("[]")
        assert [m["type"] for m in await rest(line)] == ["Error"]


async def test_a_reply_to_finalize_is_not_guaranteed() -> None:
    async with deepgram(hearing("yes")) as base, listening(base) as line:
        await line.send(utterance(2))
        await say(line, "Finalize")
        reply = await until(line, "Results")
        await line.send(silence(0.2))
        await say(line, "Finalize")
        empty = await until(line, "Results")
    assert (reply["from_finalize"], reply["speech_final"]) == (True, True)
    assert (empty["from_finalize"], empty["channel"]["alternatives"][0]["transcript"]) == (True, "")
    silent = Habits(answers_empty_finalize=False)
    async with deepgram(desk(), silent) as base, listening(base) as line:
        await line.send(silence(0.2))
        await say(line, "Finalize")
        await say(line, "CloseStream")
        assert not any(m.get("from_finalize") for m in await rest(line))


async def test_the_final_text_comes_as_late_as_the_timing_says_and_never_before_it_is_asked() -> (
    None
):
    async with deepgram(hearing("yes", "no", first=0.25)) as base, listening(base) as line:
        for pause in (0.0, 0.3):
            await line.send(utterance(2))
            spoken = anyio.current_time()
            await anyio.sleep(pause)
            asked = anyio.current_time()
            await say(line, "Finalize")
            await until(line, "Results")
            assert anyio.current_time() >= max(asked, spoken + 0.24)


async def test_time_is_audio_received_and_starts_anew_on_every_socket() -> None:
    async with deepgram(hearing("yes")) as base:
        for _ in range(2):
            async with listening(base) as line:
                await line.send(silence(0.5) + utterance(2))
                await say(line, "Finalize")
                final = await until(line, "Results")
            (word,) = final["channel"]["alternatives"][0]["words"]
            assert final["start"] == 0.0
            assert word["start"] == pytest.approx(0.5, abs=0.07)


async def test_undecodable_audio_closes_with_1008() -> None:
    async with deepgram(desk()) as base, listening(base, "model=nova-3") as line:
        await line.send(b"\x00" * 100)
        assert await rest(line) == []
    assert line.close_code == 1008


async def test_keep_alive_kills_a_flux_socket_without_a_code() -> None:
    async with deepgram(desk()) as base, listening(base, FLUX, version=2) as line:
        await say(line, "KeepAlive")
        assert [m["type"] for m in await rest(line)] == ["Connected"]
    assert line.close_code == 1005


async def test_flux_ends_idle_connections_with_a_fatal_error() -> None:
    habits = Habits(inactive=0.2)
    async with deepgram(desk(), habits) as base, listening(base, FLUX, version=2) as line:
        *_, error = await rest(line)
    assert (error["type"], error["code"]) == ("Error", "INACTIVE_CLIENT")


async def test_a_flux_turn_dangles_when_the_audio_stops_until_silence_or_force_ends_it() -> None:
    async with deepgram(hearing("yes")) as base, listening(base, FLUX, version=2) as line:
        await line.send(utterance(3))
        await until(line, "StartOfTurn")
        with anyio.move_on_after(0.2) as waiting:
            await until(line, "EndOfTurn")
        assert waiting.cancelled_caught
        await say(line, "ForceEndTurn")
        assert (await until(line, "EndOfTurn"))["trigger"] == "manual"


async def test_a_flux_turn_that_is_never_sure_ends_by_timeout() -> None:
    query = f"{FLUX}&eot_threshold=1.0&eot_timeout_ms=500"
    async with deepgram(hearing("yes")) as base, listening(base, query, version=2) as line:
        await line.send(utterance(3) + silence(1))
        assert (await until(line, "EndOfTurn"))["trigger"] == "timeout"


@pytest.mark.parametrize("version", [1, 2])
async def test_bad_days_at_the_handshake(version: int) -> None:
    query = NOVA if version == 1 else FLUX
    for kind, status in (
        (FaultKind.UNAUTHORIZED, 401),
        (FaultKind.THROTTLE, 429),
        (FaultKind.ERROR, 500),
    ):
        async with deepgram(struck(kind)) as base:
            assert (await refusal(base, query, version=version))[0] == status
    async with deepgram(struck(FaultKind.REFUSE)) as base:
        with pytest.raises((OSError, InvalidMessage)):
            async with listening(base, query, version=version):
                pass


@pytest.mark.parametrize(
    ("kind", "code"),
    [(FaultKind.ERROR, 1011), (FaultKind.CUT, 1000), (FaultKind.RESET, 1006)],
)
async def test_bad_days_in_mid_utterance_end_without_metadata(kind: FaultKind, code: int) -> None:
    query = f"{NOVA}&interim_results=true"
    async with deepgram(struck(kind, after=1)) as base, listening(base, query) as line:
        await line.send(utterance(12))
        messages = await rest(line)
    assert [m["type"] for m in messages] == ["Results"]
    assert line.close_code == code


async def test_a_stalled_stream_stays_open_and_silent() -> None:
    async with deepgram(struck(FaultKind.STALL)) as base, listening(base) as line:
        await line.send(utterance(2))
        await say(line, "CloseStream")
        with anyio.move_on_after(0.2) as waiting:
            await line.recv()
    assert waiting.cancelled_caught


async def test_garbage_comes_as_text_and_as_binary() -> None:
    async with deepgram(struck(FaultKind.GARBAGE)) as base, listening(base) as line:
        await line.send(utterance(2))
        await say(line, "CloseStream")
        frames = [frame async for frame in line]
    assert any(isinstance(frame, bytes) for frame in frames)
    assert any(isinstance(frame, str) and '"alternatives":[]' in frame for frame in frames)


async def test_connections_are_counted_and_noted() -> None:
    simulated = desk()
    async with deepgram(simulated) as base:
        async with listening(base) as line:
            await line.send(silence(0.1))
            assert simulated.connections["deepgram"] == 1
        await happens(lambda: simulated.connections["deepgram"] == 0)
    (seen,) = simulated.journal
    assert seen.path == f"/deepgram/v1/listen?{NOVA}"
