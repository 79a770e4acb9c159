"""An event loop whose clock jumps: whole calls run in milliseconds, with no patching.

When nothing is ready the loop does not wait; its time becomes that of the next timer. Code
that takes its time from the loop (`anyio.sleep`, `anyio.current_time`, `core.clock.LoopClock`,
deadlines) cannot tell the difference. Work in threads, child processes and on real sockets
happens outside this time and is not supported: time may jump while it is under way, and when
no timer is left the loop raises instead of waiting for it.
"""

import asyncio
import selectors
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar, TypeVarTuple, Unpack

import anyio

T = TypeVar("T")
Args = TypeVarTuple("Args")

NOTHING_LEFT = (
    "virtual time cannot go on: every task waits, nothing is ready and no timer is scheduled "
    "(a deadlock, or something outside the loop: threads, processes and sockets are not supported)"
)

FileLike = Any
"""A descriptor or anything with `fileno()`."""
Ready = list[tuple[selectors.SelectorKey, int]]


class _JumpingSelector(selectors.BaseSelector):
    """Instead of waiting for a time-out reports it to `jump` and returns at once."""

    def __init__(self, jump: Callable[[float], None]) -> None:
        self._real = selectors.DefaultSelector()
        self._jump = jump

    def select(self, timeout: float | None = None) -> Ready:
        ready = self._real.select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            raise RuntimeError(NOTHING_LEFT)
        self._jump(timeout)
        return ready

    def register(
        self, fileobj: FileLike, events: int, data: object = None
    ) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: FileLike) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def get_map(self) -> Mapping[FileLike, selectors.SelectorKey]:
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An asyncio loop that starts at 0.0 s and skips every wait.

    Raises RuntimeError out of the run when it could only wait for ever.
    """

    def __init__(self) -> None:
        self._now = 0.0
        super().__init__(_JumpingSelector(self._advance))

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._now

    def _advance(self, seconds: float) -> None:
        self._now += seconds


def run_virtual(main: Callable[[Unpack[Args]], Awaitable[T]], *args: *Args) -> T:
    """Run `main(*args)` on a new `VirtualTimeLoop` and return its result."""
    return anyio.run(
        main, *args, backend="asyncio", backend_options={"loop_factory": VirtualTimeLoop}
    )
