"""Threads that take turns, the one that has produced least next."""

import heapq
import threading
from itertools import count


class Baton:
    """Only its holder runs; whoever waits with the smallest weight gets it next."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken = False
        self._tickets = count()
        self._waiting: list[tuple[float, int, threading.Event]] = []

    def take(self, weight: float) -> None:
        """Wait for the baton."""
        with self._lock:
            if not self._taken:
                self._taken = True
                return
            turn = self._queue(weight)
        turn.wait()

    def give(self) -> None:
        """Let go of it."""
        with self._lock:
            self._taken = self._hand_over()

    def pass_on(self, weight: float) -> None:
        """Let a lighter one run first, then go on."""
        with self._lock:
            if not self._waiting or self._waiting[0][0] >= weight:
                return
            turn = self._queue(weight)
            self._hand_over()
        turn.wait()

    def _queue(self, weight: float) -> threading.Event:
        turn = threading.Event()
        heapq.heappush(self._waiting, (weight, next(self._tickets), turn))
        return turn

    def _hand_over(self) -> bool:
        if self._waiting:
            heapq.heappop(self._waiting)[2].set()
            return True
        return False
