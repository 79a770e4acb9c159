"""One answer in progress: words from the model (or a fixed sentence) made into sound.

The model's text is cut into clauses and spoken clause by clause while it still writes. A reply
is one cancel scope: leaving it closes the model's stream and the synthesiser's.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final

import anyio
import anyio.abc
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from voice_agent.core.chat import (
    Message,
    TextDelta,
    ToolCall,
    ToolContext,
    ToolResult,
)
from voice_agent.core.clock import Clock
from voice_agent.core.errors import ProviderError
from voice_agent.core.ports import LanguageModel, ToolExecutor
from voice_agent.core.speech import Emotion
from voice_agent.core.usage import EngineSwitched, Usage
from voice_agent.pipeline.engine_reports import EngineReport
from voice_agent.pipeline.speaking import SpeechListener, Voice
from voice_agent.pipeline.speech_chunker import Clause, SpeechChunker
from voice_agent.pipeline.timeline import Stamp, TurnTimeline
from voice_agent.pipeline.tool_loop import converse

CLAUSES_AHEAD: Final = 16
"""How many clauses the model may be ahead of the voice."""


PAUSE: Final = None
"""Among the words: more will take a while, so say what there is."""

Words = AsyncGenerator[str | None, None]


@dataclass(slots=True)
class ReplyHooks:
    """What a reply tells the conductor while it runs."""

    tool_started: Callable[[ToolCall], None]
    tool_finished: Callable[[ToolResult], None]
    saying: Callable[[str], None]
    reported: Callable[[EngineReport], None]


@dataclass(slots=True)
class Thinking:
    """Where a reply's words come from when a model is asked."""

    model: LanguageModel
    tools: ToolExecutor
    messages: list[Message]
    context: ToolContext
    system: str


@dataclass(slots=True)
class Reply:
    """Runs reply `turn`; `text` collects what was handed to the voice."""

    turn: int
    voice: Voice
    clock: Clock
    hooks: ReplyHooks
    emotion: Emotion = Emotion.NEUTRAL
    timeline: TurnTimeline = field(default_factory=TurnTimeline)
    text: str = ""
    seconds: float = 0.0
    _broken: ProviderError | None = None
    _tasks: anyio.abc.TaskGroup | None = None
    _worded: anyio.Event = field(default_factory=anyio.Event)

    async def run(self, words: Words) -> None:
        """Speak the words as they come, to the end; what came before a failure is spoken too.

        Raises:
            ProviderError: the model or the synthesiser failed (as the only exception).
        """
        self._broken = None
        self._worded = anyio.Event()
        clauses_in, clauses_out = anyio.create_memory_object_stream[Clause](CLAUSES_AHEAD)
        try:
            async with anyio.create_task_group() as tasks:
                self._tasks = tasks
                tasks.start_soon(self._phrase, words, clauses_in)
                await self._speak(clauses_out)
                self._worded.set()
        except BaseExceptionGroup as group:
            raise _only(group) from None
        finally:
            self._tasks = None
        if self._broken is not None:
            raise self._broken

    def say_aside(self, sentence: str) -> None:
        """Speak a sentence as soon as the voice is free, while the model is still busy."""
        if self._tasks is not None:
            self._tasks.start_soon(self._say_all, sentence + " ")

    def say_at(self, moment: float, sentence: Callable[[], str | None]) -> None:
        """Say aside what `sentence` gives at the moment, unless all is said by then."""
        if self._tasks is not None:
            self._tasks.start_soon(self._say_later, moment, sentence)

    async def _say_later(self, moment: float, sentence: Callable[[], str | None]) -> None:
        with anyio.move_on_after(max(0.0, moment - self.clock.now())):
            await self._worded.wait()
            return
        if text := sentence():
            await self._say_all(text + " ")

    async def _phrase(self, words: Words, clauses: MemoryObjectSendStream[Clause]) -> None:
        chunker, written = SpeechChunker(), ""
        async with clauses, aclosing(words):
            try:
                async for delta in words:
                    if delta is PAUSE:
                        space = " " if written and not written[-1].isspace() else ""
                        ready = [*chunker.push(space), *chunker.finish()]
                    else:
                        self._reach(Stamp.FIRST_TOKEN)
                        written = delta or written
                        ready = chunker.push(delta)
                    for clause in ready:
                        await clauses.send(clause)
            except ProviderError as error:
                self._broken = error
            for clause in chunker.finish():
                await clauses.send(clause)

    async def _speak(self, clauses: MemoryObjectReceiveStream[Clause]) -> None:
        async with clauses:
            async for clause in clauses:
                await self._say(clause)

    async def _say_all(self, sentence: str) -> None:
        chunker = SpeechChunker()
        for clause in (*chunker.push(sentence), *chunker.finish()):
            await self._say(clause)

    async def _say(self, clause: Clause) -> None:
        self._reach(Stamp.FIRST_CLAUSE)
        clause = clause.shown()
        self.text += clause.text
        self.hooks.saying(clause.text)
        listener = SpeechListener(self._sounded, self.hooks.reported)
        self.seconds += await self.voice.say(self.turn, clause, listener, self.emotion)

    def _sounded(self) -> None:
        self._reach(Stamp.FIRST_SOUND)

    def _reach(self, stamp: Stamp) -> None:
        self.timeline.reach(stamp, self.clock.now())


async def fixed(sentence: str) -> Words:
    """A sentence that needs no model."""
    yield sentence


async def thought(thinking: Thinking, hooks: ReplyHooks) -> Words:
    """The model's words; its tools run on the way."""
    stream = converse(
        thinking.model,
        thinking.tools,
        thinking.messages,
        thinking.context,
        thinking.system,
        unseen=hooks.tool_finished,
    )
    async with aclosing(stream):
        async for event in stream:
            match event:
                case TextDelta():
                    yield event.text
                case ToolCall():
                    hooks.tool_started(event)
                    yield PAUSE
                case ToolResult():
                    hooks.tool_finished(event)
                case Usage() | EngineSwitched():
                    hooks.reported(event)
                case _:
                    pass


def _only(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first error of a reply's two tasks: the other one only followed."""
    first: BaseException = group
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first
