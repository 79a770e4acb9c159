"""A line without a network: both ends in one process, on any clock.

The caller's end plays what it is sent in real time of the injected clock, keeps what was
really played, returns marks when they are reached and drops what a clear finds unplayed; it
sends a frame every 20 ms, a tone while the caller speaks and silence otherwise.
"""

from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

import anyio
import numpy as np

from voice_agent.core.audio import PHONE, AudioFormat, AudioFrame, Encoding, encode
from voice_agent.core.clock import Clock
from voice_agent.core.events import CallEvent
from voice_agent.core.mailbox import Mailbox
from voice_agent.core.ports import (
    AudioReceived,
    ClearAudio,
    KeyReceived,
    LineClosed,
    MarkReached,
    PlayAudio,
    SendMark,
    TransportCommand,
    TransportEvent,
)

FRAME: Final = 0.02
"""Length of the caller's frames (s)."""
TONE_HZ: Final = 440.0
LOUDNESS: Final = 8000


@dataclass(slots=True)
class _Pending:
    """Sound or a mark that the caller's end has not come to."""

    data: bytes = b""
    mark: str = ""


@dataclass(slots=True)
class Heard:
    """A run of sound as the caller heard it, seconds on the clock."""

    start: float
    end: float


class SimulatedLine:
    """A `MediaTransport` whose far end is here too; run `live()` beside the call."""

    def __init__(self, clock: Clock, audio: AudioFormat = PHONE) -> None:
        self.format = audio
        self.heard: list[Heard] = []
        self.shown: list[CallEvent] = []
        self.closed = False
        self._clock = clock
        self._events: Mailbox[TransportEvent] = Mailbox(4096)
        self._pending: deque[_Pending] = deque()
        self._speaking = False
        self._silence = audio.silence(FRAME)
        self._tone = _tone(audio)

    # ── the agent's side: a MediaTransport ──────────────────────────────────────────────

    async def events(self) -> AsyncIterator[TransportEvent]:
        """What comes from the caller."""
        while True:
            event = await self._events.get()
            yield event
            if isinstance(event, LineClosed):
                return

    async def send(self, command: TransportCommand) -> None:
        """Queue sound or a mark at the caller's end, or clear it."""
        match command:
            case PlayAudio():
                self._pending.append(_Pending(data=command.data))
            case SendMark():
                self._pending.append(_Pending(mark=command.name))
            case ClearAudio():
                for dropped in self._pending:
                    if dropped.mark:
                        self._events.put(MarkReached(dropped.mark, heard=False))
                self._pending.clear()

    def show(self, event: CallEvent) -> None:
        """Keep the call's events for whoever looks."""
        self.shown.append(event)

    async def close(self) -> None:
        """The agent hangs up."""
        self.closed = True

    # ── the caller's side ───────────────────────────────────────────────────────────────

    async def live(self) -> None:
        """Send and play a frame every 20 ms until the line is closed."""
        start = self._clock.now()
        for count in range(1, 10**9):
            if self.closed:
                return
            await self._clock.sleep_until(start + count * FRAME)
            self._play(self._clock.now())
            data = self._tone if self._speaking else self._silence
            self._events.put(AudioReceived(AudioFrame(data, self.format, (count - 1) * FRAME)))

    async def speak(self, seconds: float) -> None:
        """The caller makes speech-like sound for so long."""
        self._speaking = True
        await anyio.sleep(seconds)
        self._speaking = False

    def press(self, digit: str) -> None:
        """The caller presses a key."""
        self._events.put(KeyReceived(digit))

    def hang_up(self, *, clean: bool = True) -> None:
        """The caller leaves, or the connection is lost."""
        self._events.put(LineClosed(clean))

    @property
    def sounding(self) -> bool:
        """Whether the caller hears the agent now."""
        now = self._clock.now()
        return bool(self.heard) and self.heard[-1].end > now - 1.5 * FRAME

    def _play(self, now: float) -> None:
        """One frame's worth of what is queued sounds from `now - FRAME` to `now`."""
        room = self.format.byte_count(FRAME)
        played = 0
        while self._pending and (self._pending[0].mark or played < room):
            head = self._pending[0]
            if head.mark:
                self._events.put(MarkReached(head.mark, heard=True))
                self._pending.popleft()
                continue
            take = min(room - played, len(head.data))
            head.data = head.data[take:]
            played += take
            if not head.data:
                self._pending.popleft()
        if played:
            self._note(now - FRAME, now - FRAME + played / self.format.bytes_per_second)

    def _note(self, start: float, end: float) -> None:
        if self.heard and start - self.heard[-1].end < FRAME / 2:
            self.heard[-1].end = end
        else:
            self.heard.append(Heard(start, end))


def _tone(audio: AudioFormat) -> bytes:
    count = round(audio.rate * FRAME)
    phase = 2 * np.pi * TONE_HZ * np.arange(count) / audio.rate
    samples = (LOUDNESS * np.sin(phase)).astype(np.int16)
    return encode(samples, Encoding(audio.encoding))
