"""A bounded queue between tasks of one event loop, with a drop policy and a counter."""

from collections import deque
from typing import Generic, TypeVar

import anyio

T = TypeVar("T")


class Mailbox(Generic[T]):
    """Holds at most `capacity` items; when full the oldest is dropped and counted."""

    def __init__(self, capacity: int) -> None:
        """`capacity` is the number of items, at least one."""
        self._items: deque[T] = deque()
        self._capacity = capacity
        self._arrived = anyio.Event()
        self.dropped = 0

    def __len__(self) -> int:
        """Items waiting."""
        return len(self._items)

    def put(self, item: T) -> None:
        """Add an item; never blocks."""
        if len(self._items) >= self._capacity:
            self._items.popleft()
            self.dropped += 1
        self._items.append(item)
        self._arrived.set()

    async def get(self) -> T:
        """Take the oldest item, waiting for one."""
        while not self._items:
            self._arrived = anyio.Event()
            await self._arrived.wait()
        return self._items.popleft()

    def take(self) -> T:
        """Take the oldest item at once.

        Raises:
            IndexError: there is none.
        """
        return self._items.popleft()
