"""A speech-to-speech model that says exactly what it was given: for tests and rehearsals.

It finds the caller's turns by loudness alone, speaks a tone per word and sends it many times
faster than it plays. It can be made to die, or to hang without a word.
"""

from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import anyio
import anyio.abc
import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from voice_agent.core.audio import AudioFrame
from voice_agent.core.chat import ToolCall
from voice_agent.core.errors import ProviderError
from voice_agent.core.realtime import (
    CallerSound,
    CallerSpeechStarted,
    CallerSpeechStopped,
    CallerText,
    CancelResponse,
    ItemSound,
    ItemText,
    RealtimeCommand,
    RealtimeEvent,
    RealtimeFailed,
    RealtimeRequest,
    Respond,
    ResponseEnded,
    ResponseOutcome,
    ResponseStarted,
)
from voice_agent.engines.registry import Kind, Provider
from voice_agent.engines.tts.scripted import tone

Step = str | ToolCall | ProviderError | float
"""A text to say, a tool to ask for, an error to die of, or seconds to wait."""

WORD: Final = 0.25
"""Length of every word (s)."""
SILENCE: Final = 0.3
"""Silence that ends the caller's turn (s)."""
_WORD_WORK: Final = 0.02
_LOUD: Final = 500


class ScriptedRealtimeModel:
    """Plays one list of steps per response, the last one again and again.

    `hears` are the texts of the caller's turns in order (None: it never comes). `requests`,
    `commands` (without sound) and `opened` record what it was asked; `refusal` is raised on
    opening, after `opens_in` seconds.
    """

    def __init__(
        self,
        *answers: Sequence[Step],
        hears: Iterable[str | None] = (),
        hearing_delay: float = 0.2,
        refusal: ProviderError | None = None,
        opens_in: float = 0.0,
    ) -> None:
        """Without answers it says nothing."""
        self.answers = deque(answers or ((),))
        self.hears = deque(hears)
        self.hearing_delay = hearing_delay
        self.refusal = refusal
        self.opens_in = opens_in
        self.requests: list[RealtimeRequest] = []
        self.commands: list[RealtimeCommand] = []
        self.hanging = False
        self.items = 0
        self._session: _Session | None = None

    @asynccontextmanager
    async def open(
        self, request: RealtimeRequest, emit: Callable[[RealtimeEvent], None]
    ) -> AsyncIterator["_Session"]:
        """A session; see the port.

        Raises:
            ProviderError: the script says so.
        """
        self.requests.append(request)
        await anyio.sleep(self.opens_in)
        if self.refusal is not None:
            raise self.refusal
        async with anyio.create_task_group() as tasks:
            self._session = _Session(self, request, emit, tasks)
            try:
                yield self._session
            finally:
                self._session = None
                tasks.cancel_scope.cancel()

    def die(self, error: ProviderError) -> None:
        """The live session ends with this error."""
        if self._session is not None:
            self._session.die(error)

    def next_answer(self) -> Sequence[Step]:
        """What is said now."""
        return self.answers.popleft() if len(self.answers) > 1 else self.answers[0]

    def next_text(self) -> str | None:
        """What is understood now."""
        return self.hears.popleft() if self.hears else None

    def new_item(self, kind: str) -> str:
        """A name that was not used before."""
        self.items += 1
        return f"{kind}-{self.items}"


@dataclass(slots=True)
class _Session:
    """One call's session."""

    model: ScriptedRealtimeModel
    request: RealtimeRequest
    emit: Callable[[RealtimeEvent], None]
    tasks: anyio.abc.TaskGroup
    dead: bool = False
    heard: float = 0.0
    voiced_until: float | None = None
    item: str = ""
    response: str = ""
    waiting: bool = False
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)

    def send(self, command: RealtimeCommand) -> None:
        """Take the next command."""
        if self.dead or self.model.hanging:
            return
        if not isinstance(command, CallerSound):
            self.model.commands.append(command)
        match command:
            case CallerSound():
                self._hear(AudioFrame(command.data, self.request.format))
            case Respond() if self.response:
                self.waiting = True
            case Respond():
                self._respond()
            case CancelResponse():
                self._cancel()
            case _:
                pass

    def die(self, error: ProviderError) -> None:
        """Nothing more comes but this error."""
        if not self.dead:
            self.dead = True
            self.scope.cancel()
            self.emit(RealtimeFailed(error))

    def _hear(self, frame: AudioFrame) -> None:
        start, self.heard = self.heard, self.heard + frame.duration
        if len(frame.data) and int(np.abs(frame.samples().astype(np.int32)).max()) > _LOUD:
            if self.voiced_until is None:
                self._cancel()
                self.item = self.model.new_item("caller")
                self._tell(CallerSpeechStarted(self.item, start))
            self.voiced_until = self.heard
        elif self.voiced_until is not None and self.heard - self.voiced_until >= SILENCE:
            self._tell(CallerSpeechStopped(self.item, self.voiced_until))
            self.voiced_until = None
            self.tasks.start_soon(self._transcribe, self.item)
            self._respond()

    def _cancel(self) -> None:
        if self.response:
            self.scope.cancel()
            self._end(ResponseOutcome.CANCELLED)

    def _respond(self) -> None:
        self.response = self.model.new_item("response")
        self.scope = anyio.CancelScope()
        self._tell(ResponseStarted(self.response))
        self.tasks.start_soon(self._answer, self.response, self.scope)

    async def _transcribe(self, item: str) -> None:
        text = self.model.next_text()
        await anyio.sleep(self.model.hearing_delay)
        if text is not None:
            self._tell(CallerText(item, text))

    async def _answer(self, response: str, scope: anyio.CancelScope) -> None:
        calls: list[ToolCall] = []
        with scope:
            await anyio.sleep(_WORD_WORK)
            for step in self.model.next_answer():
                match step:
                    case str():
                        await self._say(response, step)
                    case ToolCall():
                        calls.append(step)
                    case ProviderError():
                        self.die(step)
                        return
                    case _:
                        await anyio.sleep(step)
            self._end(ResponseOutcome.COMPLETED, tuple(calls))

    async def _say(self, response: str, text: str) -> None:
        item = self.model.new_item("agent")
        audio = self.request.format
        for number, word in enumerate(text.split()):
            await anyio.sleep(_WORD_WORK)
            self._tell(ItemText(response, item, f" {word}" if number else word))
            self._tell(ItemSound(response, item, tone(round(WORD * audio.rate), audio)))

    def _end(self, outcome: ResponseOutcome, calls: tuple[ToolCall, ...] = ()) -> None:
        response, self.response = self.response, ""
        self._tell(ResponseEnded(response, outcome, calls))
        if self.waiting:
            self.waiting = False
            self._respond()

    def _tell(self, event: RealtimeEvent) -> None:
        if not self.dead and not self.model.hanging:
            self.emit(event)


class Options(BaseModel):
    """Settings of the scripted speech-to-speech model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    answers: list[str] = Field(
        default=["This is a scripted answer."], description="One text per turn; the last repeats."
    )
    hears: list[str] = Field(default=[], description="Texts of the caller's turns, in order.")


def _build(options: Options) -> ScriptedRealtimeModel:
    return ScriptedRealtimeModel(*([answer] for answer in options.answers), hears=options.hears)


PROVIDER = Provider(
    name="scripted",
    kind=Kind.REALTIME,
    options=Options,
    build=_build,
    summary="Says given texts in turn; for tests and rehearsals.",
)
