"""A child process that does an engine's work, restarted when it dies."""

import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import anyio
import anyio.abc
import structlog
from anyio.streams.buffered import BufferedByteReceiveStream

from voice_agent.core.errors import ProviderUnavailable
from voice_agent.core.mailbox import Mailbox
from voice_agent.engines.worker_channel import MAX_FRAME, PREFIX, WorkerMessage, pack

log = structlog.get_logger(__name__)

READY_TIMEOUT = 30.0
RESTART_DELAY = 0.5
QUEUE_CAPACITY = 4096


class WorkerProcess:
    """Runs `python -m module args…` and exchanges messages with it.

    The worker's first message must be `{"type": "ready"}`. `on_message` and `on_death` are
    called on the event loop; after `on_death` a new process is started by itself.
    """

    def __init__(
        self,
        module: str,
        args: Sequence[str] = (),
        *,
        on_message: Callable[[WorkerMessage], None],
        on_death: Callable[[], None] = lambda: None,
    ) -> None:
        self._command = [sys.executable, "-m", module, *args]
        self._module = module
        self._on_message = on_message
        self._on_death = on_death
        self._outbox: Mailbox[WorkerMessage] = Mailbox(QUEUE_CAPACITY)
        self._process: anyio.abc.Process | None = None
        self.restarts = 0

    @property
    def pid(self) -> int | None:
        """The running child's process id."""
        return self._process.pid if self._process else None

    @property
    def dropped(self) -> int:
        """Messages lost because the worker did not keep up."""
        return self._outbox.dropped

    def send(self, message: WorkerMessage) -> None:
        """Queue a message for the worker; never blocks."""
        self._outbox.put(message)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["WorkerProcess"]:
        """Keep the worker alive inside the block; ready when the block is entered.

        Raises:
            ProviderUnavailable: the worker did not get ready.
        """
        async with anyio.create_task_group() as tasks:
            with anyio.fail_after(READY_TIMEOUT):
                await tasks.start(self._supervise)
            yield self
            tasks.cancel_scope.cancel()

    async def _supervise(self, *, task_status: anyio.abc.TaskStatus[None]) -> None:
        first = True
        while True:
            async with await anyio.open_process(self._command, stderr=None) as process:
                self._process = process
                try:
                    await self._converse(process, task_status if first else None)
                finally:
                    self._process = None
                    _kill(process)
            if first and self.restarts == 0 and process.returncode not in (0, None):
                first = False
            self.restarts += 1
            log.warning("engine.worker_died", module=self._module, code=process.returncode)
            self._on_death()
            await anyio.sleep(RESTART_DELAY)

    async def _converse(
        self, process: anyio.abc.Process, task_status: anyio.abc.TaskStatus[None] | None
    ) -> None:
        if process.stdout is None or process.stdin is None:
            raise ProviderUnavailable("the worker has no pipes", provider=self._module)
        reader = BufferedByteReceiveStream(process.stdout)
        ready = await _receive(reader)
        if ready is None:
            raise ProviderUnavailable("the worker stopped while starting", provider=self._module)
        self._on_message(ready)
        if task_status is not None:
            task_status.started()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._write, process.stdin)
            while (message := await _receive(reader)) is not None:
                self._on_message(message)
            tasks.cancel_scope.cancel()

    async def _write(self, pipe: anyio.abc.ByteSendStream) -> None:
        while True:
            message = await self._outbox.get()
            try:
                await pipe.send(pack(message))
            except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                return


async def _receive(reader: BufferedByteReceiveStream) -> WorkerMessage | None:
    try:
        header_size, body_size = PREFIX.unpack(await reader.receive_exactly(PREFIX.size))
        if header_size + body_size > MAX_FRAME:
            return None
        import orjson

        header = orjson.loads(await reader.receive_exactly(header_size)) if header_size else {}
        body = await reader.receive_exactly(body_size) if body_size else b""
    except (anyio.IncompleteRead, anyio.ClosedResourceError, anyio.BrokenResourceError):
        return None
    return WorkerMessage(header, body)


def _kill(process: anyio.abc.Process) -> None:
    try:
        process.kill()
    except (ProcessLookupError, subprocess.SubprocessError):
        return
