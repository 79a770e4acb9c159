"""Stores calls and their events behind the voice path, which never waits for it."""

from collections import deque
from collections.abc import Sequence
from datetime import timedelta
from types import TracebackType
from typing import Any, Final, Self

import anyio
import structlog
from sqlalchemy import insert, update
from sqlalchemy.ext.asyncio import AsyncSession

from voice_agent.core.call import Call
from voice_agent.core.errors import StorageError
from voice_agent.core.events import (
    AgentSaying,
    CallEnded,
    CallerHeard,
    CallEvent,
    CallStarted,
)
from voice_agent.storage.backlog import Backlog, Weight
from voice_agent.storage.sql.database import Database
from voice_agent.storage.sql.models import CallEventRow, CallRow, TransferRow

_CAPACITY: Final = 10_000
_BATCH: Final = 500
_LINGER_SECONDS: Final = 0.25
_DRAIN_SECONDS: Final = 5.0
_RETRY_SECONDS: Final = (0.5, 1.0, 2.0, 5.0, 15.0)

Entry = Call | CallEvent

_log = structlog.get_logger(__name__)


class SqlCallLog:
    """A `CallLog`: takes everything at once, writes in batches, in order, in its own task.

    Use as an async context manager; leaving it writes what is left, within a deadline.
    """

    def __init__(
        self,
        database: Database,
        *,
        capacity: int = _CAPACITY,
        linger: float = _LINGER_SECONDS,
        drain: float = _DRAIN_SECONDS,
    ) -> None:
        """`linger` and `drain` in seconds: how long a batch may grow, how long closing may take."""
        self._database = database
        self._backlog = Backlog[Entry](capacity)
        self._linger, self._drain = linger, drain
        self._arrived, self._urgent = anyio.Event(), anyio.Event()
        self._progress, self._done = anyio.Event(), anyio.Event()
        self._closing = False
        self._written = 0
        self._lost = 0
        self._refused = 0

    @property
    def dropped(self) -> int:
        """Entries that were not stored: no room, refused by the database, or out of time."""
        return sum(self._backlog.dropped.values()) + self._refused + self._lost

    def begin(self, call: Call) -> None:
        """Note a new call; never blocks."""
        self._put(call, Weight.FRAME)

    def append(self, event: CallEvent) -> None:
        """Note an event; never blocks. A full queue gives up interim events first."""
        self._put(event, _weight(event))
        if isinstance(event.payload, CallEnded):
            self._urgent.set()

    async def flush(self) -> None:
        """Wait until everything noted so far is stored or lost."""
        target = self._backlog.last
        while self._written < target and not self._done.is_set():
            self._urgent.set()
            await self._progress.wait()

    async def __aenter__(self) -> Self:
        """Start the writer."""
        self._scope = anyio.CancelScope(shield=True)
        self._tasks = anyio.create_task_group()
        await self._tasks.__aenter__()
        self._tasks.start_soon(self._write_until_closed)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Write what is left; give up at the deadline and say how much was lost."""
        self._closing = True
        self._arrived.set()
        self._urgent.set()
        with anyio.move_on_after(self._drain, shield=True):
            await self._done.wait()
        self._scope.cancel()
        await self._tasks.__aexit__(None, None, None)
        if self.dropped:
            _log.warning("call_log.dropped", entries=self.dropped)

    def _put(self, entry: Entry, weight: Weight) -> None:
        self._backlog.put(entry, weight)
        self._arrived.set()

    async def _write_until_closed(self) -> None:
        # The server's own cancellation must not cost the last calls their records.
        try:
            with self._scope:
                while self._backlog or not self._closing:
                    await self._write_next()
        finally:
            self._lost += len(self._backlog)
            self._done.set()
            self._progress.set()

    async def _write_next(self) -> None:
        if not self._backlog:
            self._arrived = anyio.Event()
            await self._arrived.wait()
        if not self._closing:
            with anyio.move_on_after(self._linger):
                await self._urgent.wait()
        self._urgent = anyio.Event()
        batch = self._backlog.take(_BATCH)
        out = self._backlog.oldest - 1
        await self._store(batch)
        self._written = out
        self._progress.set()
        self._progress = anyio.Event()

    async def _store(self, batch: Sequence[Entry]) -> None:
        waiting = deque([batch])
        pauses = iter(_RETRY_SECONDS)
        try:
            while waiting:
                try:
                    await self._insert(waiting[0])
                    waiting.popleft()
                except StorageError as error:
                    _log.warning("call_log.write_failed", error=str(error), entries=len(batch))
                    await anyio.sleep(next(pauses, _RETRY_SECONDS[-1]))
                except Exception as error:  # noqa: BLE001 - one bad entry must not stop the rest
                    self._set_aside(waiting, error)
        finally:
            self._lost += sum(len(part) for part in waiting)

    def _set_aside(self, waiting: deque[Sequence[Entry]], error: Exception) -> None:
        part = waiting.popleft()
        if len(part) > 1:
            waiting.extendleft([entry] for entry in reversed(part))
            return
        self._refused += 1
        _log.warning("call_log.refused", kind=_kind(part[0]), error=type(error).__name__)

    async def _insert(self, batch: Sequence[Entry]) -> None:
        if batch:
            async with self._database.write() as session:
                await _insert(session, batch)


def _weight(event: CallEvent) -> Weight:
    match event.payload:
        case CallerHeard() | AgentSaying():
            return Weight.INTERIM
        case CallStarted() | CallEnded():
            return Weight.FRAME
    return Weight.ORDINARY


def _kind(entry: Entry) -> str:
    return entry.kind if isinstance(entry, CallEvent) else "Call"


async def _insert(session: AsyncSession, batch: Sequence[Entry]) -> None:
    calls = [_call_values(entry) for entry in batch if isinstance(entry, Call)]
    events = [entry for entry in batch if isinstance(entry, CallEvent)]
    if calls:
        await session.execute(insert(CallRow), calls)
    if events:
        await session.execute(insert(CallEventRow), [event.as_dict() for event in events])
    for call_id, turn in _last_turns(events).items():
        counted = update(CallRow).where(CallRow.id == call_id, CallRow.turns < turn)
        await session.execute(counted.values(turns=turn))
    for event in events:
        await _summarise(session, event)


async def _summarise(session: AsyncSession, event: CallEvent) -> None:
    call = update(CallRow).where(CallRow.id == event.call_id)
    match event.payload:
        case CallStarted(engines=engines):
            await session.execute(call.values(engines=dict(engines)))
        case CallEnded(disposition, duration):
            row = await session.get(CallRow, event.call_id)
            if row is not None:
                row.disposition, row.duration = disposition.value, duration
                row.ended_at = row.started_at + timedelta(seconds=max(duration, 0.0))
                await _leave_queue(session, row)


async def _leave_queue(session: AsyncSession, call: CallRow) -> None:
    """Who is no longer on the line no longer waits with us."""
    waits = update(TransferRow).where(
        TransferRow.call_id == call.id, TransferRow.closed_at.is_(None)
    )
    await session.execute(waits.values(closed_at=call.ended_at, outcome=call.disposition))


def _last_turns(events: Sequence[CallEvent]) -> dict[str, int]:
    turns: dict[str, int] = {}
    for event in events:
        turns[event.call_id] = max(event.turn, turns.get(event.call_id, 0))
    return turns


def _call_values(call: Call) -> dict[str, Any]:
    return {
        "id": call.id,
        "channel": call.channel.value,
        "direction": call.direction.value,
        "caller": call.caller,
        "callee": call.callee,
        "started_at": call.started_at,
        "turns": 0,
        "engines": {},
        "attributes": dict(call.attributes),
    }
