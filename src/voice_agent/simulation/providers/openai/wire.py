"""Chat Completions as OpenAI writes it: chunks of a stream, or one whole answer."""

import random
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final

import orjson

from voice_agent.core.chat import Finished, FinishReason, TextDelta, ToolCall
from voice_agent.simulation.providers.answers import (
    Piece,
    Tally,
    Whole,
    dumps,
    fragments,
    new_id,
)

_DONE: Final = b"data: [DONE]\n\n"
_REASONS: Final = {
    FinishReason.STOP: "stop",
    FinishReason.TOOL_CALLS: "tool_calls",
    FinishReason.LENGTH: "length",
    FinishReason.REFUSED: "content_filter",
}


@dataclass(frozen=True, slots=True)
class Style:
    """What a request says about the form of its answer.

    With a named tool choice the vendor says `stop` although it called the tool.
    """

    model: str
    created: int
    usage: bool = False
    obfuscation: bool = True
    named_choice: bool = False
    tier: str = "default"


class ChunkWriter:
    """Writes one stream's chunks."""

    def __init__(self, style: Style, tally: Tally, chance: random.Random) -> None:
        """`tally` is read when the answer is over."""
        self._style = style
        self._tally = tally
        self._chance = chance
        self._calls = 0
        self._envelope = _envelope("chat.completion.chunk", style, chance)

    async def write(self, pieces: AsyncGenerator[Piece]) -> AsyncGenerator[bytes]:
        """All events of the stream, the last one `[DONE]`."""
        finished = False
        async with aclosing(pieces):
            async for first, piece in _numbered(pieces):
                if first:
                    yield self._role(piece)
                for chunk in self._chunks(piece):
                    yield chunk
                finished = isinstance(piece, Finished)
        if finished and self._style.usage:
            yield self._event([], usage=usage(self._tally))
        if finished:
            yield _DONE

    def _role(self, piece: Piece) -> bytes:
        content = None if isinstance(piece, ToolCall) else ""
        return self._delta({"role": "assistant", "content": content, "refusal": None})

    def _chunks(self, piece: Piece) -> Iterator[bytes]:
        match piece:
            case TextDelta():
                yield self._delta({"content": piece.text})
            case ToolCall():
                yield from self._call(piece)
            case Finished():
                yield self._delta({}, finish(piece.reason, self._style))

    def _call(self, call: ToolCall) -> Iterator[bytes]:
        index = self._calls
        self._calls += 1
        head = call_body(call, self._chance, arguments="")
        yield self._delta({"tool_calls": [{"index": index, **head}]})
        for fragment in fragments(dumps(call.arguments)):
            part = {"index": index, "function": {"arguments": fragment}}
            yield self._delta({"tool_calls": [part]})

    def _delta(self, delta: dict[str, Any], reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return self._event([choice])

    def _event(self, choices: list[Any], usage: dict[str, Any] | None = None) -> bytes:
        chunk = {**self._envelope, "choices": choices}
        if self._style.usage:
            chunk["usage"] = usage
        if self._style.obfuscation:
            chunk["obfuscation"] = new_id(self._chance, "", self._chance.randint(4, 12))
        return b"data: " + orjson.dumps(chunk) + b"\n\n"


def completion(
    answer: Whole, style: Style, tally: Tally, chance: random.Random
) -> dict[str, object]:
    """The answer in one piece."""
    message: dict[str, Any] = {
        "role": "assistant",
        "content": answer.text or (None if answer.calls else ""),
        "refusal": None,
        "annotations": [],
    }
    if answer.calls:
        message["tool_calls"] = [call_body(call, chance) for call in answer.calls]
    choice = {
        "index": 0,
        "message": message,
        "logprobs": None,
        "finish_reason": finish(answer.reason, style),
    }
    return {
        **_envelope("chat.completion", style, chance),
        "choices": [choice],
        "usage": usage(tally),
    }


def call_body(
    call: ToolCall, chance: random.Random, arguments: str | None = None
) -> dict[str, object]:
    """A tool call, its arguments as JSON text unless others are given."""
    text = dumps(call.arguments) if arguments is None else arguments
    return {
        "id": new_id(chance, "call_"),
        "type": "function",
        "function": {"name": call.name, "arguments": text},
    }


def finish(reason: FinishReason, style: Style) -> str:
    """OpenAI's word for why it stopped."""
    if reason is FinishReason.TOOL_CALLS and style.named_choice:
        return "stop"
    return _REASONS[reason]


def usage(tally: Tally) -> dict[str, Any]:
    """What the answer is billed at."""
    return {
        "prompt_tokens": tally.prompt,
        "completion_tokens": tally.answer,
        "total_tokens": tally.prompt + tally.answer,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _envelope(kind: str, style: Style, chance: random.Random) -> dict[str, Any]:
    return {
        "id": new_id(chance, "chatcmpl-", 29),
        "object": kind,
        "created": style.created,
        "model": style.model,
        "service_tier": style.tier,
        "system_fingerprint": "fp_5143a7ed",
    }


async def _numbered(pieces: AsyncIterator[Piece]) -> AsyncGenerator[tuple[bool, Piece]]:
    first = True
    async for piece in pieces:
        yield first, piece
        first = False
