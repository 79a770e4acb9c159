"""What waits to be written to the socket, and how fast it may be written."""

from collections import deque
from typing import Final

import anyio

from voice_agent.core.audio import AudioFrame
from voice_agent.engines.stt.deepgram.protocol import Outgoing, Padding

MOST_SOUND: Final = 5.0
"""Sound that may wait (s); beyond it the oldest is dropped, control messages never are."""
CATCH_UP: Final = 1.25
"""How much faster than it was spoken the server wants sound at most."""
HEAD_START: Final = 3.0
"""Sound that is written at once all the same (s): speech that is heard again, or a hiccup."""


class Outbox:
    """A queue with one reader; putting never waits."""

    def __init__(self) -> None:
        """Empty."""
        self.dropped = 0.0
        self._items: deque[Outgoing] = deque()
        self._sound = 0.0
        self._filled = anyio.Event()

    def put(self, item: Outgoing) -> float:
        """Add an item; returns the seconds of sound that were dropped for it."""
        self._items.append(item)
        self._sound += seconds_of(item)
        dropped = 0.0
        while self._sound > MOST_SOUND:
            dropped += self._drop_oldest()
        self.dropped += dropped
        self._filled.set()
        return dropped

    async def take(self) -> Outgoing:
        """The oldest item, once there is one."""
        while not self._items:
            self._filled = anyio.Event()
            await self._filled.wait()
        item = self._items.popleft()
        self._sound -= seconds_of(item)
        return item

    def _drop_oldest(self) -> float:
        index = next(i for i, item in enumerate(self._items) if seconds_of(item))
        seconds = seconds_of(self._items[index])
        del self._items[index]
        self._sound -= seconds
        return seconds


class Pace:
    """Keeps sound from being written much faster than it was spoken."""

    def __init__(self) -> None:
        """With the whole head start."""
        self._due = float("-inf")

    def wait(self, seconds: float, at: float) -> float:
        """How long the next `seconds` of sound have to wait when they are ready at `at`."""
        delay = max(0.0, self._due - HEAD_START / CATCH_UP - at)
        self._due = max(self._due, at) + seconds / CATCH_UP
        return delay


def seconds_of(item: Outgoing) -> float:
    """How much sound an item is."""
    match item:
        case AudioFrame():
            return item.duration
        case Padding():
            return item.seconds
    return 0.0
