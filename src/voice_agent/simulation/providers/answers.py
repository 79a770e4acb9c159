"""What all text vendors do with a model's answer, whatever their wire looks like."""

import random
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Final, cast

import orjson

from voice_agent.core.chat import (
    ChatEvent,
    ChatRequest,
    Finished,
    FinishReason,
    Message,
    TextDelta,
    ToolCall,
    ToolChoice,
)
from voice_agent.simulation.providers.desk import Desk

CHARACTERS_PER_TOKEN: Final = 4
FRAGMENTS: Final = 3
"""Pieces in which a tool call's arguments are streamed, where they are long enough."""
_ALPHABET: Final = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a request allows an answer to be; `tokens` None: as long as it likes."""

    tokens: int | None = None
    parallel_calls: bool = True


@dataclass(slots=True)
class Tally:
    """Tokens of a request and its answer, at about four characters each."""

    prompt: int
    answer: int = 0

    def add(self, event: TextDelta | ToolCall) -> None:
        """Count a piece of the answer."""
        text = event.text if isinstance(event, TextDelta) else event.name + dumps(event.arguments)
        self.answer += tokens(text)


@dataclass(slots=True)
class Whole:
    """An answer in one piece."""

    text: str = ""
    calls: list[ToolCall] = field(default_factory=list)
    reason: FinishReason = FinishReason.STOP


def tokens(text: str) -> int:
    """About how many tokens a text is; none only for no text."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def prompt_tokens(request: ChatRequest) -> int:
    """About how many tokens a request is, tools included."""
    said = sum(tokens(message.text) + _called(message) for message in request.messages)
    tools = sum(tokens(t.name + t.description + dumps(t.parameters)) for t in request.tools)
    return max(1, tokens(request.system) + said + tools)


def _called(message: Message) -> int:
    return sum(tokens(call.name + dumps(call.arguments)) for call in message.tool_calls)


def dumps(value: object) -> str:
    """Compact JSON."""
    return orjson.dumps(value).decode()


def loads_object(text: str) -> dict[str, Any]:
    """A JSON object; anything else is none."""
    try:
        value = orjson.loads(text or "{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def fragments(text: str) -> Iterator[str]:
    """A text in up to `FRAGMENTS` pieces of about the same size."""
    size = max(1, -(-len(text) // FRAGMENTS))
    for start in range(0, len(text), size):
        yield text[start : start + size]


def new_id(chance: random.Random, prefix: str, length: int = 24) -> str:
    """An identifier as vendors make them."""
    return prefix + "".join(chance.choices(_ALPHABET, k=length))


Piece = TextDelta | ToolCall | Finished


async def answer(
    desk: Desk, request: ChatRequest, limits: Limits, tally: Tally
) -> AsyncGenerator[Piece]:
    """The model's answer, held to what the request allows and counted.

    A model that ends without `Finished` makes an answer that ends so too. With no tokens at
    all it is not asked.
    """
    if limits.tokens == 0:
        yield Finished(FinishReason.LENGTH)
        return
    calls = 0
    stream = cast("AsyncGenerator[ChatEvent]", desk.model.stream(request))
    async with aclosing(stream):
        async for event in stream:
            match event:
                case TextDelta() if _fits(event.text, limits, tally):
                    tally.add(event)
                    yield event
                case TextDelta():
                    for piece in _cut_off(event.text, limits, tally):
                        yield piece
                    return
                case ToolCall() if _allowed(request, limits, calls):
                    calls += 1
                    tally.add(event)
                    yield event
                case Finished():
                    yield Finished(_reason(event.reason, calls))
                    return


async def whole_answer(
    desk: Desk, provider: str, request: ChatRequest, limits: Limits, tally: Tally
) -> Whole:
    """The same in one piece, after the time that its pieces would have taken."""
    whole = Whole()
    first = True
    async with aclosing(answer(desk, request, limits, tally)) as pieces:
        async for piece in pieces:
            await desk.wait(provider, first=first)
            first = False
            match piece:
                case TextDelta():
                    whole.text += piece.text
                case ToolCall():
                    whole.calls.append(piece)
                case Finished():
                    whole.reason = piece.reason
    return whole


def _allowed(request: ChatRequest, limits: Limits, calls: int) -> bool:
    return request.tool_choice is not ToolChoice.NONE and (limits.parallel_calls or calls == 0)


def _room(limits: Limits, tally: Tally) -> int | None:
    return None if limits.tokens is None else limits.tokens - tally.answer


def _fits(text: str, limits: Limits, tally: Tally) -> bool:
    room = _room(limits, tally)
    return room is None or tokens(text) <= room


def _cut_off(text: str, limits: Limits, tally: Tally) -> Iterator[Piece]:
    kept = TextDelta(text[: max(0, _room(limits, tally) or 0) * CHARACTERS_PER_TOKEN])
    if kept.text:
        tally.add(kept)
        yield kept
    yield Finished(FinishReason.LENGTH)


def _reason(given: FinishReason, calls: int) -> FinishReason:
    if calls:
        return FinishReason.TOOL_CALLS
    return FinishReason.STOP if given is FinishReason.TOOL_CALLS else given
