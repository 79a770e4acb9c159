"""The chat socket's messages."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.hostile_messages import mutated
from voice_agent.core.call import Disposition
from voice_agent.transports.chat_protocol import (
    MAX_TEXT,
    CancelReply,
    ChatMessageError,
    ReplyDelta,
    ReplyDone,
    ToolUsed,
    UserMessage,
    ended,
    error,
    parse,
    ready,
    write,
)

VALID: list[dict[str, Any]] = [{"type": "message", "text": "hello"}, {"type": "cancel"}]


def test_a_message_and_a_cancel_are_understood() -> None:
    assert parse('{"type":"message","text":" hello "}') == UserMessage("hello")
    assert parse('{"type":"cancel"}') == CancelReply()


def test_a_kind_from_the_future_is_ignored() -> None:
    assert parse('{"type":"wave"}') is None


def test_a_text_may_be_four_thousand_characters_and_no_more() -> None:
    assert parse(json.dumps({"type": "message", "text": "ä" * MAX_TEXT}))
    with pytest.raises(ChatMessageError):
        parse(json.dumps({"type": "message", "text": "a" * (MAX_TEXT + 1)}))


@pytest.mark.parametrize(
    "message",
    ["", "[]", "{", '{"type":7}', '{"type":"message"}', '{"type":"message","text":" "}', b"{}"],
)
def test_what_is_malformed_is_refused(message: str | bytes) -> None:
    with pytest.raises(ChatMessageError):
        parse(message)


def test_what_the_page_is_sent() -> None:
    sent = [
        ready("c"),
        write(ReplyDelta(1, "It ")),
        write(ToolUsed(1, "look", {"order": 1042}, ok=True)),
        write(ReplyDone(1, "It left.")),
        ended(Disposition.AGENT_ENDED),
        error("protocol", "no"),
    ]
    assert [json.loads(text) for text in sent] == [
        {"type": "ready", "call_id": "c"},
        {"type": "delta", "turn": 1, "text": "It "},
        {"type": "tool", "turn": 1, "name": "look", "arguments": {"order": 1042}, "ok": True},
        {"type": "done", "turn": 1, "text": "It left."},
        {"type": "ended", "disposition": "agent_ended"},
        {"type": "error", "code": "protocol", "detail": "no"},
    ]


@given(st.text() | st.binary() | mutated(VALID))
def test_any_message_is_understood_ignored_or_refused(raw: str | bytes) -> None:
    try:
        understood = parse(raw)
    except ChatMessageError:
        return
    if isinstance(understood, UserMessage):
        assert 0 < len(understood.text) <= MAX_TEXT
