"""Time as an argument: the one place that reads a clock.

Pure code takes seconds; shells take a `Clock`. Waiting is done on the event loop, so a
test that runs a call on a virtual loop needs no patching anywhere.
"""

import asyncio
from datetime import UTC, datetime
from typing import Protocol

import anyio


class Clock(Protocol):
    """Monotonic seconds for durations, aware UTC for records, and waiting."""

    def now(self) -> float:
        """Monotonic seconds; only differences mean anything."""
        ...

    def wall(self) -> datetime:
        """The date and time, aware, in UTC."""
        ...

    async def sleep_until(self, moment: float) -> None:
        """Wait until `now()` reaches `moment`; at once when it has passed."""
        ...


class LoopClock:
    """The running event loop's time."""

    def now(self) -> float:
        """Seconds on the event loop's clock."""
        # Asked many times a second in each call; anyio looks up its backend every time.
        return asyncio.get_running_loop().time()

    def wall(self) -> datetime:
        """The machine's date and time in UTC."""
        return datetime.now(UTC)

    async def sleep_until(self, moment: float) -> None:
        """Wait on the event loop."""
        await anyio.sleep_until(moment)
