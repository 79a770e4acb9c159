"""A recogniser for tests and benchmarks: hears what it was told to hear."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio
import anyio.abc
from pydantic import BaseModel, ConfigDict, Field

from voice_agent.core.ports import RecognizerInput
from voice_agent.core.speech import (
    RecognitionEvent,
    RecognitionRequest,
    SpeechStarted,
    SpeechStopped,
    Transcript,
)
from voice_agent.engines.registry import Kind, Provider


class ScriptedRecognizerOptions(BaseModel):
    """What is heard, and how long that takes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    texts: tuple[str, ...] = Field(
        default=(), description="Final texts, one for each stretch of speech"
    )
    delay: float = Field(
        default=0.0, ge=0, description="Seconds from the end of speech to the text"
    )
    confidence: float = Field(default=1.0, ge=0, le=1, description="Confidence of every text")
    completeness: float | None = Field(default=1.0, ge=0, le=1, description="Of every text")


class ScriptedStream:
    """The script of one call."""

    def __init__(
        self,
        options: ScriptedRecognizerOptions,
        emit: Callable[[RecognitionEvent], None],
        tasks: anyio.abc.TaskGroup,
    ) -> None:
        """`tasks` runs the delays."""
        self._options, self._emit, self._tasks = options, emit, tasks
        self._texts = iter(options.texts)
        self._started = 0.0

    def send(self, item: RecognizerInput) -> None:
        """Take the next input; the end of speech gives the next text, or "" after the last."""
        if isinstance(item, SpeechStarted):
            self._started = item.at
        elif isinstance(item, SpeechStopped):
            options = self._options
            transcript = Transcript(
                next(self._texts, ""),
                final=True,
                start=self._started,
                end=item.at,
                confidence=options.confidence,
                completeness=options.completeness,
            )
            self._tasks.start_soon(self._say, transcript)

    async def _say(self, transcript: Transcript) -> None:
        await anyio.sleep(self._options.delay)
        self._emit(transcript)


class ScriptedRecognizer:
    """Hears the same script in every call."""

    def __init__(self, options: ScriptedRecognizerOptions) -> None:
        """Works on any event loop, also one whose clock jumps."""
        self._options = options

    @asynccontextmanager
    async def open(
        self, request: RecognitionRequest, emit: Callable[[RecognitionEvent], None]
    ) -> AsyncIterator[ScriptedStream]:
        """Start a stream at the script's first text; see the port."""
        del request
        async with anyio.create_task_group() as tasks:
            yield ScriptedStream(self._options, emit, tasks)
            tasks.cancel_scope.cancel()


PROVIDER = Provider(
    name="scripted",
    kind=Kind.STT,
    options=ScriptedRecognizerOptions,
    build=ScriptedRecognizer,
    summary="Hears what a test tells it to hear",
)
