"""The seams: what the voice path needs from the world, one or two methods each.

Engines, transports and stores satisfy these by shape; nothing inherits from them.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from voice_agent.core.audio import AudioFormat, AudioFrame
from voice_agent.core.call import Call
from voice_agent.core.chat import (
    ChatEvent,
    ChatRequest,
    ToolCall,
    ToolContext,
    ToolDeclaration,
    ToolResult,
)
from voice_agent.core.events import CallEvent
from voice_agent.core.realtime import RealtimeCommand, RealtimeEvent, RealtimeRequest
from voice_agent.core.speech import (
    Expectation,
    RecognitionEvent,
    RecognitionRequest,
    SpeechEvent,
    SpeechRequest,
    SpeechStarted,
    SpeechStopped,
    VoiceActivity,
)


class VoiceActivityStream(Protocol):
    """Voice activity of one call."""

    def push(self, frame: AudioFrame) -> None:
        """Take the next sound; never blocks. Results come to the callback, on the loop."""
        ...

    def close(self) -> None:
        """Forget this call."""
        ...


class VoiceActivityDetector(Protocol):
    """Tells speech from everything else."""

    def open(
        self, audio: AudioFormat, emit: Callable[[VoiceActivity], None]
    ) -> VoiceActivityStream:
        """Start a stream; `emit` is called on the event loop for each window, in order."""
        ...


RecognizerInput = AudioFrame | SpeechStarted | SpeechStopped | Expectation
"""Sound, where speech was found in it, and what answer is expected.

`SpeechStopped` asks for the final text of the speech so far; more sound may follow and
makes a new stretch. Recognisers that find the ends themselves may ignore both."""


class RecognitionStream(Protocol):
    """Recognition of one call."""

    def send(self, item: RecognizerInput) -> None:
        """Take the next input in order; never blocks."""
        ...


class SpeechRecognizer(Protocol):
    """Turns sound into text."""

    def open(
        self, request: RecognitionRequest, emit: Callable[[RecognitionEvent], None]
    ) -> AbstractAsyncContextManager[RecognitionStream]:
        """Start a stream; `emit` is called on the event loop. Leaving the block ends it."""
        ...


class LanguageModel(Protocol):
    """Decides what to say or do next."""

    def stream(self, request: ChatRequest) -> AsyncIterator[ChatEvent]:
        """Answer as a stream that ends with exactly one `Finished`.

        Raises `ProviderError`; closing the iterator cancels the request.
        """
        ...


class RealtimeStream(Protocol):
    """One call's session with a speech-to-speech model."""

    def send(self, command: RealtimeCommand) -> None:
        """Take the next command in order; never blocks."""
        ...


class RealtimeModel(Protocol):
    """Hears, decides and speaks in one."""

    def open(
        self, request: RealtimeRequest, emit: Callable[[RealtimeEvent], None]
    ) -> AbstractAsyncContextManager[RealtimeStream]:
        """Start a session; `emit` is called on the event loop. Leaving the block ends it.

        Raises `ProviderError` on entering where no session can be had.
        """
        ...


class SpeechSynthesizer(Protocol):
    """Turns a clause into sound."""

    def stream(self, request: SpeechRequest) -> AsyncIterator[SpeechEvent]:
        """Speak one clause in the requested format, words with their times where known.

        Raises `ProviderError`; closing the iterator stops the work.
        """
        ...


@runtime_checkable
class Warmable(Protocol):
    """An engine whose first request is quicker when it was told that one is coming."""

    async def warm(self) -> None:
        """Open connections; never raises, and ends within a second or so."""
        ...


@runtime_checkable
class Probeable(Protocol):
    """An engine that can find out, without being paid for it, whether it would work."""

    async def probe(self) -> None:
        """Ask the provider something free: does it answer, are key, model and voice right?

        Raises:
            ProviderError: it would not work; the message says what to do.
        """
        ...


@dataclass(frozen=True, slots=True)
class AudioReceived:
    """Sound from the caller."""

    frame: AudioFrame


@dataclass(frozen=True, slots=True)
class MarkReached:
    """Everything sent before the mark was played, or dropped by a clear (`heard` false)."""

    name: str
    heard: bool


@dataclass(frozen=True, slots=True)
class KeyReceived:
    """The caller pressed a key."""

    digit: str


@dataclass(frozen=True, slots=True)
class LineClosed:
    """The caller's side is over; `clean` is false when the connection just vanished."""

    clean: bool


TransportEvent = AudioReceived | MarkReached | KeyReceived | LineClosed


@dataclass(frozen=True, slots=True)
class PlayAudio:
    """Queue sound at the caller's end; in the transport's format."""

    data: bytes


@dataclass(frozen=True, slots=True)
class SendMark:
    """Ask to be told when everything queued so far was played."""

    name: str


@dataclass(frozen=True, slots=True)
class ClearAudio:
    """Drop whatever the caller's end has not played yet."""


TransportCommand = PlayAudio | SendMark | ClearAudio


class MediaTransport(Protocol):
    """Two-way sound with one participant."""

    @property
    def format(self) -> AudioFormat:
        """The format of both directions."""
        ...

    def events(self) -> AsyncIterator[TransportEvent]:
        """What comes from the caller; ends after `LineClosed`."""
        ...

    async def send(self, command: TransportCommand) -> None:
        """Carry out one command; after the line closed it does nothing."""
        ...

    def show(self, event: CallEvent) -> None:
        """Let the caller's own screen follow the call, where it has one; never blocks."""
        ...

    async def close(self) -> None:
        """Hang up; safe to repeat."""
        ...


class ToolExecutor(Protocol):
    """Runs business tools under one policy."""

    @property
    def declarations(self) -> tuple[ToolDeclaration, ...]:
        """The tools a model may call."""
        ...

    async def execute(self, call: ToolCall, context: ToolContext) -> ToolResult:
        """Run a tool to its one terminal result; failures are results, not exceptions."""
        ...


class CallLog(Protocol):
    """Keeps what happened, after the fact."""

    def begin(self, call: Call) -> None:
        """Note a new call; never blocks."""
        ...

    def append(self, event: CallEvent) -> None:
        """Note an event; never blocks (a full queue drops and counts)."""
        ...
