"""The messages of a call as turns: what was heard before, what the caller said, what tools told."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from voice_agent.core.chat import JsonObject, Message, Role, ToolCall


@dataclass(frozen=True)
class Round:
    """A tool call and its result, None while there is none."""

    call: ToolCall
    result: JsonObject | None

    @property
    def error(self) -> str:
        """The stable code of a failure, "" after success."""
        if self.result is None:
            return "no_result"
        if self.result.get("found") is False:
            return "not_found"
        error = self.result.get("error")
        return str(error) if error else ""


@dataclass(frozen=True)
class Turn:
    """The agent's words the caller heard last (`cut` when interrupted), and the answer."""

    heard: str
    cut: bool
    said: Message
    rounds: tuple[Round, ...] = field(default=())
    answered: str = ""


def read_turns(messages: Sequence[Message]) -> tuple[Turn, ...]:
    """One turn per message of the caller, in order."""
    starts = [at for at, message in enumerate(messages) if message.role is Role.USER]
    bounds = zip(starts, [*starts, len(messages)][1:], strict=True)
    before = [(messages[:at], messages[at], messages[at + 1 : end]) for at, end in bounds]
    return tuple(_turn(earlier, said, after) for earlier, said, after in before)


def _turn(earlier: Sequence[Message], said: Message, after: Sequence[Message]) -> Turn:
    heard, cut = _last_heard(earlier)
    return Turn(heard, cut, said, tuple(_rounds(after)), _spoken(after))


def _last_heard(earlier: Sequence[Message]) -> tuple[str, bool]:
    """All that was heard since the caller's words before these."""
    since: list[Message] = []
    for message in reversed(earlier):
        if message.role is Role.USER and since:
            break
        if message.role is Role.ASSISTANT and message.text.strip():
            since.append(message)
    since.reverse()
    text = " ".join(message.text.strip() for message in since)
    return text, bool(since and since[-1].interrupted)


def _spoken(after: Sequence[Message]) -> str:
    texts = (message.text.strip() for message in after if message.role is Role.ASSISTANT)
    return " ".join(text for text in texts if text)


def _rounds(after: Sequence[Message]) -> Iterator[Round]:
    results = {message.call_id: message for message in after if message.role is Role.TOOL}
    for message in after:
        for call in message.tool_calls:
            answer = results.get(call.id)
            yield Round(call, _decoded(answer.text) if answer else None)


def _decoded(text: str) -> dict[str, Any]:
    """A tool's result; plain words count as its message."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {"message": text.strip()} if text.strip() else {}
    if isinstance(value, dict):
        return value
    return {"message": value} if isinstance(value, str) else {"items": value}
