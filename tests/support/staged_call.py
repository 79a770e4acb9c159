"""A whole call on a virtual clock: scripted engines here, a tone-making caller there."""

from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC
from typing import Any

import anyio

from voice_agent.core.call import Call, Channel, Direction, Disposition
from voice_agent.core.chat import (
    Finished,
    FinishReason,
    JsonObject,
    ToolCall,
    ToolContext,
    ToolDeclaration,
    ToolEffect,
    ToolResult,
)
from voice_agent.core.clock import LoopClock
from voice_agent.core.errors import ProviderUnavailable
from voice_agent.core.events import AgentSaid, CallerSaid, CallEvent, CallEventPayload
from voice_agent.core.memory import CallMemory
from voice_agent.core.ports import RealtimeModel, RecognizerInput
from voice_agent.core.speech import (
    RecognitionEvent,
    RecognitionFailed,
    RecognitionRequest,
    SpeechStopped,
    Transcript,
    TurnEndExpected,
)
from voice_agent.engines.llm.scripted import ScriptedModel, Step
from voice_agent.engines.resilience.candidates import Candidate, Candidates
from voice_agent.engines.resilience.recognizer import FailoverRecognizer
from voice_agent.engines.tts.scripted import ScriptedSpeechOptions, ScriptedSynthesizer
from voice_agent.engines.vad.energy import EnergyDetector
from voice_agent.pipeline.engines import Engines
from voice_agent.pipeline.journal import Reader
from voice_agent.pipeline.phrases import load_phrases
from voice_agent.pipeline.session import CallSession, SessionSettings
from voice_agent.pipeline.turns import TurnPolicy
from voice_agent.simulation.virtual_time import run_virtual
from voice_agent.transports.simulated import SimulatedLine


class ListedTexts:
    """A recogniser that hears the listed texts, one for each stretch of speech."""

    def __init__(
        self, texts: Sequence[str | None], delay: float = 0.1, *, eager: bool = False
    ) -> None:
        self.texts = list(texts)
        self.delay = delay
        self.eager = eager
        self.inputs: list[RecognizerInput] = []
        self.opened = 0

    @asynccontextmanager
    async def open(
        self, _request: RecognitionRequest, emit: Callable[[RecognitionEvent], None]
    ) -> AsyncIterator["ListedTexts"]:
        self._emit = emit
        self.opened += 1
        async with anyio.create_task_group() as self._tasks:
            yield self
            self._tasks.cancel_scope.cancel()

    def send(self, item: RecognizerInput) -> None:
        self.inputs.append(item)
        if isinstance(item, SpeechStopped):
            self._tasks.start_soon(self._answer)

    async def _answer(self) -> None:
        text = self.texts.pop(0) if self.texts else ""
        if self.eager and text:
            self._emit(TurnEndExpected(text))
        await anyio.sleep(self.delay)
        if text is None:
            self._emit(RecognitionFailed(ProviderUnavailable("died", provider="listed")))
        else:
            self._emit(Transcript(text, final=True, completeness=1.0))


@dataclass
class ListedTools:
    """Tools with fixed results, each taking so many seconds."""

    results: dict[str, tuple[float, JsonObject, ToolEffect]] = field(default_factory=dict)
    calls: list[ToolCall] = field(default_factory=list)

    @property
    def declarations(self) -> tuple[ToolDeclaration, ...]:
        return tuple(ToolDeclaration(name, name, {"type": "object"}) for name in self.results)

    async def execute(self, call: ToolCall, _context: ToolContext) -> ToolResult:
        self.calls.append(call)
        seconds, content, effect = self.results[call.name]
        await anyio.sleep(seconds)
        return ToolResult(call.id, call.name, ok=True, content=content, effect=effect)


def asks(name: str, **arguments: object) -> list[Step]:
    """A model's step that calls a tool."""
    return [ToolCall(f"{name}-1", name, arguments), Finished(FinishReason.TOOL_CALLS)]


@dataclass
class Stage:
    """A call that is being played, and what came of it."""

    line: SimulatedLine
    session: CallSession
    model: ScriptedModel
    tools: ListedTools
    recognizer: ListedTexts
    voice: ScriptedSynthesizer
    events: list[CallEvent] = field(default_factory=list)
    disposition: Disposition | None = None

    def of(self, kind: type[CallEventPayload]) -> list[CallEvent]:
        return [event for event in self.events if isinstance(event.payload, kind)]

    @property
    def said(self) -> list[AgentSaid]:
        return [e.payload for e in self.events if isinstance(e.payload, AgentSaid)]

    @property
    def caller_said(self) -> list[str]:
        return [e.payload.text for e in self.events if isinstance(e.payload, CallerSaid)]

    async def until_quiet(self) -> None:
        """Wait until the agent has spoken and is silent again."""
        await self.until_sounding()
        while self.line.sounding:  # noqa: ASYNC110 - what the caller's ear does
            await anyio.sleep(0.01)
        await anyio.sleep(0.3)

    async def until_sounding(self, seconds: float = 0.0) -> None:
        """Wait until the agent sounds, and a little longer."""
        while not self.line.sounding:  # noqa: ASYNC110 - what the caller's ear does
            await anyio.sleep(0.01)
        await anyio.sleep(seconds)


@dataclass
class Play:
    """What the engines of a staged call do."""

    hears: Sequence[str | None] = ()
    answers: Sequence[Sequence[Step]] = ()
    tools: ListedTools = field(default_factory=ListedTools)
    policy: TurnPolicy = field(default_factory=TurnPolicy)
    voice: ScriptedSpeechOptions = field(default_factory=ScriptedSpeechOptions)
    hearing_delay: float = 0.1
    eager: bool = False
    realtime: RealtimeModel | None = None
    memory: AbstractAsyncContextManager[CallMemory] | None = None
    caller: str = ""


def stage(play: Play, caller: Callable[[Stage], Coroutine[Any, Any, None]]) -> Stage:
    """Play a call to its end on a virtual clock; `caller` is the person at the other end."""
    return run_virtual(_play, play, caller)


async def _play(play: Play, caller: Callable[[Stage], Coroutine[Any, Any, None]]) -> Stage:
    clock = LoopClock()
    line = SimulatedLine(clock)
    model = ScriptedModel(*play.answers)
    recognizer = ListedTexts(play.hears, play.hearing_delay, eager=play.eager)
    voice = ScriptedSynthesizer(play.voice)
    ears = FailoverRecognizer(Candidates("stt", [Candidate("listed", recognizer)], clock))
    engines = Engines(EnergyDetector(), ears, model, voice, play.tools, realtime=play.realtime)
    settings = SessionSettings(load_phrases("en", "the test shop"), play.policy, UTC)
    call = Call("CA1", Channel.PHONE, Direction.INBOUND, clock.wall(), caller=play.caller)
    events: list[CallEvent] = []
    readers: list[Reader] = [events.append]
    async with AsyncExitStack() as stack:
        if play.memory is not None:
            memory = await stack.enter_async_context(play.memory)
            recollection = await memory.begin(call)
            engines = replace(engines, model=recollection.model(model))
            settings = settings.recalling(recollection)
            readers.append(recollection.note)
        session = CallSession(
            call, line, engines=engines, settings=settings, clock=clock, readers=readers
        )
        staged = Stage(line, session, model, play.tools, recognizer, voice, events)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(line.live)
            tasks.start_soon(caller, staged)
            staged.disposition = await session.run()
            tasks.cancel_scope.cancel()
    return staged
