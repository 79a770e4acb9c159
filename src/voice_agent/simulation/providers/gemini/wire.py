"""Content as the Gemini API writes it: chunks of a stream, or one whole response."""

import random
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Any, Final

import orjson

from voice_agent.core.chat import Finished, FinishReason, TextDelta, ToolCall
from voice_agent.simulation.providers.answers import Piece, Tally, Whole, new_id
from voice_agent.simulation.providers.gemini.history import signature
from voice_agent.simulation.providers.gemini.request import Asked

_REASONS: Final = {
    FinishReason.STOP: "STOP",
    FinishReason.TOOL_CALLS: "STOP",
    FinishReason.LENGTH: "MAX_TOKENS",
    FinishReason.REFUSED: "SAFETY",
}
_THOUGHT: Final = "**Weighing the answer**\n\n"


class ChunkWriter:
    """Makes one answer's chunks."""

    def __init__(self, asked: Asked, tally: Tally, chance: random.Random) -> None:
        """`tally` is read when the answer is over."""
        self._asked = asked
        self._tally = tally
        self._chance = chance
        self._calls = 0
        self._id = new_id(chance, "", 22)

    async def sse(self, pieces: AsyncGenerator[Piece]) -> AsyncGenerator[bytes]:
        """The stream as events; nothing marks its end."""
        async with aclosing(self._chunks(pieces)) as chunks:
            async for chunk in chunks:
                yield b"data: " + orjson.dumps(chunk) + b"\r\n\r\n"

    async def array(self, pieces: AsyncGenerator[Piece]) -> AsyncGenerator[bytes]:
        """The stream as one JSON array that grows."""
        before = b"["
        async with aclosing(self._chunks(pieces)) as chunks:
            async for chunk in chunks:
                yield before + orjson.dumps(chunk)
                before = b",\r\n"
        if before != b"[":
            yield b"]"

    def whole(self, answer: Whole) -> dict[str, Any]:
        """The answer in one piece."""
        parts = list(self._thoughts())
        if answer.text:
            parts.append({"text": answer.text})
        parts += [self._call(call) for call in answer.calls]
        return self._final(parts, answer.reason)

    async def _chunks(self, pieces: AsyncGenerator[Piece]) -> AsyncGenerator[dict[str, Any]]:
        for thought in self._thoughts():
            yield self._chunk([thought])
        async with aclosing(pieces):
            async for piece in pieces:
                match piece:
                    case TextDelta():
                        yield self._chunk([{"text": piece.text}])
                    case ToolCall():
                        yield self._chunk([self._call(piece)])
                    case Finished():
                        yield self._final(self._last_parts(piece.reason), piece.reason)

    def _thoughts(self) -> Iterator[dict[str, Any]]:
        if self._asked.shows_thoughts:
            yield {"text": _THOUGHT, "thought": True}

    def _call(self, call: ToolCall) -> dict[str, Any]:
        """The first call of an answer carries the signature."""
        body = {
            "id": new_id(self._chance, "", 8),
            "name": call.name,
            "args": dict(call.arguments),
        }
        part: dict[str, Any] = {"functionCall": body}
        if self._calls == 0:
            part["thoughtSignature"] = signature(self._asked.model, self._chance.randrange(10**6))
        self._calls += 1
        return part

    def _last_parts(self, reason: FinishReason) -> list[dict[str, Any]]:
        if reason is FinishReason.STOP:
            return [{"text": "", "thoughtSignature": signature(self._asked.model, 0)}]
        return [{"text": ""}] if reason is FinishReason.TOOL_CALLS else []

    def _chunk(self, parts: list[dict[str, Any]]) -> dict[str, Any]:
        prompt = self._tally.prompt
        usage = {"promptTokenCount": prompt, "totalTokenCount": prompt}
        return self._response({"content": {"parts": parts, "role": "model"}}, usage)

    def _final(self, parts: list[dict[str, Any]], reason: FinishReason) -> dict[str, Any]:
        content = {"content": {"parts": parts, "role": "model"}} if parts else {}
        return self._response({**content, "finishReason": _REASONS[reason]}, self._usage())

    def _usage(self) -> dict[str, Any]:
        prompt, answer, thoughts = self._tally.prompt, self._tally.answer, self._asked.thoughts
        return {
            "promptTokenCount": prompt,
            "candidatesTokenCount": answer,
            "thoughtsTokenCount": thoughts,
            "totalTokenCount": prompt + answer + thoughts,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": prompt}],
        }

    def _response(self, candidate: dict[str, Any], usage: dict[str, Any]) -> dict[str, Any]:
        return {
            "candidates": [{**candidate, "index": 0}],
            "usageMetadata": usage,
            "modelVersion": self._asked.model,
            "responseId": self._id,
        }
