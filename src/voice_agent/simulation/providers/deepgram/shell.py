"""The socket around a session: frames in, steps carried out, each no sooner than the provider can.

client ── frames ──► reader ──► session ──► steps ──► outbox ──► sender ──► client
          recogniser ── transcripts ──┘ ▲
                        ticker ─────────┘ silence on the wire
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from starlette.websockets import WebSocketDisconnect

from voice_agent.core.audio import WIDEBAND, AudioFormat
from voice_agent.core.errors import ProviderError
from voice_agent.core.ports import RecognitionStream
from voice_agent.core.speech import RecognitionEvent, RecognitionRequest
from voice_agent.simulation.providers.deepgram.steps import Ask, Hang, Say, Step
from voice_agent.simulation.providers.desk import Desk
from voice_agent.simulation.providers.faulty_socket import FaultySocket, SocketGone

PROVIDER: Final = "deepgram"
TICK: Final = 0.05
"""Seconds between two looks at the clock."""
_OUTBOX: Final = 2000
_ARRIVALS: Final = 4096


class Session(Protocol):
    """What the shell drives."""

    def start(self) -> list[Step]:
        """The connection is open."""
        ...

    def audio(self, data: bytes) -> list[Step]:
        """A binary frame came."""
        ...

    def text(self, text: str) -> list[Step]:
        """A text frame came."""
        ...

    def heard(self, event: RecognitionEvent) -> list[Step]:
        """The recogniser says something."""
        ...

    def waited(self, any_frame: float, audio: float) -> list[Step]:
        """Seconds since the last frame of any kind and since the last audio."""
        ...


@dataclass(slots=True)
class _Arrivals:
    """When which moment of audio came in."""

    bytes_per_second: int
    _taken: int = field(default=0, init=False)
    _known: deque[tuple[float, float]] = field(
        default_factory=lambda: deque(maxlen=_ARRIVALS), init=False
    )

    def note(self, data: bytes, now: float) -> None:
        self._taken += len(data)
        self._known.append((self._taken / self.bytes_per_second, now))

    def of(self, moment: float, now: float) -> float:
        while self._known and self._known[0][0] < moment:
            self._known.popleft()
        return self._known[0][1] if self._known else now


@dataclass(frozen=True, slots=True)
class _Due:
    step: Say | Hang
    at: float


class Shell:
    """One connection that was accepted."""

    def __init__(
        self, desk: Desk, socket: FaultySocket, session: Session, audio: AudioFormat | None
    ) -> None:
        """`audio` None where nothing can be heard."""
        self._desk, self._socket, self._session = desk, socket, session
        self._audio = audio or WIDEBAND
        self._arrivals = _Arrivals(self._audio.bytes_per_second)
        self._recognition: RecognitionStream | None = None
        self._outbox, self._due = _streams()
        self._last_frame = self._last_audio = anyio.current_time()

    async def run(self, language: str) -> None:
        """Serve the connection until it is over."""
        request = RecognitionRequest(self._audio, language.partition("-")[0])
        try:
            async with self._desk.recognizer.open(request, self._heard) as recognition:
                self._recognition = recognition
                await self._serve()
        except ProviderError:
            await self._socket.dialect.fails_midway(self._socket)

    async def _serve(self) -> None:
        async with anyio.create_task_group() as group, self._outbox, self._due:
            group.start_soon(self._send)
            group.start_soon(self._tick)
            self._carry_out(self._session.start())
            await self._read()
            group.cancel_scope.cancel()

    async def _read(self) -> None:
        try:
            while True:
                message = await self._socket.websocket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                self._take(message.get("bytes"), message.get("text"))
        except (WebSocketDisconnect, RuntimeError):
            return

    def _take(self, data: bytes | None, text: str | None) -> None:
        now = self._last_frame = anyio.current_time()
        if data is None:
            self._carry_out(self._session.text(text or ""))
            return
        self._last_audio = now
        self._arrivals.note(data, now)
        self._carry_out(self._session.audio(data))

    def _heard(self, event: RecognitionEvent) -> None:
        self._carry_out(self._session.heard(event))

    async def _tick(self) -> None:
        while True:
            await anyio.sleep(TICK)
            now = anyio.current_time()
            self._carry_out(self._session.waited(now - self._last_frame, now - self._last_audio))

    def _carry_out(self, steps: Sequence[Step]) -> None:
        for step in steps:
            if isinstance(step, Ask):
                if self._recognition:
                    self._recognition.send(step.item)
            else:
                self._put(_Due(step, self._earliest(step)))

    def _put(self, due: _Due) -> None:
        try:
            self._outbox.send_nowait(due)
        except (anyio.WouldBlock, anyio.BrokenResourceError, anyio.ClosedResourceError):
            return  # a client that does not read gets nothing more

    def _earliest(self, step: Say | Hang) -> float:
        now = anyio.current_time()
        if isinstance(step, Hang) or step.heard is None:
            return now
        timing = self._desk.timing(PROVIDER)
        delay = timing.first + self._desk.chance.uniform(0.0, timing.jitter)
        return max(now, self._arrivals.of(step.heard, now) + delay)

    async def _send(self) -> None:
        try:
            async for due in self._due:
                await anyio.sleep_until(due.at)
                await self._carry_over(due.step)
        except SocketGone:
            return

    async def _carry_over(self, step: Say | Hang) -> None:
        if isinstance(step, Say):
            if step.heard is not None:
                self._desk.note(PROVIDER)
            await self._socket.send(step.message)
        elif step.code == 1005:
            await self._socket.close_without_code()
        else:
            await self._socket.close(step.code, step.reason)


def _streams() -> tuple[MemoryObjectSendStream[_Due], MemoryObjectReceiveStream[_Due]]:
    return anyio.create_memory_object_stream[_Due](_OUTBOX)
