"""Processes that engines live in, with a real small worker."""

import os
import subprocess
import sys
from pathlib import Path

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.waiting import until
from voice_agent.core.errors import ProviderUnavailable
from voice_agent.engines import worker_process
from voice_agent.engines.worker_channel import WorkerMessage
from voice_agent.engines.worker_process import WorkerProcess, restart_delay

pytestmark = pytest.mark.anyio

SERVER = f"""
import sys, anyio
sys.path[:] = {sys.path!r}
from voice_agent.engines.worker_process import WorkerProcess

async def main():
    async with WorkerProcess("support.echo_worker", on_message=lambda m: None).running() as worker:
        print(worker.pid, flush=True)
        await anyio.sleep_forever()

anyio.run(main)
"""


class Watcher:
    """A worker and what it told."""

    def __init__(self, *args: str) -> None:
        self.messages: list[WorkerMessage] = []
        self.deaths = 0
        self.worker = WorkerProcess(
            "support.echo_worker",
            args,
            on_message=self.messages.append,
            on_death=self._died,
            provider="echo",
        )

    def _died(self) -> None:
        self.deaths += 1

    def ask(self, kind: str, body: bytes = b"") -> bool:
        return self.worker.send(WorkerMessage({"type": kind}, body))

    def bodies(self) -> list[bytes]:
        return [message.body for message in self.messages if message.header["type"] == "echo"]


def gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


async def test_messages_come_back_in_order_and_prints_are_no_messages() -> None:
    watcher = Watcher()
    async with watcher.worker.running() as worker:
        assert watcher.messages[0].header["type"] == "ready"
        assert watcher.messages[0].header["pid"] == worker.pid
        bodies = [bytes([n]) * n * 1000 for n in range(50)]
        for body in bodies:
            assert watcher.ask("echo", body)
        await until(lambda: len(watcher.bodies()) == 50)
    assert watcher.bodies() == bodies
    assert watcher.deaths == 0
    assert worker.dropped == 0


async def test_a_worker_gets_no_settings_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOICE_AGENT_SECRET", "hush")
    watcher = Watcher()
    async with watcher.worker.running():
        assert watcher.messages[0].header["secret"] == ""


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("crash", "exit code 3"),
        ("refuse", "the weights are missing"),
        ("garbage", "too large"),
    ],
)
async def test_a_first_start_that_fails_is_told_in_a_sentence(mode: str, words: str) -> None:
    watcher = Watcher(mode)
    with pytest.raises(ProviderUnavailable, match=words) as caught:
        async with watcher.worker.running():
            pytest.fail("the block must not be entered")
    assert caught.value.provider == "echo"
    assert not watcher.worker.alive


async def test_a_worker_that_never_gets_ready_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_process, "READY_TIMEOUT", 0.2)
    with pytest.raises(ProviderUnavailable, match=r"not ready after 0\.2 s"):
        async with Watcher("hang").worker.running():
            pytest.fail("the block must not be entered")


async def test_no_child_is_left_when_the_block_ends() -> None:
    watcher = Watcher()
    async with watcher.worker.running() as worker:
        pid = worker.pid
        assert pid is not None
        os.kill(pid, 0)
    assert gone(pid)
    assert worker.pid is None


async def test_no_child_is_left_when_the_group_around_it_is_cancelled() -> None:
    watcher = Watcher()
    pids: list[int] = []

    async def hold() -> None:
        async with watcher.worker.running() as worker:
            pids.append(worker.pid or 0)
            await anyio.sleep_forever()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(hold)
        await until(lambda: pids)
        tasks.cancel_scope.cancel()
    assert gone(pids[0])


async def test_no_child_is_left_when_starting_is_cancelled() -> None:
    before = _children()
    with anyio.move_on_after(0.3):
        async with Watcher("hang").worker.running():
            pytest.fail("the block must not be entered")
    assert _children() == before


async def test_a_worker_does_not_outlive_a_server_that_was_killed() -> None:
    async with await anyio.open_process([sys.executable, "-c", SERVER]) as server:
        assert server.stdout is not None
        worker = int(await server.stdout.receive())
        assert not gone(worker)
        server.kill()
        with pytest.raises(anyio.EndOfStream):
            await server.stdout.receive()
    await until(lambda: gone(worker))


async def test_an_error_in_the_block_leaves_it_unwrapped() -> None:
    with pytest.raises(KeyError, match="mine"):
        async with Watcher().worker.running():
            raise KeyError("mine")


async def test_a_dead_worker_is_told_and_replaced() -> None:
    watcher = Watcher()
    async with watcher.worker.running() as worker:
        first = worker.pid
        watcher.ask("die")
        await until(lambda: watcher.deaths)
        assert not worker.alive
        await until(lambda: worker.alive)
        assert worker.pid != first
        watcher.ask("echo", b"again")
        await until(watcher.bodies)
        assert worker.restarts == 1
    assert watcher.deaths == 1


async def test_messages_for_a_dead_worker_are_dropped_and_counted() -> None:
    watcher = Watcher()
    async with watcher.worker.running() as worker:
        watcher.ask("die")
        await until(lambda: watcher.deaths)
        lost = worker.dropped
        assert not watcher.ask("echo", b"lost")
        assert worker.dropped == lost + 1
        await until(lambda: worker.alive)
        watcher.ask("echo", b"kept")
        await until(watcher.bodies)
    assert watcher.bodies() == [b"kept"]


async def test_a_worker_that_cannot_come_back_never_raises_into_the_app(tmp_path: Path) -> None:
    watcher = Watcher("once", str(tmp_path / "was-here"))
    async with watcher.worker.running() as worker:
        watcher.ask("die")
        await until(lambda: worker.restarts >= 2)
        assert not worker.alive
    assert watcher.deaths == 1


@pytest.mark.parametrize("trouble", ["babble", "deaf"])
async def test_a_worker_that_went_mad_is_replaced(trouble: str) -> None:
    watcher = Watcher()
    async with watcher.worker.running() as worker:
        watcher.ask(trouble)
        if trouble == "deaf":
            worker.kill()
        await until(lambda: watcher.deaths)
        await until(lambda: worker.alive)


async def test_a_mistake_in_a_callback_does_not_end_the_worker() -> None:
    seen: list[WorkerMessage] = []

    def stumble(message: WorkerMessage) -> None:
        seen.append(message)
        raise RuntimeError("a bug")

    worker = WorkerProcess("support.echo_worker", on_message=stumble)
    async with worker.running():
        for _ in range(2):
            worker.send(WorkerMessage({"type": "echo"}))
        await until(lambda: len(seen) == 3)


@given(st.integers(1, 10_000))
def test_restarts_wait_longer_and_longer_but_never_over_five_seconds(deaths: int) -> None:
    assert restart_delay(1) == 0.2
    assert restart_delay(deaths) <= restart_delay(deaths + 1) <= 5.0


def _children() -> set[str]:
    tasks = Path("/proc/self/task").glob("*/children")
    return {pid for path in tasks for pid in path.read_text().split()}


def test_this_test_sees_processes() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert str(child.pid) in _children()
