"""A phone between its wire and its caller, as a pure machine that is ticked every 20 ms.

Each tick takes one frame from the caller and plays one frame of the agent, so both recorded
tracks have the same length and sample n of one sounded together with sample n of the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from voice_agent.core.audio import AudioFormat, Samples, decode
from voice_agent.core.errors import ConfigurationError
from voice_agent.core.ports import ClearAudio, PlayAudio, SendMark, TransportCommand
from voice_agent.simulation.phone_line import FRAME_SECONDS, PlayoutBuffer
from voice_agent.simulation.voicing import LoudnessGate

Message = str | bytes


class Line(Protocol):
    """One wire protocol as the phone speaks it."""

    @property
    def format(self) -> AudioFormat:
        """The format of both directions."""
        ...

    @property
    def echoes_cleared_marks(self) -> bool:
        """Whether a clear returns the marks that waited."""
        ...

    def audio(self, frame: bytes, at: float) -> Message:
        """The caller's sound, `at` seconds since the line opened."""
        ...

    def mark(self, name: str) -> Message:
        """A mark was reached."""
        ...

    def key(self, digit: str) -> Message:
        """A key was pressed."""
        ...

    def receive(self, message: Message) -> TransportCommand | None:
        """Read one message of the agent."""
        ...


@dataclass(frozen=True, slots=True)
class Heard:
    """What the caller perceives of the agent in this tick.

    `now` is seconds since the line opened; `voiced` is false for silence; `coming` tells that
    sound is still waiting to be played.
    """

    now: float
    frame: bytes
    voiced: bool
    coming: bool


@dataclass(frozen=True, slots=True)
class Act:
    """What the caller does in this tick; no frame is silence."""

    frame: bytes | None = None
    keys: str = ""
    hang_up: bool = False


SILENT = Act()


class Caller(Protocol):
    """Whoever holds the phone."""

    def act(self, heard: Heard) -> Act:
        """Answer 20 ms of hearing with 20 ms of doing."""
        ...


@dataclass(slots=True)
class Recording:
    """Both tracks and what the phone knows of the agent's sound; positions in samples."""

    format: AudioFormat
    caller: list[bytes] = field(default_factory=list)
    agent: list[bytes] = field(default_factory=list)
    played: list[tuple[int, int]] = field(default_factory=list)
    cleared: list[int] = field(default_factory=list)
    marks: list[tuple[str, int]] = field(default_factory=list)

    @property
    def caller_samples(self) -> Samples:
        """The caller's track."""
        return decode(b"".join(self.caller), self.format.encoding)

    @property
    def agent_samples(self) -> Samples:
        """The agent's track as it was played."""
        return decode(b"".join(self.agent), self.format.encoding)

    def note_played(self, start: int, end: int) -> None:
        """Sound of the agent (not the phone's own filling) lay at these samples."""
        if self.played and self.played[-1][1] == start:
            self.played[-1] = (self.played[-1][0], end)
        elif end > start:
            self.played.append((start, end))


@dataclass(frozen=True, slots=True)
class Tick:
    """The caller's 20 ms, to be sent when they are over; `at` is seconds on the line."""

    frame: bytes
    at: float
    keys: str
    hang_up: bool


class Handset:
    """Caller on one side, line on the other, playout buffer and recorder between.

    `connect` gives it a line; the recording goes on when a call changes its line.
    """

    def __init__(self, caller: Caller, audio: AudioFormat) -> None:
        self._caller = caller
        self._audio = audio
        self._silence = audio.silence(FRAME_SECONDS)
        self._per_frame = len(self._silence) // audio.bytes_per_sample
        self._gate = LoudnessGate(audio)
        self._buffer = PlayoutBuffer(audio)
        self._ticks = 0
        self._opened = 0
        self._agent_voiced = False
        self._reached: list[str] = []
        self.recording = Recording(audio)

    def connect(self, line: Line) -> None:
        """Use this line from now on; what the last one left unplayed is lost."""
        if line.format != self._audio:
            raise ConfigurationError(f"a {self._audio} phone cannot use a {line.format} line")
        self._line = line
        self._buffer = PlayoutBuffer(self._audio)
        self._reached = []
        self._opened = self._ticks

    @property
    def now(self) -> float:
        """Seconds of sound since the first line opened."""
        return self._ticks * FRAME_SECONDS

    @property
    def voiced(self) -> tuple[bool, bool]:
        """Whether the caller and the agent were loud in the last tick."""
        spoken = self.recording.caller[-1:]
        return bool(spoken) and self._gate.voiced(spoken[0]), self._agent_voiced

    def receive(self, message: Message) -> list[Message]:
        """Take one message of the agent; returns what has to be answered at once."""
        command = self._line.receive(message)
        match command:
            case PlayAudio(data):
                self._buffer.put(data)
                return []
            case SendMark(name):
                return self._mark(name)
            case ClearAudio():
                return self._clear()
            case None:
                return []

    def tick(self) -> Tick:
        """Play and speak the next 20 ms."""
        at = self._ticks * self._per_frame
        played = self._buffer.pop(len(self._silence))
        present = (len(played.data) - played.missing) // self._audio.bytes_per_sample
        self.recording.note_played(at, at + present)
        self._reach(played.marks, at + present)
        self._agent_voiced = present > 0 and self._gate.voiced(played.data)
        coming = self._buffer.waiting > 0
        act = self._caller.act(Heard(self.now, played.data, self._agent_voiced, coming))
        frame = act.frame or self._silence
        self.recording.caller.append(frame)
        self.recording.agent.append(played.data)
        self._ticks += 1
        return Tick(frame, (self._ticks - 1 - self._opened) * FRAME_SECONDS, act.keys, act.hang_up)

    def messages(self, tick: Tick) -> list[Message]:
        """What is sent when the tick's 20 ms have sounded: marks, keys and the sound."""
        keys = [self._line.key(digit) for digit in tick.keys]
        return [*self._echoes(), *keys, self._line.audio(tick.frame, tick.at)]

    def _clear(self) -> list[Message]:
        self.recording.cleared.append(self._ticks * self._per_frame)
        marks = self._buffer.clear()
        if self._line.echoes_cleared_marks:
            self._reach(marks, self._ticks * self._per_frame)
        return self._echoes()

    def _mark(self, name: str) -> list[Message]:
        marks = self._buffer.mark(name)
        self._reach(marks, self._ticks * self._per_frame)
        return self._echoes() if marks else []

    def _reach(self, names: Sequence[str], position: int) -> None:
        self._reached += names
        self.recording.marks += [(name, position) for name in names]

    def _echoes(self) -> list[Message]:
        """The marks reached so far, always in the order in which they were."""
        names, self._reached = self._reached, []
        return [self._line.mark(name) for name in names]
