"""What the simulated Realtime API refuses, how it ends, and its bad days."""

from typing import Any

import anyio
import orjson
import pytest
from websockets.exceptions import InvalidMessage, InvalidStatus

from support.simulated_providers import desk
from support.simulated_realtime import FIND, PHONE_SESSION, RealtimeClient, realtime, talking
from support.simulated_sound import silence, utterance
from voice_agent.core.chat import TextDelta
from voice_agent.engines.llm.scripted import ScriptedModel, Step, says
from voice_agent.simulation.providers.desk import Desk
from voice_agent.simulation.providers.faults import Fault, FaultKind, FaultPlan

pytestmark = pytest.mark.anyio

SLOW: list[Step] = [TextDelta("Let me think. "), 30.0]
ONE_TURN = silence(0.4) + utterance(4) + silence(0.7)


def thinking(*answers: list[Step]) -> Desk:
    return desk(model=ScriptedModel(*answers))


def struck(kind: FaultKind, after: int = 0) -> Desk:
    simulated = desk()
    simulated.faults = FaultPlan(Fault(provider="openai_realtime", kind=kind, after=after))
    return simulated


async def status_of_handshake(base: str, **options: str) -> tuple[int, dict[str, Any]]:
    with pytest.raises(InvalidStatus) as caught:
        async with talking(base, **options):
            pass
    response = caught.value.response
    return response.status_code, orjson.loads(bytes(response.body or b""))


@pytest.mark.parametrize(
    ("session", "code", "param"),
    [
        ({"instructions": "Be kind."}, "missing_required_parameter", "session.type"),
        ({"type": "realtime", "modalities": ["text"]}, "unknown_parameter", "session.modalities"),
        ({"type": "realtime", "voice": "marin"}, "unknown_parameter", "session.voice"),
        (
            {"type": "realtime", "input_audio_format": "g711_ulaw"},
            "unknown_parameter",
            "session.input_audio_format",
        ),
        (
            {"type": "realtime", "turn_detection": None},
            "unknown_parameter",
            "session.turn_detection",
        ),
        ({"type": "realtime", "temperature": 0.8}, "unknown_parameter", "session.temperature"),
        (
            {"type": "realtime", "max_response_output_tokens": 9},
            "unknown_parameter",
            "session.max_response_output_tokens",
        ),
        (
            {"type": "realtime", "output_modalities": ["audio", "text"]},
            "invalid_value",
            "session.output_modalities",
        ),
        ({"type": "realtime", "model": "gpt-realtime-2"}, "invalid_value", "session.model"),
        (
            {"type": "realtime", "audio": {"input": {"format": {"type": "g711_ulaw"}}}},
            "invalid_value",
            "session.audio.input.format.type",
        ),
        (
            {
                "type": "realtime",
                "audio": {"output": {"format": {"type": "audio/pcm", "rate": 16000}}},
            },
            "invalid_value",
            "session.audio.output.format.rate",
        ),
        (
            {
                "type": "realtime",
                "audio": {"output": {"format": {"type": "audio/pcmu", "rate": 8000}}},
            },
            "unknown_parameter",
            "session.audio.output.format.rate",
        ),
        (
            {"type": "realtime", "audio": {"output": {"voice": "brian"}}},
            "invalid_value",
            "session.audio.output.voice",
        ),
        (
            {"type": "realtime", "tools": [{"type": "function", "function": {"name": "f"}}]},
            "missing_required_parameter",
            "session.tools[0].name",
        ),
        (
            {"type": "realtime", "max_output_tokens": 5000},
            "invalid_value",
            "session.max_output_tokens",
        ),
    ],
)
async def test_beta_names_and_wrong_values_are_refused_and_the_session_goes_on(
    session: dict[str, Any], code: str, param: str
) -> None:
    async with realtime(desk()) as base, talking(base) as line:
        await line.send("session.update", session=session, event_id="mine")
        error = await line.error()
        assert (error["code"], error["param"], error["event_id"]) == (code, param, "mine")
        assert (await line.update(**PHONE_SESSION))["type"] == "session.updated"


async def test_only_what_is_named_changes() -> None:
    async with realtime(desk()) as base, talking(base) as line:
        await line.update(**PHONE_SESSION, tools=[FIND])
        updated = await line.update(type="realtime", instructions="Be kind.")
        session = updated["session"]
        assert session["audio"]["input"]["format"] == {"type": "audio/pcmu"}
        assert session["audio"]["input"]["turn_detection"]["silence_duration_ms"] == 500
        assert session["tools"] == [FIND]
        assert (await line.update(type="realtime", tools=[]))["session"]["tools"] == []


async def test_the_voice_cannot_change_once_it_was_heard() -> None:
    async with realtime(desk()) as base, talking(base) as line:
        await line.send("response.create")
        await line.until("response.done")
        answer = await line.update(type="realtime", audio={"output": {"voice": "cedar"}})
    assert answer["error"]["code"] == "cannot_update_voice"


async def test_reasoning_options_are_for_reasoning_models_only() -> None:
    async with realtime(desk()) as base, talking(base, model="gpt-realtime") as line:
        answer = await line.update(type="realtime", parallel_tool_calls=False)
        assert answer["error"]["code"] == "unsupported_parameter"


@pytest.mark.parametrize("model", ["gpt-4o-realtime-preview", "gpt-4o-mini-realtime-preview", ""])
async def test_retired_and_unknown_models_are_refused_with_the_names_of_todays(model: str) -> None:
    async with realtime(desk()) as base, talking(base, model=model) as line:
        await line.rest()
    (event,) = line.events
    assert event["type"] == "error"
    assert event["error"]["code"] in ("model_not_found", "missing_model")
    assert line.socket.close_code == 4000
    if model:
        assert "gpt-realtime-2.1-mini" in event["error"]["message"]


async def test_the_beta_header_is_refused() -> None:
    async with (
        realtime(desk()) as base,
        talking(base, OpenAI_Beta="realtime=v1") as line,
    ):
        await line.rest()
    assert line.events[0]["error"]["code"] == "beta_api_shape_disabled"


async def test_no_session_begins_without_a_key() -> None:
    async with realtime(desk()) as base:
        status, body = await status_of_handshake(base, key="nobody")
    assert (status, body["error"]["code"]) == (401, "invalid_api_key")


async def test_a_second_response_at_a_time_and_a_cancel_of_none_are_errors() -> None:
    async with realtime(thinking(SLOW, says("Yes."))) as base, talking(base) as line:
        await line.send("response.cancel")
        assert (await line.error())["code"] == "response_cancel_not_active"
        await line.send("response.create")
        await line.until("response.output_audio.delta")
        await line.send("response.create", event_id="second")
        error = await line.error()
        assert error["code"] == "conversation_already_has_active_response"
        assert error["event_id"] == "second"
        await line.send("response.cancel")
        done = await line.until("response.done")
        assert done["response"]["status_details"] == {
            "type": "cancelled",
            "reason": "client_cancelled",
        }
        await line.send("response.create")
        assert (await line.until("response.done"))["response"]["status"] == "completed"


async def test_a_commit_by_hand_makes_an_item_but_no_response() -> None:
    async with realtime(desk()) as base, talking(base) as line:
        await line.update(**PHONE_SESSION)
        await line.update(type="realtime", audio={"input": {"turn_detection": None}})
        await line.send("input_audio_buffer.commit")
        assert (await line.error())["code"] == "input_audio_buffer_commit_empty"
        await line.append(utterance(4))
        await line.send("input_audio_buffer.commit")
        completed = "conversation.item.input_audio_transcription.completed"
        assert (await line.until(completed))["transcript"] == "hello there"
        await line.send("response.create")
        await line.until("response.done")
    kinds = line.kinds()
    assert "input_audio_buffer.speech_started" not in kinds
    assert kinds.index(completed) < kinds.index("response.created")


async def test_truncating_takes_only_sound_of_the_assistant_that_is_there() -> None:
    async with realtime(desk()) as base, talking(base) as line:
        item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "a"}]}
        await line.send("conversation.item.create", item={**item, "id": "item_mine"})
        await line.until("conversation.item.done")
        truncate = "conversation.item.truncate"
        await line.send(truncate, item_id="item_mine", content_index=0, audio_end_ms=10)
        assert "Only model output audio" in (await line.error())["message"]
        await line.send(truncate, item_id="item_none", content_index=0, audio_end_ms=10)
        assert (await line.error())["code"] == "item_not_found"
        await line.send(truncate, item_id="item_mine", content_index=0)
        assert (await line.error())["param"] == "audio_end_ms"


async def test_items_are_checked() -> None:
    wrong: list[dict[str, Any]] = [
        {"type": "function_call_output", "call_id": "call_none", "output": "{}"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_audio"}]},
        {"type": "message", "role": "user", "content": [{"type": "text", "text": "beta"}]},
        {"type": "message", "role": "nobody", "content": []},
        {"role": "user", "content": []},
    ]
    async with realtime(desk()) as base, talking(base) as line:
        for item in wrong:
            await line.send("conversation.item.create", item=item)
            assert (await line.error())["type"] == "invalid_request_error"
        good = {"type": "message", "role": "user", "content": []}
        await line.send("conversation.item.create", item=good, previous_item_id="item_none")
        assert (await line.error())["param"] == "previous_item_id"


async def test_nonsense_is_an_error_event_and_no_more() -> None:
    async with realtime(desk()) as base, talking(base) as line:
        for frame in ("{", "[1]", '{"type":"response.audio.delta"}', "{}", '{"type":[]}', b"\x00"):
            await line.socket.send(frame)
            await line.error()
        await line.send("input_audio_buffer.append", audio="%%%")
        assert (await line.error())["param"] == "audio"


async def test_a_length_limit_makes_a_response_incomplete() -> None:
    simulated = thinking(says("one two three four ", "five six seven eight ", "nine ten eleven"))
    async with realtime(simulated) as base, talking(base) as line:
        await line.send("response.create", response={"max_output_tokens": 5})
        response = (await line.until("response.done"))["response"]
    assert (response["status"], response["status_details"]["reason"]) == (
        "incomplete",
        "max_output_tokens",
    )


async def test_a_response_out_of_band_leaves_no_trace_in_the_conversation() -> None:
    model = ScriptedModel(says("Yes."))
    async with realtime(desk(model=model)) as base, talking(base) as line:
        options = {"conversation": "none", "output_modalities": ["text"], "metadata": {"a": "b"}}
        await line.send("response.create", response=options)
        response = (await line.until("response.done"))["response"]
        await line.send("response.create")
        await line.until("response.done")
    assert response["metadata"] == {"a": "b"}
    assert response["conversation_id"] is None
    assert model.requests[-1].messages == ()


async def test_a_session_expires_with_an_error_and_a_close() -> None:
    async with realtime(desk(), longest_session=0.2) as base, talking(base) as line:
        await line.rest()
    assert line.events[-1]["error"]["code"] == "session_expired"
    assert line.socket.close_code == 1001


async def test_a_caller_who_says_nothing_is_spoken_to_after_the_idle_timeout() -> None:
    detection = {"type": "server_vad", "idle_timeout_ms": 5000}
    async with realtime(thinking(says("Hm."), says("Still there?"))) as base, talking(base) as line:
        await line.update(**PHONE_SESSION)
        await line.update(type="realtime", audio={"input": {"turn_detection": detection}})
        await line.append(ONE_TURN)
        await line.until("response.done")
        await line.append(silence(5.5))
        await line.until("input_audio_buffer.timeout_triggered")
        done = await line.until("response.done")
    assert done["response"]["output"][0]["content"][0]["transcript"] == "Still there?"


@pytest.mark.parametrize(
    ("kind", "status"),
    [(FaultKind.UNAUTHORIZED, 401), (FaultKind.THROTTLE, 429), (FaultKind.ERROR, 500)],
)
async def test_bad_days_at_the_handshake(kind: FaultKind, status: int) -> None:
    async with realtime(struck(kind)) as base:
        assert (await status_of_handshake(base))[0] == status
    async with realtime(struck(FaultKind.REFUSE)) as base:
        with pytest.raises((OSError, InvalidMessage)):
            async with talking(base):
                pass


async def spoken_to(base: str) -> tuple[RealtimeClient, list[str]]:
    async with talking(base) as line:
        with anyio.move_on_after(0.3):
            await line.send("response.create")
            await line.rest()
    return line, line.kinds()


@pytest.mark.parametrize(
    ("kind", "code", "last"),
    [
        (FaultKind.ERROR, 1011, "error"),
        (FaultKind.CUT, 1000, "response.output_item.added"),
        (FaultKind.RESET, 1006, "response.output_item.added"),
        (FaultKind.STALL, 1000, "response.output_item.added"),
    ],
)
async def test_bad_days_in_mid_answer(kind: FaultKind, code: int, last: str) -> None:
    async with realtime(struck(kind, after=4)) as base:
        line, kinds = await spoken_to(base)
    assert "response.done" not in kinds
    assert (kinds[-1], line.socket.close_code) == (last, code)


async def test_garbage_comes_between_good_events() -> None:
    async with realtime(struck(FaultKind.GARBAGE, after=4)) as base, talking(base) as line:
        await line.send("response.create")
        frames: list[str | bytes] = []
        with anyio.fail_after(10):
            while not frames or b'"type":"response.done","event_id"' not in as_bytes(frames[-1]):
                frames.append(await line.socket.recv())
    assert any(isinstance(frame, bytes) for frame in frames)


def as_bytes(frame: str | bytes) -> bytes:
    return frame if isinstance(frame, bytes) else frame.encode()
