"""Messages as Anthropic writes them: events of a stream, or one whole message."""

import random
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final

from voice_agent.core.chat import Finished, FinishReason, TextDelta, ToolCall
from voice_agent.simulation.providers.answers import Piece, Tally, Whole, dumps, fragments, new_id
from voice_agent.simulation.providers.anthropic.errors import event

_REASONS: Final = {
    FinishReason.STOP: "end_turn",
    FinishReason.TOOL_CALLS: "tool_use",
    FinishReason.LENGTH: "max_tokens",
    FinishReason.REFUSED: "refusal",
}
_SIGNATURE: Final = "c2ltdWxhdGVkLXNpZ25hdHVyZQ=="


@dataclass(frozen=True, slots=True)
class Style:
    """What accompanies an answer; cached tokens are billed beside the prompt's others."""

    model: str
    thinks: bool
    cache_read: int = 0
    cache_written: int = 0


class EventWriter:
    """Writes one stream's events."""

    def __init__(self, style: Style, tally: Tally, chance: random.Random) -> None:
        """`tally` is read when the answer is over."""
        self._style = style
        self._tally = tally
        self._chance = chance
        self._index = -1
        self._open = ""
        self._pinged = False

    async def write(self, pieces: AsyncGenerator[Piece]) -> AsyncGenerator[bytes]:
        """All events of the stream, the last one `message_stop`."""
        yield event("message_start", {"message": self._message()})
        if self._style.thinks:
            for written in self._thought():
                yield written
        async with aclosing(pieces):
            async for piece in pieces:
                for written in self._events(piece):
                    yield written

    def _message(self) -> dict[str, Any]:
        head = _head(self._style, self._chance)
        return {**head, "usage": usage(self._style, self._tally, answer=1)}

    def _events(self, piece: Piece) -> Iterator[bytes]:
        match piece:
            case TextDelta():
                if self._open != "text":
                    yield from self._begin({"type": "text", "text": ""})
                yield self._delta({"type": "text_delta", "text": piece.text})
            case ToolCall():
                yield from self._begin({**call_body(piece, self._chance), "input": {}})
                yield self._delta({"type": "input_json_delta", "partial_json": ""})
                # A call without arguments keeps the placeholder: nothing more is streamed.
                text = dumps(piece.arguments) if piece.arguments else ""
                for fragment in fragments(text):
                    yield self._delta({"type": "input_json_delta", "partial_json": fragment})
            case Finished():
                yield from self._end(piece.reason)

    def _thought(self) -> Iterator[bytes]:
        yield from self._begin({"type": "thinking", "thinking": "", "signature": ""})
        yield self._delta({"type": "signature_delta", "signature": _SIGNATURE})

    def _begin(self, block: dict[str, Any]) -> Iterator[bytes]:
        yield from self._close()
        self._index += 1
        self._open = block["type"]
        yield event("content_block_start", {"index": self._index, "content_block": block})
        if not self._pinged:
            self._pinged = True
            yield event("ping", {})

    def _close(self) -> Iterator[bytes]:
        if self._open:
            yield event("content_block_stop", {"index": self._index})
        self._open = ""

    def _delta(self, delta: dict[str, Any]) -> bytes:
        return event("content_block_delta", {"index": self._index, "delta": delta})

    def _end(self, reason: FinishReason) -> Iterator[bytes]:
        yield from self._close()
        delta = {"stop_reason": _REASONS[reason], "stop_sequence": None}
        yield event("message_delta", {"delta": delta, "usage": usage(self._style, self._tally)})
        yield event("message_stop", {})


def message(answer: Whole, style: Style, tally: Tally, chance: random.Random) -> dict[str, Any]:
    """The answer in one piece."""
    content: list[dict[str, Any]] = []
    if style.thinks:
        content.append({"type": "thinking", "thinking": "", "signature": _SIGNATURE})
    if answer.text:
        content.append({"type": "text", "text": answer.text, "citations": None})
    content += [call_body(call, chance) for call in answer.calls]
    return {
        **_head(style, chance),
        "content": content,
        "stop_reason": _REASONS[answer.reason],
        "usage": usage(style, tally),
    }


def call_body(call: ToolCall, chance: random.Random) -> dict[str, Any]:
    """A tool call as a block."""
    return {
        "type": "tool_use",
        "id": new_id(chance, "toolu_"),
        "name": call.name,
        "input": dict(call.arguments),
    }


def usage(style: Style, tally: Tally, answer: int | None = None) -> dict[str, Any]:
    """What the answer is billed at so far."""
    return {
        "input_tokens": tally.prompt - style.cache_read - style.cache_written,
        "cache_creation_input_tokens": style.cache_written,
        "cache_read_input_tokens": style.cache_read,
        "output_tokens": tally.answer if answer is None else answer,
        "service_tier": "standard",
    }


def _head(style: Style, chance: random.Random) -> dict[str, Any]:
    return {
        "id": new_id(chance, "msg_"),
        "type": "message",
        "role": "assistant",
        "model": style.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }
