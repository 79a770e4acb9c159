"""What we send to OpenAI's Realtime API, judged by the vendor's own types."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter

from voice_agent.core.audio import PHONE, WIDEBAND, AudioFormat
from voice_agent.core.chat import Message, Role, ToolCall, ToolDeclaration
from voice_agent.core.realtime import (
    AddText,
    AddToolResult,
    CallerSound,
    CancelResponse,
    RealtimeCommand,
    RealtimeRequest,
    Respond,
    TruncateItem,
)
from voice_agent.engines.realtime.openai.options import Options
from voice_agent.engines.realtime.openai.protocol import RealtimeProtocol

LOOK_UP = ToolDeclaration("look_up", "Looks it up.", {"type": "object", "properties": {}})
HISTORY = (
    Message(Role.SYSTEM, "The shop is closed."),
    Message(Role.USER, "hello"),
    Message(Role.ASSISTANT, "", tool_calls=(ToolCall("c1", "look_up", {"id": 7}),)),
    Message(Role.TOOL, '{"status":"shipped"}', call_id="c1"),
    Message(Role.ASSISTANT, "It has shipped."),
)
COMMANDS: tuple[RealtimeCommand, ...] = (
    CallerSound(b"\xff" * 160),
    AddText(Role.USER, "1 0 4 2"),
    AddText(Role.ASSISTANT, "Hello."),
    AddToolResult("c1", {"status": "shipped"}),
    TruncateItem("item_1", 0.05),
    TruncateItem("item_2", 0.0),
    CancelResponse(),
    Respond("Say hello.", tools=False),
)


def sent(audio: AudioFormat, **options: Any) -> list[dict[str, Any]]:
    """One of everything that can be sent."""
    request = RealtimeRequest(audio, "Be brief.", (LOOK_UP,), language="en", history=HISTORY)
    session = RealtimeProtocol(request, Options(**options))
    session.begin()
    session.receive('{"type": "session.updated"}')
    session.receive('{"type": "response.created", "response": {"id": "r1"}}')
    for item in ("item_1", "item_2"):
        delta = {"response_id": "r1", "item_id": item, "delta": "//8" * 320}
        session.receive(json.dumps({"type": "response.output_audio.delta", **delta}))
    for command in COMMANDS:
        session.send(command)
    session.receive('{"type": "response.done", "response": {"id": "r1", "status": "cancelled"}}')
    return [json.loads(text) for text in session.outbox]


def unknown(model: Any) -> Iterator[str]:
    """Fields that the vendor's types do not have."""
    if isinstance(model, BaseModel):
        yield from model.model_extra or {}
        for _name, value in model:
            yield from unknown(value)
    elif isinstance(model, list):
        for value in model:
            yield from unknown(value)


@pytest.mark.parametrize("audio", [PHONE, WIDEBAND], ids=["phone", "wideband"])
@pytest.mark.parametrize("model", ["gpt-realtime-2.1", "gpt-realtime-1.5"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_everything_that_is_sent_is_what_the_vendors_client_would_send(
    audio: AudioFormat, model: str
) -> None:
    from openai.types.realtime import RealtimeClientEvent

    adapter: TypeAdapter[Any] = TypeAdapter(RealtimeClientEvent)
    messages = sent(audio, model=model, noise_reduction="near_field")
    kinds = {message["type"] for message in messages}
    assert kinds == {
        "session.update",
        "input_audio_buffer.append",
        "conversation.item.create",
        "conversation.item.truncate",
        "conversation.item.delete",
        "response.cancel",
        "response.create",
    }
    for message in messages:
        event = adapter.validate_python(message)
        assert event.type == message["type"]
        assert not list(unknown(event)), message["type"]
