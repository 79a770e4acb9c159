"""The simulated Realtime API, spoken to through the vendor's own client."""

import contextlib
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from typing import Any, get_args

import anyio
import pytest
from openai import AsyncOpenAI
from openai.resources.realtime.realtime import AsyncRealtimeConnection
from openai.types.realtime import RealtimeServerEvent
from openai.types.realtime.realtime_response import RealtimeResponse
from pydantic import TypeAdapter

from support.simulated_providers import desk
from support.simulated_realtime import FIND, MODEL, PHONE_SESSION, RealtimeClient, realtime, talking
from support.simulated_sound import silence, utterance
from voice_agent.core.chat import (
    Finished,
    FinishReason,
    Message,
    Role,
    TextDelta,
    ToolCall,
    ToolDeclaration,
)
from voice_agent.engines.llm.scripted import ScriptedModel, Step, says
from voice_agent.simulation.providers.desk import VALID_KEY, Desk

pytestmark = pytest.mark.anyio

ONE_TURN = silence(0.4) + utterance(4) + silence(0.7)
CALLS = [
    TextDelta("Let me look. "),
    ToolCall("c", "find", {"order": "A1"}),
    Finished(FinishReason.TOOL_CALLS),
]


def thinking(*answers: list[Step]) -> tuple[Desk, ScriptedModel]:
    model = ScriptedModel(*answers)
    return desk(model=model), model


@contextlib.asynccontextmanager
async def official(simulated: Desk) -> AsyncIterator[AsyncRealtimeConnection]:
    async with (
        realtime(simulated) as base,
        AsyncOpenAI(
            api_key=VALID_KEY,
            base_url=base.replace("ws:", "http:"),
            websocket_base_url=base,
            max_retries=0,
        ) as client,
        client.realtime.connect(model=MODEL) as line,
    ):
        yield line


async def until(line: AsyncRealtimeConnection, kind: str) -> list[Any]:
    found: list[Any] = []
    with anyio.fail_after(10):
        while not found or found[-1].type != kind:
            found.append(await line.recv())
    return found


async def test_the_official_client_holds_a_spoken_turn_and_a_function_call() -> None:
    simulated, model = thinking(says("Hello. ", "Who is it?"), CALLS, says("Found."))  # type: ignore[arg-type]
    async with official(simulated) as line:
        await line.session.update(session={**PHONE_SESSION, "tools": [FIND]})  # type: ignore[arg-type]
        await line.input_audio_buffer.append(audio=b64encode(ONE_TURN).decode())
        spoken = await until(line, "response.done")
        await line.conversation.item.create(
            item={
                "type": "message",
                "role": "user",
                "content": [{"type": "input_text", "text": "find it"}],
            }
        )
        await line.response.create()
        called = (await until(line, "response.done"))[-1].response
        with anyio.move_on_after(0.1) as continued:
            await line.recv()
        assert continued.cancelled_caught, "the server does not go on by itself"
        await line.conversation.item.create(
            item={
                "type": "function_call_output",
                "call_id": called.output[1].call_id,
                "output": '{"found": true}',
            }
        )
        await line.response.create()
        answered = (await until(line, "response.done"))[-1].response
    heard = [e for e in spoken if e.type == "conversation.item.input_audio_transcription.completed"]
    assert [event.transcript for event in heard] == ["hello there"]
    assert answered.output[0].content[0].transcript == "Found."
    assert model.requests[0].messages == (Message(Role.USER, "hello there"),)
    assert model.requests[0].tools == (
        ToolDeclaration("find", "Finds an order.", {"type": "object", "properties": {}}),
    )
    roles = [message.role for message in model.requests[-1].messages]
    assert roles == [Role.USER, Role.ASSISTANT, Role.USER, Role.ASSISTANT, Role.TOOL]


async def test_every_event_is_one_the_official_client_knows() -> None:
    simulated, _ = thinking(says("Hello."), CALLS, says("Bye."))  # type: ignore[arg-type]
    async with realtime(simulated) as base, talking(base) as line:
        await line.update(**PHONE_SESSION, tools=[FIND])
        await line.append(ONE_TURN)
        await line.until("response.done")
        await line.send("response.create")
        await line.until("response.done")
        await line.send("input_audio_buffer.clear")
        await line.send("input_audio_buffer.commit", event_id="mine")
        assert (await line.error())["event_id"] == "mine"
        await line.send("response.create", response={"output_modalities": ["text"]})
        done = await line.until("response.done")
        item = done["response"]["output"][0]["id"]
        await line.send("conversation.item.retrieve", item_id=item)
        await line.send("conversation.item.delete", item_id=item)
        await line.until("conversation.item.deleted")
    assert_known(line)
    assert len(set(line.kinds())) >= 28
    RealtimeResponse.model_validate(done["response"])


def assert_known(line: RealtimeClient) -> None:
    """Each event is exactly one member of the client's union, with nothing missing."""
    models = {
        member.model_fields["type"].annotation: TypeAdapter(member)
        for member in get_args(get_args(RealtimeServerEvent)[0])
    }
    by_type = {get_args(literal)[0]: adapter for literal, adapter in models.items()}
    for event in line.events:
        by_type[event["type"]].validate_python(event)


async def test_one_spoken_turn_has_the_canonical_order() -> None:
    simulated, _ = thinking(says("Hello there."))
    async with realtime(simulated) as base, talking(base) as line:
        await line.update(**PHONE_SESSION)
        await line.append(ONE_TURN)
        await line.until("response.done")
    order = [k for n, k in enumerate(line.kinds()) if k not in line.kinds()[:n]]
    transcription = "conversation.item.input_audio_transcription"
    assert [k for k in order if not k.startswith(transcription)] == [
        "session.created",
        "session.updated",
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "response.created",
        "rate_limits.updated",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_audio_transcript.delta",
        "response.output_audio.delta",
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.done",
    ]


@pytest.mark.parametrize("phone", [True, False])
async def test_sound_has_the_session_s_format_and_comes_faster_than_real_time(
    *, phone: bool
) -> None:
    simulated, _ = thinking(says("one two three four five six seven eight."))
    async with realtime(simulated) as base, talking(base) as line:
        if phone:
            await line.update(**PHONE_SESSION)
        begin = anyio.current_time()
        await line.send("response.create")
        done = await line.until("response.done")
        took = anyio.current_time() - begin
    deltas = [e["delta"] for e in line.events if e["type"] == "response.output_audio.delta"]
    sound = b"".join(map(b64decode, deltas))
    assert len(sound) == 8 * 0.25 * (8000 if phone else 48_000)
    assert took < 1.5
    usage = done["response"]["usage"]
    assert usage["output_token_details"]["audio_tokens"] == 40
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]


async def test_the_detector_s_figures_are_honoured() -> None:
    simulated, _ = thinking(says("Yes."))
    detection = {
        "type": "server_vad",
        "prefix_padding_ms": 100,
        "silence_duration_ms": 300,
        "create_response": False,
    }
    async with realtime(simulated) as base, talking(base) as line:
        await line.update(**PHONE_SESSION)
        await line.update(type="realtime", audio={"input": {"turn_detection": detection}})
        await line.append(silence(0.5) + utterance(4) + silence(0.36))
        began = await line.until("input_audio_buffer.speech_started")
        ended = await line.until("input_audio_buffer.speech_stopped")
        with anyio.move_on_after(0.1) as waiting:
            await line.until("response.created")
    assert waiting.cancelled_caught
    assert began["audio_start_ms"] == pytest.approx(400, abs=40)
    assert ended["audio_end_ms"] == pytest.approx(1420 + 300, abs=50)
    assert began["item_id"] == ended["item_id"]


async def test_speaking_over_an_answer_cancels_it_and_what_was_not_heard_is_forgotten() -> None:
    long = " ".join(f"word{number}" for number in range(20)) + ". "
    simulated, model = thinking([TextDelta(long), 30.0], says("Sorry."))
    async with realtime(simulated) as base, talking(base) as line:
        await line.update(**PHONE_SESSION)
        await line.append(ONE_TURN)
        sound = await line.until("response.output_audio.delta")
        for _ in range(19):
            await line.until("response.output_audio.delta")
        await line.append(utterance(3))
        await line.until("input_audio_buffer.speech_started")
        done = await line.until("response.done")
        assert done["response"]["status"] == "cancelled"
        assert done["response"]["status_details"]["reason"] == "turn_detected"
        assert done["response"]["output"][0]["status"] == "incomplete"
        place = {"item_id": sound["item_id"], "content_index": 0}
        await line.send("conversation.item.truncate", **place, audio_end_ms=5001)
        assert "already shorter" in (await line.error())["message"]
        await line.send("conversation.item.truncate", **place, audio_end_ms=750)
        await line.until("conversation.item.truncated")
        await line.append(silence(0.7))
        await line.until("response.done")
    said = model.requests[-1].messages[1]
    assert (said.text, said.interrupted) == ("word0 word1 word2", True)
    assert model.closed == 2
