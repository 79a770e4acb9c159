"""Sends a reply's sound to the caller, a little ahead of time and never late.

Sound leaves on an absolute schedule: what the caller's end still has to play is kept between
`LEAD - CHUNK` and `LEAD` seconds, so a stall of the event loop is repaid out of the lead and
never becomes a gap, and a `clear` never has more than `LEAD` to throw away.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import anyio

from voice_agent.core.clock import Clock
from voice_agent.core.ports import ClearAudio, MediaTransport, PlayAudio, SendMark
from voice_agent.pipeline.playout import PlayoutLedger

LEAD: Final = 0.4
"""How much unplayed sound the caller's end may hold (s)."""
CHUNK: Final = 0.1
"""Sound per message once playing (s)."""
FIRST_CHUNK: Final = 0.06
"""Sound gathered before a silent line is sent any, so that it does not run dry at once (s)."""
CAPACITY: Final = 60.0
"""How much sound may wait here before the synthesiser has to (s)."""
MARK_GRACE: Final = 2.0
"""How long after its sound a last mark may be missing before it is given up (s)."""


@dataclass(frozen=True, slots=True)
class _Mark:
    """A position in the sound; `last` ends the reply."""

    name: str
    last: bool


@dataclass(slots=True)
class PlayerListener:
    """Who is told when a reply starts to sound, dries up and was heard to its end."""

    audible: Callable[[int], None]
    quiet: Callable[[int], None]
    finished: Callable[[int], None]


class Player:
    """The one writer of a call's sound."""

    def __init__(
        self,
        transport: MediaTransport,
        ledger: PlayoutLedger,
        clock: Clock,
        listener: PlayerListener,
    ) -> None:
        self._transport = transport
        self._format = transport.format
        self._ledger = ledger
        self._clock = clock
        self._listener = listener
        self._queue: deque[bytes | _Mark] = deque()
        self._queued_bytes = 0
        self._turn = -1
        self._plays_until = 0.0
        self._sounding = False
        self._clear = False
        self._last_mark = ""
        self._give_up_at: float | None = None
        self._wake = anyio.Event()
        self._room = anyio.Event()

    # ── from the conductor and the reply ────────────────────────────────────────────────

    def begin(self, turn: int) -> None:
        """Expect the sound of reply `turn`; the one before must be over or cancelled."""
        self._turn = turn
        self._sounding = False
        self._last_mark = ""
        self._give_up_at = None
        self._ledger.begin(turn)

    async def play(self, turn: int, data: bytes) -> None:
        """Queue sound of reply `turn`; waits while `CAPACITY` seconds are queued."""
        while turn == self._turn and self._waiting() > CAPACITY:
            self._room = anyio.Event()
            await self._room.wait()
        if turn != self._turn or not data:
            return
        self._ledger.add_sound(turn, self._format.seconds(data))
        self._queue.append(data)
        self._queued_bytes += len(data)
        self._wake.set()

    def mark(self, turn: int, name: str, *, last: bool = False) -> None:
        """Ask to know when everything queued so far was played; `last` ends the reply."""
        if turn == self._turn:
            self._queue.append(_Mark(name, last))
            self._wake.set()

    def clear(self, turn: int) -> None:
        """Silence reply `turn` at once, here and at the caller's end."""
        if turn != self._turn:
            return
        self._turn = -1
        self._queue.clear()
        self._queued_bytes = 0
        self._ledger.cleared(self._clock.now())
        self._clear = self._plays_until > self._clock.now() - MARK_GRACE
        self._plays_until = 0.0
        self._give_up_at = None
        self._sounding = False
        self._room.set()
        self._wake.set()

    def mark_returned(self, name: str, *, heard: bool) -> None:
        """The caller's end reports a mark."""
        if not heard or not self._ledger.mark_reached(name, self._clock.now()):
            return
        if name == self._last_mark:
            self._finish()

    @property
    def sounding(self) -> bool:
        """Whether the caller's end has sound of ours to play."""
        return self._sounding

    @property
    def buffered(self) -> float:
        """Seconds of sound that the caller still has to hear."""
        return self._waiting() + max(0.0, self._plays_until - self._clock.now())

    # ── the writer ──────────────────────────────────────────────────────────────────────

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            if self._clear:
                self._clear = False
                await self._transport.send(ClearAudio())
            elif not self._ready():
                await self._wait_for_sound()
            elif isinstance(self._queue[0], _Mark):
                await self._send_mark()
            elif self._due() > self._clock.now():
                await self._wait_until(self._due())
            else:
                await self._send_chunk()

    def _ready(self) -> bool:
        """Whether there is something to send; a silent line waits for a first chunk or a mark."""
        if not self._queue or self._sounding or isinstance(self._queue[-1], _Mark):
            return bool(self._queue)
        return self._waiting() >= FIRST_CHUNK

    def _due(self) -> float:
        return self._plays_until - LEAD + CHUNK

    def _waiting(self) -> float:
        return self._queued_bytes / self._format.bytes_per_second

    async def _send_chunk(self) -> None:
        turn, data = self._turn, self._take(self._format.byte_count(CHUNK))
        now = self._clock.now()
        seconds = self._format.seconds(data)
        self._plays_until = max(self._plays_until, now) + seconds
        self._ledger.sent(turn, seconds, now)
        if not self._sounding:
            self._sounding = True
            self._listener.audible(turn)
        await self._transport.send(PlayAudio(data))

    def _take(self, size: int) -> bytes:
        parts: list[bytes] = []
        while size > 0 and self._queue and isinstance(head := self._queue[0], bytes):
            self._queue.popleft()
            if len(head) > size:
                self._queue.appendleft(head[size:])
                head = head[:size]
            parts.append(head)
            size -= len(head)
        data = b"".join(parts)
        self._queued_bytes -= len(data)
        self._room.set()
        return data

    async def _send_mark(self) -> None:
        mark = self._queue.popleft()
        if not isinstance(mark, _Mark):
            return
        self._ledger.mark_sent(self._turn, mark.name)
        if mark.last:
            self._last_mark = mark.name
            self._give_up_at = max(self._plays_until, self._clock.now()) + MARK_GRACE
        await self._transport.send(SendMark(mark.name))

    async def _wait_for_sound(self) -> None:
        """Nothing to send: notice when the caller's end runs dry or a mark is lost."""
        if self._give_up_at is not None:
            if self._clock.now() < self._give_up_at:
                await self._wait_until(self._give_up_at)
            else:
                self._ledger.trust_schedule(self._turn)
                self._finish()
        elif self._sounding:
            if self._clock.now() < self._plays_until:
                await self._wait_until(self._plays_until)
            else:
                self._sounding = False
                self._listener.quiet(self._turn)
        else:
            await self._sleep()

    async def _wait_until(self, moment: float) -> None:
        with anyio.move_on_after(max(0.0, moment - self._clock.now())):
            await self._sleep()

    async def _sleep(self) -> None:
        await self._wake.wait()
        self._wake = anyio.Event()

    def _finish(self) -> None:
        turn, self._turn = self._turn, -1
        self._give_up_at = None
        self._sounding = False
        self._listener.finished(turn)
