"""A child process that does an engine's work, restarted when it dies.

        running() ──► launch ──ready──► converse ──end of pipe──► on_death
                        │ first time        ▲                        │
                        ▼ fails             └── launch ◄── wait ◄────┘
                ProviderUnavailable              again    0.2 s … 5 s

While no worker is ready, messages are dropped and counted; nothing is kept for the next
one, which knows none of the streams of the one before.
"""

import os
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final

import anyio
import anyio.abc
import structlog
from anyio.streams.buffered import BufferedByteReceiveStream

from voice_agent.core.errors import ProtocolError, ProviderUnavailable
from voice_agent.core.mailbox import Mailbox
from voice_agent.engines.worker_channel import (
    PREFIX,
    WorkerMessage,
    pack,
    unpack_header,
    unpack_sizes,
)

log = structlog.get_logger(__name__)

READY_TIMEOUT: Final = 30.0
"""Seconds a worker may take to load."""
EXIT_TIMEOUT: Final = 0.2
"""Seconds between the end of the pipe and the end of the process."""
FIRST_DELAY: Final = 0.2
LONGEST_DELAY: Final = 5.0
STEADY: Final = 30.0
"""Seconds a worker must live before its next death counts as a first one."""
QUEUE_CAPACITY: Final = 4096
_PIPE_ENDS: Final = (
    anyio.EndOfStream,
    anyio.IncompleteRead,
    anyio.ClosedResourceError,
    anyio.BrokenResourceError,
)


def restart_delay(deaths: int) -> float:
    """Seconds to wait after the `deaths`-th death in a row (1, 2, …): 0.2 doubling to 5."""
    return float(min(LONGEST_DELAY, FIRST_DELAY * 2 ** min(deaths - 1, 16)))


class WorkerProcess:
    """Runs `python -m module args…` and exchanges messages with it.

    The worker's first message must be `{"type": "ready"}` (or `{"type": "failed", "message"}`).
    `on_message` and `on_death` are called on the event loop; after `on_death` a new process
    is started by itself.
    """

    def __init__(
        self,
        module: str,
        args: Sequence[str] = (),
        *,
        on_message: Callable[[WorkerMessage], None],
        on_death: Callable[[], None] = lambda: None,
        provider: str = "",
    ) -> None:
        """`provider` is the engine's registered name, for errors; else the module's."""
        self._command = [sys.executable, "-m", module, *args]
        self._module = module
        self._provider = provider or module
        self._on_message = on_message
        self._on_death = on_death
        self._child: _Child | None = None
        self._lost = 0
        self.restarts = 0

    @property
    def pid(self) -> int | None:
        """The process id of the worker that is ready, if one is."""
        return self._child.process.pid if self._child else None

    @property
    def alive(self) -> bool:
        """Whether a worker is ready to take messages."""
        return self._child is not None

    @property
    def dropped(self) -> int:
        """Messages lost: the worker was dead, died first, or did not keep up."""
        return self._lost + (self._child.outbox.dropped if self._child else 0)

    def send(self, message: WorkerMessage) -> bool:
        """Queue a message for the worker; never blocks. False when it was dropped."""
        if self._child is None:
            self._lost += 1
            return False
        self._child.outbox.put(message)
        return True

    def kill(self) -> None:
        """End a worker that hangs; the next one is started by itself."""
        if self._child is not None:
            self._child.kill()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["WorkerProcess"]:
        """Keep the worker alive inside the block; ready when the block is entered.

        Raises:
            ProviderUnavailable: the worker did not get ready the first time.
        """
        first = await self._launch()
        failure: Exception | None = None
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._supervise, first)
            try:
                yield self
            except Exception as error:  # noqa: BLE001 - raised below, outside the group's wrapper
                failure = error
            tasks.cancel_scope.cancel()
        if failure is not None:
            raise failure

    async def _supervise(self, child: "_Child") -> None:
        deaths = 0
        while True:
            born, code = anyio.current_time(), None
            try:
                await self._converse(child)
                code = await child.ended()
            finally:
                self._forget(child)
                await child.bury()
            deaths = 1 if anyio.current_time() - born > STEADY else deaths + 1
            log.warning("engine.worker_died", module=self._module, code=code)
            self._tell_of_death()
            child = await self._relaunch(deaths)

    async def _relaunch(self, deaths: int) -> "_Child":
        while True:
            await anyio.sleep(restart_delay(deaths))
            self.restarts += 1
            try:
                return await self._launch()
            except ProviderUnavailable as error:
                log.warning("engine.worker_not_ready", module=self._module, why=str(error))
                deaths += 1

    async def _launch(self) -> "_Child":
        child = await _Child.start(self._command)
        try:
            with anyio.fail_after(READY_TIMEOUT):
                first = await self._first_message(child)
        except BaseException as error:
            await child.bury()
            if isinstance(error, TimeoutError):
                raise self._unavailable(f"it was not ready after {READY_TIMEOUT:g} s") from None
            raise
        self._child = child
        self._deliver(first)
        return child

    async def _first_message(self, child: "_Child") -> WorkerMessage:
        try:
            first = await child.receive()
        except ProtocolError as error:
            raise self._unavailable(str(error)) from None
        if first is None:
            code = await child.ended()
            raise self._unavailable(
                f"it ended with exit code {code} while starting; its words are on standard error"
            )
        if first.header.get("type") != "ready":
            raise self._unavailable(str(first.header.get("message", "it did not say ready")))
        return first

    async def _converse(self, child: "_Child") -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(child.write)
            try:
                while (message := await child.receive()) is not None:
                    self._deliver(message)
            except ProtocolError as error:
                log.warning("engine.worker_garbage", module=self._module, why=str(error))
            tasks.cancel_scope.cancel()

    def _deliver(self, message: WorkerMessage) -> None:
        # A mistake in an engine's callback must not end the supervision.
        try:
            self._on_message(message)
        except Exception:
            log.exception("engine.worker_callback_failed", module=self._module)

    def _tell_of_death(self) -> None:
        try:
            self._on_death()
        except Exception:
            log.exception("engine.worker_callback_failed", module=self._module)

    def _forget(self, child: "_Child") -> None:
        self._lost += len(child.outbox) + child.outbox.dropped
        self._child = None

    def _unavailable(self, why: str) -> ProviderUnavailable:
        return ProviderUnavailable(
            f"the worker process {self._module} did not start: {why}", provider=self._provider
        )


class _Child:
    """One life of the worker: its process, pipes and queue."""

    def __init__(self, process: anyio.abc.Process) -> None:
        self.process = process
        self.outbox: Mailbox[WorkerMessage] = Mailbox(QUEUE_CAPACITY)
        if process.stdout is None or process.stdin is None:
            raise ProtocolError("the worker has no pipes")
        self._stdin = process.stdin
        self._stdout = process.stdout
        self._reader = BufferedByteReceiveStream(process.stdout)

    @classmethod
    async def start(cls, command: Sequence[str]) -> "_Child":
        # A session of its own: Ctrl-C is for the server, which still has to say goodbye.
        # Shielded, because a start cut in half would leave a process nobody knows.
        with anyio.CancelScope(shield=True):
            process = await anyio.open_process(
                command, stderr=None, start_new_session=True, env=_environment()
            )
        return cls(process)

    async def receive(self) -> WorkerMessage | None:
        """The next message; None when the worker has closed its pipe."""
        try:
            prefix = await self._reader.receive_exactly(PREFIX.size)
            header_size, body_size = unpack_sizes(prefix)
            header = unpack_header(await self._reader.receive_exactly(header_size))
            body = await self._reader.receive_exactly(body_size) if body_size else b""
        except _PIPE_ENDS:
            return None
        return WorkerMessage(header, body)

    async def write(self) -> None:
        """Send what is queued until the pipe breaks; the reader notices the end."""
        while True:
            message = await self.outbox.get()
            try:
                await self._stdin.send(pack(message))
            except _PIPE_ENDS:
                return

    def kill(self) -> None:
        try:
            self.process.kill()
        except ProcessLookupError:
            return

    async def ended(self) -> int | None:
        """The exit code, once the pipe is closed; None when the process lingers."""
        with anyio.move_on_after(EXIT_TIMEOUT):
            return await self.process.wait()
        return None

    async def bury(self) -> None:
        """Kill what is left and wait for its end, also when we are being cancelled."""
        self.kill()
        with anyio.CancelScope(shield=True):
            # The event loop lets go of a pipe only when it has read its end.
            with anyio.move_on_after(EXIT_TIMEOUT), suppress(*_PIPE_ENDS):
                while True:
                    await self._stdout.receive()
            await self.process.aclose()


def _environment() -> dict[str, str]:
    """Ours without settings and secrets; the worker imports from where we do."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("VOICE_AGENT_")}
    return kept | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
