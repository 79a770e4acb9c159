"""The ear of a call: sound in, speech boundaries and text out.

Every frame goes to the voice activity detector and to the recogniser; the detector's verdicts,
made discrete by the gate, tell the recogniser where speech begins and ends.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from voice_agent.core.audio import AudioFrame
from voice_agent.core.clock import Clock
from voice_agent.core.errors import ProviderError
from voice_agent.core.ports import (
    RecognitionStream,
    RecognizerInput,
    SpeechRecognizer,
    VoiceActivityDetector,
    VoiceActivityStream,
)
from voice_agent.core.speech import (
    Expectation,
    RecognitionEvent,
    RecognitionFailed,
    RecognitionRequest,
    SpeechStarted,
    SpeechStopped,
    Transcript,
    TurnEndExpected,
    TurnResumed,
    VoiceActivity,
)
from voice_agent.core.usage import EngineSwitched, Usage
from voice_agent.pipeline.audio_clock import AudioClock
from voice_agent.pipeline.turns import CallerStarted, CallerStopped, Event, TextHeard
from voice_agent.pipeline.voice_gate import VoiceGate


class Ear:
    """Listens to one caller; reports to `emit` on the event loop."""

    def __init__(
        self,
        detector: VoiceActivityDetector,
        recognizer: SpeechRecognizer,
        request: RecognitionRequest,
        *,
        gate: VoiceGate,
        clock: Clock,
        emit: Callable[[Event], None],
        trouble: Callable[[ProviderError], None],
        report: Callable[[Usage | EngineSwitched], None] = lambda _report: None,
        expected: Callable[[str | None], None] = lambda _text: None,
    ) -> None:
        """`expected` is told what the caller has probably finished saying, None if they go on."""
        self._detector = detector
        self._recognizer = recognizer
        self._request = request
        self._gate = gate
        self._clock = clock
        self._emit = emit
        self._trouble = trouble
        self._report = report
        self._expected = expected
        self._audio_clock = AudioClock()
        self._stream: RecognitionStream | None = None
        self._activity: VoiceActivityStream | None = None

    def push(self, frame: AudioFrame) -> None:
        """Take the next frame; never blocks."""
        self._audio_clock.frame_arrived(frame.end, self._clock.now())
        self._send(frame)
        if self._activity is not None:
            self._activity.push(frame)

    def catch_up(self, frames: Sequence[AudioFrame]) -> None:
        """Take frames that came before the ear was open, all at once, the newest just now."""
        if frames:
            self._audio_clock.frame_arrived(frames[-1].end, self._clock.now())
        for frame in frames:
            self._send(frame)
        # As one frame: a detector drops what is too much for it, frame by frame.
        if frames and self._activity is not None:
            whole = b"".join(frame.data for frame in frames)
            self._activity.push(AudioFrame(whole, frames[0].format, frames[0].start))

    def expect(self, answer: Expectation) -> None:
        """Tell the recogniser what kind of answer was asked for."""
        self._send(answer)

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Ear"]:
        """Listen inside the block."""
        async with self._recognizer.open(self._request, self._on_recognition) as stream:
            self._stream = stream
            activity = self._activity = self._detector.open(self._request.format, self._on_activity)
            try:
                yield self
            finally:
                self._stream = self._activity = None
                activity.close()

    def _send(self, item: RecognizerInput) -> None:
        if self._stream is not None:
            self._stream.send(item)

    def _on_activity(self, activity: VoiceActivity) -> None:
        match self._gate.process(activity):
            case SpeechStarted() as started:
                self._send(started)
                self._emit(CallerStarted())
            case SpeechStopped() as stopped:
                self._send(stopped)
                self._emit(CallerStopped(self._audio_clock.moment(stopped.at)))
            case None:
                pass

    def _on_recognition(self, event: RecognitionEvent) -> None:
        match event:
            case Transcript():
                self._emit(self._text(event))
            case RecognitionFailed():
                self._trouble(event.error)
            case Usage() | EngineSwitched():
                self._report(event)
            case TurnEndExpected():
                self._expected(event.text)
            case TurnResumed():
                self._expected(None)

    def _text(self, heard: Transcript) -> TextHeard:
        voiced = heard.words[-1].end if heard.words else heard.end
        moment = self._audio_clock.moment(voiced) if heard.ends_turn else None
        return TextHeard(
            heard.text,
            heard.final,
            heard.confidence,
            heard.completeness,
            ends_turn=heard.ends_turn,
            voiced_until=moment,
        )
