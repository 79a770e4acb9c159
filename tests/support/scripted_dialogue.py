"""Tools that do exactly what a test tells them, and what a valid history is."""

from collections.abc import Awaitable, Callable, Sequence

from voice_agent.core.chat import (
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
from voice_agent.engines.llm.scripted import Step


def asks(*calls: ToolCall, text: str = "") -> list[Step]:
    """An answer that wants tools, with something said before them."""
    said: list[Step] = [TextDelta(text)] if text else []
    return [*said, *calls, Finished(FinishReason.TOOL_CALLS)]


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
