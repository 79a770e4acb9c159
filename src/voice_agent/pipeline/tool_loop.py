"""One answer of the model, tools included: the loop that voice and chat share.

    ask ──► text and tool calls ──► no calls: Finished
     ▲                               │ calls
     └── history + results ◄── run them side by side

A round is written to the history in one piece, the assistant's calls followed by exactly one
result each in the same order, so the history is valid whenever the loop is left: by the end,
by `aclose`, by cancellation or by an error. The last answer's text is not written: only the
caller of the loop knows how much of it was heard.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Final

import anyio
import orjson
import structlog

from voice_agent.core.chat import (
    ChatEvent,
    ChatRequest,
    Finished,
    FinishReason,
    Message,
    Role,
    TextDelta,
    ToolCall,
    ToolChoice,
    ToolContext,
    ToolEffect,
    ToolResult,
)
from voice_agent.core.errors import ProviderGarbage
from voice_agent.core.ports import LanguageModel, ToolExecutor
from voice_agent.core.usage import EngineSwitched, Usage
from voice_agent.pipeline.spoken.speech_tags import without_speech_tags

logger = structlog.get_logger(__name__)

ConverseEvent = TextDelta | ToolCall | ToolResult | Usage | EngineSwitched | Finished

Unseen = Callable[[ToolResult], None]
"""Takes a result that the model will not be asked about in this answer; must not block."""

MAX_TOOL_ROUNDS: Final = 3
_CLOSING_SECONDS: Final = 2.0


async def converse(
    model: LanguageModel,
    tools: ToolExecutor,
    messages: list[Message],
    context: ToolContext,
    system: str,
    *,
    max_rounds: int = MAX_TOOL_ROUNDS,
    unseen: Unseen = lambda _result: None,
) -> AsyncGenerator[ConverseEvent, None]:
    """Stream one answer, running the tools it asks for; ends with exactly one `Finished`.

    After `max_rounds` rounds of tools, or once a tool decided the call's fate, the model may
    only speak. Tools that must not be interrupted shield themselves inside `execute`; any
    other that is cancelled is recorded as cancelled. `unseen` gets the results of a round that
    was interrupted: they are not streamed any more, but must be written down.

    Raises:
        ProviderError: the model failed; rounds already run stay in `messages`.
    """
    taken = {call.id for message in messages for call in message.tool_calls}
    choice = ToolChoice.AUTO if max_rounds > 0 else ToolChoice.NONE
    for round_number in range(max_rounds + 1):
        heard = _Round(allowed=choice is ToolChoice.AUTO, taken=taken)
        request = ChatRequest(tuple(messages), tools.declarations, choice, system)
        async with closing(model.stream(request)) as stream:
            async for event in stream:
                for out in heard.take(event):
                    yield out
        if not heard.must_run():
            yield heard.end()
            return
        said = without_speech_tags("".join(heard.text)).text
        results = await run_round(tools, heard.calls, said, context, messages, unseen=unseen)
        for result in results:
            yield result
        last = round_number + 1 >= max_rounds
        if last or any(result.effect is not ToolEffect.NONE for result in results):
            choice = ToolChoice.NONE


@dataclass(slots=True)
class _Round:
    """What the model said in one request."""

    allowed: bool
    taken: set[str]
    text: list[str] = field(default_factory=list)
    calls: list[ToolCall] = field(default_factory=list)
    finished: Finished | None = None

    def take(self, event: ChatEvent) -> tuple[TextDelta | ToolCall | Usage | EngineSwitched, ...]:
        """Note an event and give what is to be passed on."""
        match event:
            case TextDelta(text):
                self.text.append(text)
            case ToolCall():
                if not self.allowed:
                    return ()
                event = self._distinct(event)
                self.calls.append(event)
            case Finished():
                self.finished = event
                return ()
        return (event,)

    def _distinct(self, call: ToolCall) -> ToolCall:
        """Some models leave ids out or repeat them; results are paired by id."""
        name, number = call.id or "call", len(self.taken)
        while not call.id or call.id in self.taken:
            number += 1
            call = replace(call, id=f"{name}-{number}")
        self.taken.add(call.id)
        return call

    def end(self) -> Finished:
        """The stream's own last event.

        Raises:
            ProviderGarbage: the stream stopped without one.
        """
        if self.finished is None:
            raise ProviderGarbage("the answer stopped in the middle", provider="language_model")
        return self.finished

    def must_run(self) -> bool:
        """Whether there are tools to run."""
        return self.end().reason is not FinishReason.REFUSED and bool(self.calls)


@asynccontextmanager
async def closing(stream: AsyncIterator[ChatEvent]) -> AsyncIterator[AsyncIterator[ChatEvent]]:
    """Close the model's stream however it is left: that cancels the request."""
    try:
        yield stream
    finally:
        close = getattr(stream, "aclose", None)
        if close is not None:
            with anyio.move_on_after(_CLOSING_SECONDS, shield=True):
                await close()


async def run_round(
    tools: ToolExecutor,
    calls: Sequence[ToolCall],
    text: str,
    context: ToolContext,
    messages: list[Message],
    *,
    unseen: Unseen = lambda _result: None,
) -> Sequence[ToolResult]:
    """Run a round's calls side by side and write the round down, whatever happens.

    `text` is what the model said with them. Results that cannot be returned because the round
    was interrupted go to `unseen`, without effect on the call: the caller went on talking.
    """
    done: dict[str, ToolResult] = {}
    complete = False
    try:
        async with anyio.create_task_group() as group:
            for call in calls:
                group.start_soon(_execute, tools, call, context, done)
        complete = True
    finally:
        results = [done.get(call.id) or _cancelled(call) for call in calls]
        messages.append(Message(Role.ASSISTANT, text, tool_calls=tuple(calls)))
        messages.extend(_as_message(result) for result in results)
        for result in () if complete else results:
            unseen(replace(result, effect=ToolEffect.NONE))
    return results


async def _execute(
    tools: ToolExecutor, call: ToolCall, context: ToolContext, done: dict[str, ToolResult]
) -> None:
    try:
        result = await tools.execute(call, context)
    except Exception:  # a broken tool must not end the call
        logger.exception("tool.crashed", tool=call.name)
        result = _failed(call, "crashed", "This could not be done because of an internal fault.")
    done[call.id] = replace(result, call_id=call.id)


def _cancelled(call: ToolCall) -> ToolResult:
    return _failed(call, "cancelled", "The caller spoke before this was finished.")


def _failed(call: ToolCall, error: str, message: str) -> ToolResult:
    return ToolResult(call.id, call.name, ok=False, content={"error": error, "message": message})


def _as_message(result: ToolResult) -> Message:
    text = orjson.dumps(dict(result.content), default=str, option=orjson.OPT_NON_STR_KEYS)
    return Message(Role.TOOL, text.decode(), call_id=result.call_id)


def settle_reply(messages: list[Message], start: int, heard: str, *, interrupted: bool) -> None:
    """Make the history from index `start` say only what was heard of a reply.

    What the model said before its tools stays with their round as far as it was heard; the
    rest of `heard`, if any, becomes the closing assistant message.
    """
    rest = heard.strip()
    for index, message in enumerate(messages[start:], start):
        if message.role is Role.ASSISTANT:
            own, rest = _split_heard(message.text, rest)
            messages[index] = replace(message, text=own)
    if rest:
        messages.append(Message(Role.ASSISTANT, rest, interrupted=interrupted))


def _split_heard(said: str, heard: str) -> tuple[str, str]:
    """The part of `heard` that belongs to `said`, word by word, and what follows it."""
    words, ears = said.split(), heard.split()
    common = _common(words, ears)
    if common == len(words):
        return said, " ".join(ears[common:])
    if common == len(ears):
        return " ".join(ears), ""
    return "", heard


def _common(first: Iterable[str], second: Iterable[str]) -> int:
    count = 0
    for one, other in zip(first, second, strict=False):
        if one != other:
            break
        count += 1
    return count
