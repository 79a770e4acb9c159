"""Sums up the older part of a call: by the language model, or by taking out what matters most."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import anyio
import orjson
import structlog

from voice_agent.core.chat import (
    ChatEvent,
    ChatRequest,
    Finished,
    FinishReason,
    JsonObject,
    Message,
    Role,
    TextDelta,
    ToolCall,
    ToolChoice,
)
from voice_agent.core.errors import ProviderError
from voice_agent.core.ports import LanguageModel
from voice_agent.core.usage import EngineSwitched, Usage
from voice_agent.memory.plain_text import plain
from voice_agent.memory.wording import Wording

log = structlog.get_logger(__name__)

LONGEST_SUMMARY: Final = 900
"""Characters of a summary, which is sent with every later request."""
_LONGEST_LINE: Final = 400
_LONGEST_EXTRACT: Final = 140
_MODEL_SECONDS: Final = 10.0
_CLOSING_SECONDS: Final = 2.0


@dataclass(slots=True)
class Summarised:
    """A summary; `used` is the model's paid work on it, `by_model` false for an extract."""

    text: str
    by_model: bool
    used: list[Usage | EngineSwitched] = field(default_factory=list)


class Summariser:
    """Asks a model for minutes; without one, or without an answer in time, makes an extract."""

    def __init__(
        self, model: LanguageModel | None, wording: Wording, *, within: float = _MODEL_SECONDS
    ) -> None:
        """`model` follows instructions, None where there is none; `within` in seconds."""
        self._model = model
        self._wording = wording
        self._within = within

    async def summarise(self, before: str, messages: Sequence[Message]) -> Summarised:
        """What happened `before`, as summed up already, and in `messages`; never raises."""
        used: list[Usage | EngineSwitched] = []
        text = ""
        if self._model is not None:
            with anyio.move_on_after(self._within) as patience:
                text = await self._ask(self._model, before, messages, used)
            if not text:
                log.info("memory.extracted", in_time=not patience.cancelled_caught)
        if text:
            return Summarised(plain(text, LONGEST_SUMMARY), by_model=True, used=used)
        return Summarised(extract(before, messages, self._wording), by_model=False, used=used)

    async def _ask(
        self,
        model: LanguageModel,
        before: str,
        messages: Sequence[Message],
        used: list[Usage | EngineSwitched],
    ) -> str:
        question = Message(Role.USER, _quoted(before, messages, self._wording))
        request = ChatRequest(
            (question,), tool_choice=ToolChoice.NONE, system=self._wording.say("summarise")
        )
        said: list[str] = []
        try:
            async with _closing(model.stream(request)) as events:
                async for event in events:
                    match event:
                        case TextDelta(text):
                            said.append(text)
                        case Usage() | EngineSwitched():
                            used.append(event)
                        case Finished(FinishReason.STOP | FinishReason.LENGTH):
                            return "".join(said).strip()
        except ProviderError as error:
            log.info("memory.summary_failed", code=error.code, provider=error.provider)
        except Exception as error:  # noqa: BLE001 - an extract is better than no summary
            log.warning("memory.summary_crashed", error=type(error).__name__)
        return ""


@asynccontextmanager
async def _closing(stream: AsyncIterator[ChatEvent]) -> AsyncIterator[AsyncIterator[ChatEvent]]:
    try:
        yield stream
    finally:
        close = getattr(stream, "aclose", None)
        if close is not None:
            with anyio.move_on_after(_CLOSING_SECONDS, shield=True):
                await close()


def _quoted(before: str, messages: Sequence[Message], wording: Wording) -> str:
    """The call as JSON lines between marks that no text in it can close."""
    lines = [orjson.dumps({"before": plain(before, LONGEST_SUMMARY)}).decode()] if before else []
    for speaker, text in _lines(messages, wording, _LONGEST_LINE):
        lines.append(orjson.dumps({speaker: text}).decode())
    return "\n".join(("<call>", *lines, "</call>"))


def extract(before: str, messages: Sequence[Message], wording: Wording) -> str:
    """The most telling lines, in order: what tools found and did, then what the caller said."""
    lines = list(_lines(messages, wording, _LONGEST_EXTRACT))
    room = LONGEST_SUMMARY
    kept = plain(before, room // 2)
    room -= len(kept)
    chosen: set[int] = set()
    for index in _by_weight(lines, wording):
        length = sum(map(len, lines[index])) + len(": ; ")
        if length <= room:
            chosen.add(index)
            room -= length
    told = "; ".join(f"{speaker}: {text}" for speaker, text in _at(lines, chosen))
    return " ".join(filter(None, (kept, told)))


def _at(lines: Sequence[tuple[str, str]], chosen: set[int]) -> Iterator[tuple[str, str]]:
    return (line for index, line in enumerate(lines) if index in chosen)


def _by_weight(lines: Sequence[tuple[str, str]], wording: Wording) -> list[int]:
    """Tools before callers before agents, among callers' words those with numbers, newest first."""
    order = {wording.say("agent"): 2, wording.say("caller"): 1}

    def weight(index: int) -> tuple[int, bool, int]:
        speaker, text = lines[index]
        return order.get(speaker, 0), not any(map(str.isdigit, text)), -index

    return sorted(range(len(lines)), key=weight)


def _lines(
    messages: Sequence[Message], wording: Wording, longest: int
) -> Iterator[tuple[str, str]]:
    """Who said or did what; a tool's line is its call with what came of it."""
    calls: dict[str, ToolCall] = {}
    for message in messages:
        calls.update((call.id, call) for call in message.tool_calls)
        text = plain(message.text, longest)
        match message.role:
            case Role.USER if text:
                yield wording.say("caller"), text
            case Role.ASSISTANT if text:
                yield wording.say("agent"), text
            case Role.TOOL if message.call_id in calls:
                yield _tool_line(calls[message.call_id], message.text, longest)


def _tool_line(call: ToolCall, result: str, longest: int) -> tuple[str, str]:
    given = plain(_scalars(call.arguments), longest)
    return f"{plain(call.name, 40)}({given})", plain(_scalars(_object(result)), longest)


def _object(text: str) -> JsonObject:
    try:
        decoded: Any = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {"result": text}
    return decoded if isinstance(decoded, dict) else {"result": decoded}


def _scalars(values: Mapping[str, Any]) -> str:
    told = {k: v for k, v in values.items() if isinstance(v, str | int | float) and v != ""}
    return ", ".join(f"{name} {value}" for name, value in told.items())
