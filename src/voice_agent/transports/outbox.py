"""What a page is still to be shown: bounded, and what will be said again goes first."""

from collections import deque
from typing import Final

import anyio

from voice_agent.core.events import AgentSaying, CallerHeard, CallEvent

OUTBOX_EVENTS: Final = 256

_INTERIM: Final = (CallerHeard, AgentSaying)
"""Events that a later one makes up for."""


class Outbox:
    """Events in order; a full outbox loses the oldest interim one, or else the oldest."""

    def __init__(self, capacity: int = OUTBOX_EVENTS) -> None:
        """`capacity` is the number of events, at least one."""
        self._events: deque[CallEvent] = deque()
        self._capacity = capacity
        self._arrived = anyio.Event()
        self.dropped = 0

    def __len__(self) -> int:
        """Events waiting."""
        return len(self._events)

    def put(self, event: CallEvent) -> None:
        """Add an event; never blocks."""
        self._events.append(event)
        if len(self._events) > self._capacity:
            self._drop()
        self._arrived.set()

    def take(self) -> CallEvent | None:
        """The oldest event, or None."""
        return self._events.popleft() if self._events else None

    async def first(self) -> CallEvent:
        """The oldest event, waiting for one; it stays until `sent`."""
        while not self._events:
            self._arrived = anyio.Event()
            await self._arrived.wait()
        return self._events[0]

    def sent(self, event: CallEvent) -> None:
        """Forget an event got by `first`, unless it was dropped meanwhile."""
        if self._events and self._events[0] is event:
            self._events.popleft()

    def _drop(self) -> None:
        self.dropped += 1
        for index, event in enumerate(self._events):
            if isinstance(event.payload, _INTERIM):
                del self._events[index]
                return
        self._events.popleft()
