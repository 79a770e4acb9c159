"""A language model and a tool executor that do exactly what a test tells them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import anyio

from voice_agent.core.chat import (
    ChatEvent,
    ChatRequest,
    Finished,
    FinishReason,
    Message,
    Role,
    TextDelta,
    ToolCall,
    ToolContext,
    ToolDeclaration,
    ToolEffect,
    ToolResult,
)
from voice_agent.core.errors import ProviderError

Step = ChatEvent | ProviderError | float
"""An event, an error to raise, or seconds to wait."""


def says(*pieces: str) -> list[Step]:
    """An answer of text only."""
    return [*(TextDelta(piece) for piece in pieces), Finished(FinishReason.STOP)]


def asks(*calls: ToolCall, text: str = "") -> list[Step]:
    """An answer that wants tools, with something said before them."""
    said: list[Step] = [TextDelta(text)] if text else []
    return [*said, *calls, Finished(FinishReason.TOOL_CALLS)]


class ScriptedModel:
    """Plays one list of steps per request; the last list repeats."""

    def __init__(self, *answers: Sequence[Step]) -> None:
        self.answers = list(answers)
        self.requests: list[ChatRequest] = []
        self.closed = 0

    async def stream(self, request: ChatRequest) -> AsyncIterator[ChatEvent]:
        index = min(len(self.requests), len(self.answers) - 1)
        self.requests.append(request)
        try:
            for step in self.answers[index]:
                if isinstance(step, float):
                    await anyio.sleep(step)
                elif isinstance(step, ProviderError):
                    raise step
                else:
                    yield step
        finally:
            self.closed += 1


class ScriptedTools:
    """Answers every tool with `{"done": <name>}`; single tools can be given a behaviour."""

    def __init__(self, **behaviours: Callable[[ToolCall], Awaitable[ToolResult]]) -> None:
        self.behaviours = behaviours
        self.executed: list[tuple[ToolCall, ToolContext]] = []

    @property
    def declarations(self) -> tuple[ToolDeclaration, ...]:
        return (ToolDeclaration("look", "Looks something up.", {"type": "object"}),)

    async def execute(self, call: ToolCall, context: ToolContext) -> ToolResult:
        self.executed.append((call, context))
        behaviour = self.behaviours.get(call.name)
        return await behaviour(call) if behaviour else result_of(call)


def result_of(call: ToolCall, effect: ToolEffect = ToolEffect.NONE) -> ToolResult:
    """A success."""
    return ToolResult(call.id, call.name, ok=True, content={"done": call.name}, effect=effect)


def assert_valid_history(messages: Sequence[Message]) -> None:
    """Every tool call is followed at once by exactly one result, in order; no others exist."""
    waiting: list[str] = []
    seen: set[str] = set()
    for message in messages:
        if message.role is Role.TOOL:
            assert waiting, "a result without a call"
            assert message.call_id == waiting.pop(0)
            continue
        assert not waiting, "a call without a result"
        waiting = [call.id for call in message.tool_calls]
        assert not seen & set(waiting), "an id used twice"
        assert len(set(waiting)) == len(waiting)
        seen |= set(waiting)
    assert not waiting
