"""The built-in dialogue behind the port that every language model has."""

import re
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime
from itertools import takewhile
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, Field, field_validator

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
)
from voice_agent.core.clock import LoopClock
from voice_agent.engines.llm.builtin.decide import decide
from voice_agent.engines.llm.builtin.decisions import CallTool, Decision, Say
from voice_agent.engines.llm.builtin.wording import load_wording
from voice_agent.engines.registry import Kind, Provider

_WORDINGS: Final = 4
"""Wordings of a sentence that are tried to go on from a text that another model began."""
_WORDS_A_DELTA: Final = 3
_WORD: Final = re.compile(r"\S+\s*")


class BuiltinDialogue:
    """Answers by intents, slots and templates; says so when it does not know."""

    def __init__(self, now: Callable[[], datetime], language: str = "en") -> None:
        """`now` gives the aware local time of the business."""
        self._now = now
        self._language = language
        decide(
            (Message(Role.USER, "hello"),), (), now(), language
        )  # reads all tables before a call

    async def stream(self, request: ChatRequest) -> AsyncIterator[ChatEvent]:
        """One decision as events; never waits, never raises."""
        tools = request.tools if request.tool_choice is ToolChoice.AUTO else ()
        for event in self._events(request, tools_allowed=bool(tools)):
            yield event

    def _decide(self, request: ChatRequest) -> Decision:
        """The decision, in words that go on from what was said of this answer already."""

        def worded(wording: int) -> Decision:
            return decide(
                request.messages, request.tools, self._now(), self._language, wording=wording
            )

        first = worded(0)
        if not request.said or not isinstance(first, Say):
            return first
        others = [other for other in map(worded, range(1, _WORDINGS)) if isinstance(other, Say)]
        return max((first, *others), key=lambda say: _words_in_common(request.said, say.text))

    def _events(self, request: ChatRequest, *, tools_allowed: bool) -> Iterator[ChatEvent]:
        decision = self._decide(request)
        if isinstance(decision, CallTool) and not tools_allowed:
            decision = Say(load_wording(self._language).say("not_now", 0))
        if isinstance(decision, CallTool):
            yield ToolCall(_call_id(request.messages), decision.name, decision.arguments)
            reason = FinishReason.TOOL_CALLS
        else:
            yield from (TextDelta(piece) for piece in pieces(decision.text))
            reason = FinishReason.STOP
        yield Finished(reason)


def _words_in_common(said: str, text: str) -> int:
    """How many words two texts begin with alike."""
    pairs = zip(said.split(), text.split(), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def pieces(text: str) -> Iterator[str]:
    """A few words at a time; joined they are the text."""
    words = _WORD.findall(text)
    for at in range(0, len(words), _WORDS_A_DELTA):
        yield "".join(words[at : at + _WORDS_A_DELTA])


def _call_id(messages: tuple[Message, ...]) -> str:
    """Unique in its call: no earlier one has as many messages and calls before it."""
    taken = {call.id for message in messages for call in message.tool_calls}
    taken |= {message.call_id for message in messages if message.role is Role.TOOL}
    number = len(messages)
    while f"builtin-{number}" in taken:
        number += 1
    return f"builtin-{number}"


class Options(BaseModel):
    """Settings of the built-in dialogue."""

    language: str = Field("en", description="Language of its sentences.")
    timezone: str = Field("UTC", description="Time zone that 'tomorrow at three' is meant in.")

    @field_validator("timezone")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"there is no time zone {value!r}") from error
        return value


def _build(options: Options) -> BuiltinDialogue:
    zone, clock = ZoneInfo(options.timezone), LoopClock()
    return BuiltinDialogue(lambda: clock.wall().astimezone(zone), options.language)


PROVIDER = Provider(
    name="builtin",
    kind=Kind.LLM,
    options=Options,
    build=_build,
    summary="Dialogue by intents and templates: no key, no network, never guesses.",
)
