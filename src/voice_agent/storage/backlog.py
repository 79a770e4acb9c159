"""A bounded queue that gives up what matters least first. Pure: nothing waits in here."""

from collections import deque
from enum import IntEnum
from heapq import merge
from typing import Generic, TypeVar

T = TypeVar("T")


class Weight(IntEnum):
    """What is given up first when there is no room."""

    INTERIM = 0
    ORDINARY = 1
    FRAME = 2
    """The beginning and the end of something: without it the rest makes no sense."""


class Backlog(Generic[T]):
    """Items in order, at most `capacity`; a full one drops the oldest of the lightest."""

    def __init__(self, capacity: int) -> None:
        """`capacity` is the number of items, at least one."""
        self._lanes: dict[Weight, deque[tuple[int, T]]] = {weight: deque() for weight in Weight}
        self._capacity = capacity
        self.last = 0
        """The number of the newest item; items are numbered from 1."""
        self.dropped = dict.fromkeys(Weight, 0)

    def __len__(self) -> int:
        """Items waiting."""
        return sum(len(lane) for lane in self._lanes.values())

    @property
    def oldest(self) -> int:
        """The number of the oldest item; the next one's when there is none."""
        waiting = (lane[0][0] for lane in self._lanes.values() if lane)
        return min(waiting, default=self.last + 1)

    def put(self, item: T, weight: Weight) -> None:
        """Add an item; when full, the oldest of the lightest items goes, or this one."""
        self.last += 1
        if len(self) >= self._capacity:
            lightest = next(each for each in Weight if each >= weight or self._lanes[each])
            self.dropped[lightest] += 1
            if not self._lanes[lightest]:
                return
            self._lanes[lightest].popleft()
        self._lanes[weight].append((self.last, item))

    def take(self, count: int) -> list[T]:
        """Remove and give the oldest items, at most `count`, in the order they came."""
        ordered = list(merge(*self._lanes.values(), key=lambda entry: entry[0]))[:count]
        for lane in self._lanes.values():
            while lane and ordered and lane[0][0] <= ordered[-1][0]:
                lane.popleft()
        return [item for _, item in ordered]
