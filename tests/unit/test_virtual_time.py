from collections.abc import Awaitable, Callable

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voice_agent.core.clock import LoopClock
from voice_agent.core.mailbox import Mailbox
from voice_agent.simulation.virtual_time import run_virtual


def test_an_hour_passes_at_once() -> None:
    async def main() -> float:
        await anyio.sleep(3600)
        return anyio.current_time()

    assert run_virtual(main) == pytest.approx(3600)


def test_a_wait_longer_than_a_day_is_not_cut() -> None:
    async def main() -> float:
        await anyio.sleep(10 * 86400)
        return anyio.current_time()

    assert run_virtual(main) == pytest.approx(864000)


def test_the_injected_clock_follows_the_loop() -> None:
    async def main() -> tuple[float, float]:
        clock = LoopClock()
        before = clock.now()
        await clock.sleep_until(before + 12.5)
        return before, clock.now()

    before, after = run_virtual(main)
    assert after - before == pytest.approx(12.5)


def test_deadlines_fire_in_virtual_time() -> None:
    async def main() -> float:
        with anyio.move_on_after(5):
            await anyio.sleep_forever()
        return anyio.current_time()

    assert run_virtual(main) == pytest.approx(5)


def test_arguments_are_passed_on() -> None:
    async def main(a: int, b: str) -> str:
        return b * a

    assert run_virtual(main, 3, "x") == "xxx"


def test_an_error_comes_out_of_the_run() -> None:
    async def main() -> None:
        await anyio.sleep(1)
        raise LookupError("gone")

    with pytest.raises(LookupError, match="gone"):
        run_virtual(main)


def test_a_deadlock_raises_instead_of_hanging() -> None:
    async def main() -> None:
        await Mailbox[int](1).get()

    with pytest.raises(RuntimeError, match="no timer is scheduled"):
        run_virtual(main)


def test_tasks_that_wait_for_ever_are_cancelled_after_a_deadlock() -> None:
    seen: list[str] = []

    async def wait() -> None:
        try:
            await anyio.Event().wait()
        finally:
            seen.append("cancelled")

    async def main() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(wait)
            group.start_soon(wait)

    with pytest.raises(RuntimeError, match="virtual time"):
        run_virtual(main)
    assert seen == ["cancelled", "cancelled"]


@given(st.lists(st.floats(0, 1e5), min_size=1, max_size=20))
@settings(max_examples=30, deadline=None)
def test_sleepers_wake_in_order_and_on_time(delays: list[float]) -> None:
    woken: list[tuple[float, float]] = []

    async def sleeper(delay: float) -> None:
        await anyio.sleep(delay)
        woken.append((delay, anyio.current_time()))

    async def main() -> None:
        async with anyio.create_task_group() as group:
            for delay in delays:
                group.start_soon(sleeper, delay)

    run_virtual(main)
    assert [when for _, when in woken] == sorted(when for _, when in woken)
    for delay, when in woken:
        assert when == pytest.approx(delay, abs=1e-6)


def test_two_runs_are_alike() -> None:
    async def main() -> list[float]:
        ticks: list[float] = []

        async def tick(period: float) -> None:
            for _ in range(50):
                await anyio.sleep(period)
                ticks.append(anyio.current_time())

        async with anyio.create_task_group() as group:
            group.start_soon(tick, 0.02)
            group.start_soon(tick, 0.03)
        return ticks

    run: Callable[[Callable[[], Awaitable[list[float]]]], list[float]] = run_virtual
    assert run(main) == run(main)
