"""One call's memory: long histories are summed up behind the conversation's back.

    messages   ▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓│░░░░░░░░░░░░
               older turns          │ newest turns
    the model sees      one note    │░░░░░░░░░░░░

The history itself stays whole; only what a model is shown gets shorter. A summary begins and
ends between turns, so that a tool's call and its result are never parted, and covers only turns
that are over, so that it holds what was heard and nothing else.
"""

from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from voice_agent.core.chat import ChatEvent, ChatRequest, Finished, Message, Role
from voice_agent.core.ports import LanguageModel
from voice_agent.core.usage import EngineSwitched, Usage
from voice_agent.memory.summariser import Summariser

FEWEST_TURNS: Final = 4
"""A conversation is never cut shorter than half of this."""

Spawn = Callable[[Callable[[], Coroutine[Any, Any, None]]], object]
"""Runs something in the background, in a task group that outlives the call."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What was said in `covered`, the oldest messages of a conversation, and in those before."""

    text: str
    covered: tuple[Message, ...]


def visible(
    messages: Sequence[Message], summary: Summary | None, intro: str = ""
) -> tuple[Message, ...]:
    """What a model is shown: a note in place of the messages that are summed up.

    The oldest messages may have been dropped meanwhile. A summary that does not fit between
    two turns of this history changes nothing.
    """
    if summary is None:
        return tuple(messages)
    rest = tuple(messages[_still_there(messages, summary.covered) :])
    if not rest or rest[0].role is not Role.USER:
        return tuple(messages)
    note = f"{intro}\n<earlier_in_this_call>\n{summary.text}\n</earlier_in_this_call>".strip()
    return (Message(Role.SYSTEM, note), *rest)


def _still_there(messages: Sequence[Message], covered: tuple[Message, ...]) -> int:
    """How many of the newest covered messages the history still begins with."""
    for dropped in range(len(covered)):
        left = covered[dropped:]
        if tuple(messages[: len(left)]) == left:
            return len(left)
    return 0


def older_part(messages: Sequence[Message], max_turns: int) -> int:
    """How many messages to sum up: with more than `max_turns` turns all but the newest half."""
    starts = [i for i, message in enumerate(messages) if message.role is Role.USER]
    most = max(max_turns, FEWEST_TURNS)
    return starts[-(most // 2)] if len(starts) > most else 0


class ConversationMemory:
    """The memory of one call."""

    def __init__(
        self, summariser: Summariser, spawn: Spawn, *, max_turns: int, intro: str = ""
    ) -> None:
        """`max_turns` of the caller are shown whole; `intro` stands before a summary."""
        self._summariser = summariser
        self._spawn = spawn
        self._max_turns = max_turns
        self._intro = intro
        self._busy = False
        self._used: list[Usage | EngineSwitched] = []
        self.summary: Summary | None = None

    def visible(self, messages: Sequence[Message]) -> tuple[Message, ...]:
        """What a model is shown of these messages now."""
        return visible(messages, self.summary, self._intro)

    def consider(self, messages: Sequence[Message]) -> None:
        """Begin to sum up, in the background, if the conversation got long; never blocks."""
        if self._busy:
            return
        known = _still_there(messages, self.summary.covered) if self.summary else 0
        count = older_part(messages[known:], self._max_turns)
        if count:
            self._busy = True
            covered = tuple(messages[: known + count])
            self._spawn(lambda: self._sum_up(covered, known))

    async def _sum_up(self, covered: tuple[Message, ...], known: int) -> None:
        try:
            before = self.summary.text if self.summary else ""
            made = await self._summariser.summarise(before, covered[known:])
            self._used += made.used
            self.summary = Summary(made.text, covered)
        finally:
            self._busy = False

    def spent(self) -> list[Usage | EngineSwitched]:
        """The model's paid work on summaries since this was asked last."""
        used, self._used = self._used, []
        return used


class SummarisedModel:
    """A language model that is shown what the memory makes visible."""

    def __init__(self, model: LanguageModel, memory: ConversationMemory) -> None:
        """One for each call."""
        self._model = model
        self._memory = memory

    async def stream(self, request: ChatRequest) -> AsyncIterator[ChatEvent]:
        """One answer; see the port. What summaries cost is reported with it.

        Raises:
            ProviderError: the model failed.
        """
        self._memory.consider(request.messages)
        shown = replace(request, messages=self._memory.visible(request.messages))
        events = self._model.stream(shown)
        try:
            async for event in events:
                if isinstance(event, Finished):
                    for used in self._memory.spent():
                        yield used
                yield event
        finally:
            close = getattr(events, "aclose", None)
            if close is not None:
                await close()
