"""What both of Deepgram's protocols share: no sockets, no clock, only what follows from what.

The shell puts everything `Outgoing` into one queue, and says when an item is written; all
other outputs are for the call or for the log. `at` is the shell's monotonic time (s).
"""

from abc import ABC, abstractmethod
from collections import deque
from dataclasses import dataclass
from typing import Final

from voice_agent.core.audio import AudioFrame
from voice_agent.core.errors import ProviderError, ProviderGarbage, ProviderUnavailable
from voice_agent.core.ports import RecognizerInput
from voice_agent.core.speech import (
    RecognitionFailed,
    SpeechStarted,
    SpeechStopped,
    Transcript,
    TurnEndExpected,
    TurnResumed,
)
from voice_agent.engines.stt.deepgram.messages import Fields, Malformed, read, text
from voice_agent.engines.stt.deepgram.provider_clock import ProviderClock

PROVIDER_NAME: Final = "deepgram"
CLOSE_STREAM: Final = '{"type":"CloseStream"}'
"""Says goodbye in both protocols."""
MOST_GARBAGE: Final = 3
"""Malformed messages a stream may hold."""
SILENT_FOR: Final = 3.0
"""A server that says nothing for so long (s), while it is given sound, has died."""
SAME_TIME: Final = 0.05
"""Times that differ by less than this (s) are the same."""


@dataclass(frozen=True, slots=True)
class Padding:
    """Silence of our own making; `seconds` long."""

    data: bytes
    seconds: float


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in the queue; nothing is sent for it."""


@dataclass(frozen=True, slots=True)
class Note:
    """Something for the log; holds none of the caller's words."""

    event: str
    detail: str


Outgoing = AudioFrame | Padding | Mark | str
"""For the socket's queue: sound, a place in it, or a text message."""
Told = Transcript | TurnEndExpected | TurnResumed | RecognitionFailed
Output = Outgoing | Told | Note


@dataclass(eq=False, slots=True)
class Stop:
    """A `SpeechStopped` that has no final text yet; times on the caller's clock.

    `started` is None where nothing had begun. `deadline` and `position` (in Deepgram's seconds)
    are known once everything said before it is written. `patient`: it got a second wait.
    """

    voiced_until: float
    started: float | None
    deadline: float | None = None
    position: float = 0.0
    patient: bool = False


class SpeechProtocol(ABC):
    """One stream's conversation with Deepgram."""

    covers_within: float
    """How far before the end of speech the last result may end and still have all of it (s)."""
    text_within: float
    """How long the caller's last words may take after the question for them was written (s)."""

    def __init__(self, at: float) -> None:
        self.clock = ProviderClock()
        self._stops: deque[Stop] = deque()
        self._asking: deque[Stop] = deque()
        self._started: float | None = None
        self._fresh_audio = False
        self._processed = 0.0
        self._settled = 0.0
        self._garbage = 0
        self._dead = False
        self._unanswered = 0.0
        self._answered_at = self._sound_at = at
        self._shown = ""

    # ── from the call ───────────────────────────────────────────────────────────────────

    def hear(self, item: RecognizerInput, at: float) -> list[Output]:
        """Take the call's next input."""
        if self._dead:
            return []
        match item:
            case AudioFrame():
                return self._audio(item)
            case SpeechStarted():
                if not self._watched():
                    self._unanswered, self._answered_at = 0.0, at
                self._started = item.at
            case SpeechStopped():
                return self._speech_stopped(item.at)
        return []

    def _audio(self, frame: AudioFrame) -> list[Output]:
        if not frame.data:
            return []
        self._fresh_audio = True
        return [frame]

    def _speech_stopped(self, voiced_until: float) -> list[Output]:
        stop = Stop(voiced_until, self._started)
        settled = self._settled > 0 and self._reaches(self._settled, voiced_until)
        nothing_new = settled or not self._fresh_audio
        self._started, self._fresh_audio = None, False
        if nothing_new and not self._stops and not self._open_text():
            return [self._no_text(stop)]
        self._stops.append(stop)
        self._asking.append(stop)
        return [self._ask_for_text()]

    # ── from the shell ──────────────────────────────────────────────────────────────────

    def written(self, item: Outgoing, at: float) -> list[Output]:
        """An item of the queue is being written."""
        if self._dead:
            return []
        match item:
            case AudioFrame():
                self.clock.sent(item)
                return self._sound_written(item.duration, at)
            case Padding():
                self.clock.padded(item.seconds)
                return self._sound_written(item.seconds, at)
        if item == self._ask_for_text() and self._asking:
            self._asked(self._asking.popleft(), at)
        return []

    def receive(self, message: str | bytes, at: float) -> list[Output]:
        """Take a message of the server's."""
        if self._dead:
            return []
        try:
            fields = read(message)
            out = self._understand(text(fields, "type"), fields)
        except Malformed as why:
            return self._count_garbage(str(why))
        self._unanswered, self._answered_at = 0.0, at
        return out

    def tick(self, at: float) -> list[Output]:
        """Time has passed; due when `deadline` has come."""
        if self._dead:
            return []
        out = self._idle(at)
        while self._stops and self._stops[0].deadline is not None and self._stops[0].deadline <= at:
            out += self._text_is_late(self._stops[0], at)
        return out

    @property
    def deadline(self) -> float:
        """When `tick` is due; infinite where nothing is."""
        if self._dead:
            return float("inf")
        first = self._stops[0].deadline if self._stops else None
        idle = self._idle_deadline()
        return idle if first is None else min(first, idle)

    # ── what the protocols differ in ────────────────────────────────────────────────────

    @abstractmethod
    def _understand(self, kind: str, fields: Fields) -> list[Output]:
        """Act on a message; raises `Malformed` before anything is changed."""

    @abstractmethod
    def _ask_for_text(self) -> Mark | str:
        """What is queued when the caller stopped."""

    @abstractmethod
    def _open_text(self) -> bool:
        """Whether there is text that was not delivered."""

    @abstractmethod
    def _deliver_all(self, stop: Stop) -> list[Output]:
        """Deliver all text there is, perhaps none, for a stop whose wait is over."""

    @abstractmethod
    def _idle(self, at: float) -> list[Output]:
        """What keeps the connection alive."""

    @abstractmethod
    def _idle_deadline(self) -> float:
        """When that is due."""

    def _watched(self) -> bool:
        """Whether the server ought to be saying something."""
        return True

    def _text_is_late(self, stop: Stop, at: float) -> list[Output]:
        """The wait for a stop's text is over: deliver what covers the speech, else give up.

        Text with a hole is never delivered: another recogniser can still hear the whole. A
        server that has begun to answer, and is still talking, gets the same time again.
        """
        if self._covers(stop) or (stop.started is None and not self._open_text()):
            return self._deliver_all(stop)
        begun = stop.started is not None and self.clock.end(self._processed) > stop.started
        talking = stop.deadline is not None and self._answered_at > stop.deadline - self.text_within
        if begun and talking and not stop.patient:
            stop.patient, stop.deadline = True, at + self.text_within
            return []
        return self._fail("no text came for what the caller said")

    # ── shared steps ────────────────────────────────────────────────────────────────────

    def _covers(self, stop: Stop) -> bool:
        return self._reaches(self._processed, stop.voiced_until, self.covers_within)

    def _reaches(self, received: float, moment: float, slack: float = SAME_TIME) -> bool:
        return self.clock.end(received) >= moment - slack

    def _asked(self, stop: Stop, at: float) -> None:
        """The question for a stop's text is being written; it may be answered already."""
        stop.deadline = at + self.text_within
        stop.position = self.clock.position

    def _sound_written(self, seconds: float, at: float) -> list[Output]:
        self._sound_at = at
        self._unanswered += seconds
        silent = at - self._answered_at
        if self._watched() and self._unanswered >= SILENT_FOR and silent >= SILENT_FOR:
            return self._fail("the server fell silent")
        return []

    def _no_text(self, stop: Stop) -> Transcript:
        at = max(stop.voiced_until, 0.0)
        return Transcript("", final=True, start=at, end=at)

    def _count_garbage(self, why: str) -> list[Output]:
        self._garbage += 1
        note = Note("garbage", why)
        if self._garbage <= MOST_GARBAGE:
            return [note]
        error = ProviderGarbage("too many malformed messages", provider=PROVIDER_NAME)
        return [note, *self._give_up(error)]

    def _fail(self, why: str) -> list[Output]:
        return self._give_up(ProviderUnavailable(why, provider=PROVIDER_NAME))

    def _give_up(self, error: ProviderError) -> list[Output]:
        self._dead = True
        self._stops.clear()
        return [RecognitionFailed(error)]
