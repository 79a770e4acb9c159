"""The chat socket as values: text in, inputs out; outputs in, text out.

Pure: no socket, no clock, no task. There is no state: every message stands for itself.

    page → server   {"type":"message","text":…}   UserMessage
                    {"type":"cancel"}             CancelReply
    server → page   ready, delta, tool, done, ended, error
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from voice_agent.core.call import Disposition
from voice_agent.core.errors import ProtocolError

MAX_MESSAGE: Final = 64 * 1024
"""Longest message taken, in characters."""
MAX_TEXT: Final = 4000
"""Longest text taken from a person, in characters."""


class ChatMessageError(ProtocolError):
    """The page sent something malformed."""


@dataclass(frozen=True, slots=True)
class UserMessage:
    """The person wrote something; `text` is not blank."""

    text: str


@dataclass(frozen=True, slots=True)
class CancelReply:
    """The person has read enough of the present reply."""


ChatInput = UserMessage | CancelReply


@dataclass(frozen=True, slots=True)
class ReplyDelta:
    """The next piece of a reply."""

    turn: int
    text: str


@dataclass(frozen=True, slots=True)
class ToolUsed:
    """A tool was run for a reply."""

    turn: int
    name: str
    arguments: Mapping[str, Any]
    ok: bool


@dataclass(frozen=True, slots=True)
class ReplyDone:
    """A reply is over; `text` is all of it that was sent."""

    turn: int
    text: str


ChatOutput = ReplyDelta | ToolUsed | ReplyDone


def parse(message: str | bytes) -> ChatInput | None:
    """One message from the page; None for a kind we do not know.

    Raises:
        ChatMessageError: it is malformed.
    """
    fields = _load(message)
    match fields.get("type"):
        case "message":
            return UserMessage(_text(fields.get("text")))
        case "cancel":
            return CancelReply()
        case str():
            return None
    raise ChatMessageError("the message has no type")


def ready(call_id: str) -> str:
    """The first message of every connection."""
    return _dump({"type": "ready", "call_id": call_id})


def write(output: ChatOutput) -> str:
    """What the agent says or does, for the page."""
    match output:
        case ReplyDelta(turn, text):
            return _dump({"type": "delta", "turn": turn, "text": text})
        case ToolUsed(turn, name, arguments, ok):
            used = {"name": name, "arguments": dict(arguments), "ok": ok}
            return _dump({"type": "tool", "turn": turn, **used})
        case ReplyDone(turn, text):
            return _dump({"type": "done", "turn": turn, "text": text})


def ended(disposition: Disposition) -> str:
    """The conversation is over; the last message."""
    return _dump({"type": "ended", "disposition": disposition.value})


def error(code: str, detail: str) -> str:
    """Something was wrong with what the page sent."""
    return _dump({"type": "error", "code": code, "detail": detail})


def _load(message: str | bytes) -> dict[str, Any]:
    if isinstance(message, bytes):
        raise ChatMessageError("the message is binary")
    if len(message) > MAX_MESSAGE:
        raise ChatMessageError("the message is too long")
    try:
        fields = orjson.loads(message)
    except orjson.JSONDecodeError:
        raise ChatMessageError("the message is not JSON") from None
    if not isinstance(fields, dict):
        raise ChatMessageError("the message is not an object")
    return fields


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ChatMessageError("the message has no text")
    if len(value) > MAX_TEXT:
        raise ChatMessageError(f"the text is longer than {MAX_TEXT} characters")
    return value.strip()


def _dump(message: Mapping[str, Any]) -> str:
    return orjson.dumps(dict(message), default=str, option=orjson.OPT_NON_STR_KEYS).decode()
