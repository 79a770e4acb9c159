"""The simulated Deepgram, heard through the vendor's own client."""

import contextlib
import warnings
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import anyio
import httpx
import pytest

from support.simulated_deepgram import FLUX, NOVA, deepgram, listening, message, rest, say, until
from support.simulated_providers import desk
from support.simulated_sound import silence, utterance
from voice_agent.engines.stt.scripted import ScriptedRecognizer, ScriptedRecognizerOptions
from voice_agent.simulation.providers.deepgram.habits import Habits
from voice_agent.simulation.providers.desk import VALID_KEY, Desk

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from deepgram import AsyncDeepgramClient
    from deepgram.environment import DeepgramClientEnvironment
    from deepgram.listen.v1 import types as v1
    from deepgram.listen.v2 import types as v2

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore:websockets:DeprecationWarning"),
]

V1 = {
    "Results": v1.ListenV1Results,
    "Metadata": v1.ListenV1Metadata,
    "UtteranceEnd": v1.ListenV1UtteranceEnd,
    "SpeechStarted": v1.ListenV1SpeechStarted,
    "ConfigureSuccess": v1.ListenV1ConfigureSuccess,
    "ConfigureFailure": v1.ListenV1ConfigureFailure,
    "Error": v1.ListenV1Error,
}
V2 = {
    "Connected": v2.ListenV2Connected,
    "TurnInfo": v2.ListenV2TurnInfo,
    "ConfigureSuccess": v2.ListenV2ConfigureSuccess,
    "ConfigureFailure": v2.ListenV2ConfigureFailure,
    "Error": v2.ListenV2FatalError,
}
EVERYTHING = (
    f"{NOVA}&interim_results=true&endpointing=300&vad_events=true&utterance_end_ms=1000"
    "&smart_format=true&detect_entities=true"
)


def hearing(*texts: str, completeness: float | None = 1.0) -> Desk:
    options = ScriptedRecognizerOptions(texts=texts, completeness=completeness)
    return desk(recognizer=ScriptedRecognizer(options))


@contextlib.asynccontextmanager
async def official(simulated: Desk) -> AsyncIterator[AsyncDeepgramClient]:
    async with deepgram(simulated) as base, httpx.AsyncClient(trust_env=False) as pool:
        http = base.replace("ws:", "http:")
        environment = DeepgramClientEnvironment(
            base=http, production=base, agent=base, agent_rest=http
        )
        yield AsyncDeepgramClient(api_key=VALID_KEY, environment=environment, httpx_client=pool)


def strict(models: dict[str, Any], found: dict[str, Any]) -> None:
    models[found["type"]].model_validate(found, strict=True)


async def test_the_official_client_transcribes_with_nova() -> None:
    async with (
        official(hearing("my order is late")) as client,
        client.listen.v1.connect(model="nova-3", encoding="mulaw", sample_rate=8000) as line,
    ):
        await line.send_media(utterance(4) + silence(0.5))
        await line.send_finalize()
        await line.send_keep_alive()
        await line.send_close_stream()
        with anyio.fail_after(5):
            messages = [found async for found in line]
    said = [m for m in messages if isinstance(m, v1.ListenV1Results)]
    texts = [m.channel.alternatives[0].transcript for m in said]
    assert "my order is late" in texts
    assert isinstance(messages[-1], v1.ListenV1Metadata)


async def test_the_official_client_takes_turns_with_flux() -> None:
    async with (
        official(hearing("what is the time")) as client,
        client.listen.v2.connect(
            model="flux-general-en", encoding="mulaw", sample_rate=8000
        ) as line,
    ):
        await line.send_media(silence(0.2) + utterance(4) + silence(0.6))
        found: list[Any] = []
        with anyio.fail_after(5):
            while not found or getattr(found[-1], "event", "") != "EndOfTurn":
                found.append(await line.recv())
    assert isinstance(found[0], v2.ListenV2Connected)
    assert found[-1].transcript == "What is the time?"


async def test_the_official_client_checks_its_key() -> None:
    async with official(desk()) as client:
        answer = await client.manage.v1.projects.list()
    assert answer.projects
    assert answer.projects[0].project_id


async def test_every_nova_message_is_one_the_official_client_knows() -> None:
    async with deepgram(hearing("one two", "three")) as base, listening(base, EVERYTHING) as line:
        await line.send(silence(0.3) + utterance(4) + silence(0.5))
        messages = [await until(line, "Results")]
        await line.send(silence(1.2))
        messages.append(await until(line, "UtteranceEnd"))
        await say(line, "Configure", keyterms=["Acme"])
        await say(line, "Configure", keyterms=["a " * 600])
        await say(line, "Nonsense")
        await say(line, "CloseStream")
        messages += await rest(line)
    for found in messages:
        strict(V1, found)
    kinds = {found["type"] for found in messages}
    assert kinds > {"Results", "Metadata", "ConfigureSuccess", "ConfigureFailure", "Error"}


async def test_every_flux_message_is_one_the_official_client_knows() -> None:
    simulated = hearing("one two", "three", completeness=0.9)
    query = f"{FLUX}&eager_eot_threshold=0.4"
    async with deepgram(simulated) as base, listening(base, query, version=2) as line:
        await line.send(utterance(4) + silence(0.15) + utterance(2) + silence(1))
        await say(line, "Configure", thresholds={"eot_threshold": 0.8}, keyterms=["Acme"])
        await say(line, "Configure", thresholds={"eot_threshold": 0.4})
        await say(line, "Nonsense")
        messages = await rest(line)
    for found in messages:
        strict(V2, found)
    assert {found["type"] for found in messages} == set(V2)


async def test_nova_finals_do_not_overlap_and_never_run_ahead_of_the_audio() -> None:
    sound = silence(0.3) + utterance(6) + silence(0.5) + utterance(3) + silence(4)
    async with deepgram(hearing("one two", "three")) as base, listening(base, EVERYTHING) as line:
        await line.send(sound)
        await say(line, "CloseStream")
        messages = await rest(line)
    finals = [m for m in messages if m["type"] == "Results" and m["is_final"]]
    ends = [0.0, *(m["start"] + m["duration"] for m in finals)]
    assert all(m["start"] >= end - 0.002 for m, end in zip(finals, ends, strict=False))
    assert sum(m["duration"] for m in finals) <= len(sound) / 8000
    assert messages[-1]["duration"] == pytest.approx(len(sound) / 8000, abs=0.001)
    assert [m["type"] for m in messages].count("Metadata") == 1
    assert line.close_code == 1000


async def test_a_socket_without_frames_is_closed_with_net_0001_and_keep_alive_prevents_it() -> None:
    async with deepgram(desk(), Habits(idle=0.4)) as base:
        async with listening(base) as kept:
            await kept.send(silence(0.1))
            for _ in range(5):
                await anyio.sleep(0.2)
                await say(kept, "KeepAlive")
            await say(kept, "CloseStream")
            assert (await rest(kept))[-1]["type"] == "Metadata"
        async with listening(base) as idle:
            begin = anyio.current_time()
            assert await rest(idle) == []
            assert anyio.current_time() - begin >= 0.3
        assert idle.close_code == 1011
        assert "net0001" in (idle.close_reason or "")


async def test_flux_numbers_every_message_and_an_undisturbed_eager_text_becomes_final() -> None:
    simulated = hearing("my order", "one two", "next thing", completeness=0.9)
    query = f"{FLUX}&eager_eot_threshold=0.4"
    async with deepgram(simulated) as base, listening(base, query, version=2) as line:
        pause = silence(0.15)
        await line.send(
            utterance(3) + pause + utterance(3) + silence(1) + utterance(3) + silence(1)
        )
        messages = [await message(line)]
        while messages[-1].get("turn_index") != 2:
            messages.append(await message(line))
    assert [m["sequence_id"] for m in messages] == list(range(len(messages)))
    turns = [m for m in messages if m["type"] == "TurnInfo"]
    indices = [m["turn_index"] for m in turns]
    assert indices == sorted(indices)
    told = [m for m in turns if m["event"] != "Update"]
    assert [m["event"] for m in told] == [
        *("StartOfTurn", "EagerEndOfTurn", "TurnResumed", "EagerEndOfTurn", "EndOfTurn"),
        *("StartOfTurn", "EagerEndOfTurn", "EndOfTurn"),
    ]
    for eager, after in pairwise(told):
        if (eager["event"], after["event"]) == ("EagerEndOfTurn", "EndOfTurn"):
            assert after["transcript"] == eager["transcript"]
    assert told[4]["transcript"] == "My order one two."
    assert all(("trigger" in m) == (m["event"] == "EndOfTurn") for m in turns)
