"""Sockets that many clauses share, one reader and one writer task each.

        stream() ──▶ outbox ──▶ writer ──▶ socket ──▶ reader ──▶ inbox of its context ──▶ stream()
                   (bounded)                                      (bounded)

Nobody waits for anybody else: who does not read gets too much and fails alone.
"""

import itertools
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

import anyio
import structlog
from anyio.abc import TaskGroup
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.protocol import State

from voice_agent.core.clock import Clock, LoopClock
from voice_agent.core.errors import ProviderError, ProviderGarbage, ProviderUnavailable
from voice_agent.core.mailbox import Mailbox
from voice_agent.engines.tts.clause_events import ClauseEvent, Failed
from voice_agent.engines.tts.clause_events import Final as Ended
from voice_agent.engines.tts.socket_seating import Seating, SocketRules

log = structlog.get_logger(__name__)

INBOX: Final = 8192
"""Events that may wait for one listener."""
OUTBOX: Final = 1024
"""Clauses that may wait to be sent on one socket."""
SWEEP_EVERY: Final = 5.0
"""How often idle sockets are looked after (s)."""
CLOSE_WITHIN: Final = 0.5
"""How long the other side may take to say goodbye (s)."""

Item = ClauseEvent | ProviderError


@dataclass(frozen=True, slots=True)
class Wire:
    """How a provider's sockets are opened and read; `receive` and `closed` are pure."""

    provider: str
    connect: Callable[[str], Awaitable[ClientConnection]]
    receive: Callable[[str | bytes], Iterable[ClauseEvent]]
    closed: Callable[[int | None, str], ProviderError]
    rules: SocketRules


class VoiceContext:
    """One clause on its socket."""

    def __init__(self, identity: str, socket: "_Socket", pool: "SocketPool") -> None:
        self.id = identity
        self.socket = socket
        self.inbox = Mailbox[Item](INBOX)
        self.settled = anyio.Event()
        """Set once the clause was sent, or will never be."""
        self.sent = False
        self.abandoned = False
        self._pool = pool

    async def next(self, within: float) -> ClauseEvent:
        """The next event, at most `within` seconds from now.

        Raises:
            ProviderError: the clause failed, or nothing came.
        """
        with anyio.move_on_after(within):
            item = await self.inbox.get()
            if self.inbox.dropped:
                raise ProviderGarbage("it sent too much at once", provider=self._pool.provider)
            if isinstance(item, ProviderError):
                raise item
            return item
        self._pool.distrust(self)
        raise ProviderUnavailable(
            f"nothing came within {within:.2g} s", provider=self._pool.provider
        )

    def leave(self, farewell: str = "") -> None:
        """Stop listening; `farewell` tells the provider, where the clause is not over yet."""
        self._pool.forget(self, farewell)


@dataclass(frozen=True, slots=True)
class _Batch:
    context: VoiceContext | None
    texts: tuple[str, ...]


@dataclass(slots=True)
class _Socket:
    number: int
    address: str
    connection: ClientConnection | None = None
    ready: anyio.Event = field(default_factory=anyio.Event)
    """Set once it is open, or never will be."""
    unusable: anyio.Event = field(default_factory=anyio.Event)
    outbox: Mailbox[_Batch] = field(default_factory=lambda: Mailbox[_Batch](OUTBOX))

    @property
    def dead(self) -> bool:
        return self.connection is not None and self.connection.state is not State.OPEN


class SocketPool:
    """Opens sockets when they are needed and lets clauses share them; enter it before use."""

    def __init__(self, wire: Wire, clock: Clock | None = None) -> None:
        """Nothing is opened yet."""
        self.provider = wire.provider
        self._wire = wire
        self._clock = clock or LoopClock()
        self._seating = Seating(wire.rules)
        self._sockets: dict[int, _Socket] = {}
        self._contexts: dict[str, VoiceContext] = {}
        self._identities = itertools.count(1)
        self._group: TaskGroup | None = None

    async def __aenter__(self) -> Self:
        """Start looking after sockets."""
        self._group = anyio.create_task_group()
        await self._group.__aenter__()
        self._group.start_soon(self._look_after)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close every socket."""
        group, self._group = self._group, None
        if group is not None:
            group.cancel_scope.cancel()
            # Not told of the caller's error, which it would wrap into a group.
            await group.__aexit__(None, None, None)

    def __len__(self) -> int:
        """Sockets that are open or being opened."""
        return len(self._sockets)

    async def warm(self, address: str) -> None:
        """Have a socket to this address, as far as that is possible."""
        number = self._seating.free(address)
        socket = self._open(address) if number is None else self._sockets[number]
        await socket.ready.wait()

    async def begin(
        self, address: str, opening: Callable[[str], tuple[str, ...]], within: float
    ) -> VoiceContext:
        """Send a clause; `opening` are its messages for a context's id.

        A socket that is found dead before anything was sent is replaced, once.

        Raises:
            ProviderError: there is no connection, or it took the provider too long.
        """
        context = await self._try(self._usable(address), opening, within)
        if not context.sent and context.socket.connection is not None:
            context.leave()
            context = await self._try(self._open(address), opening, within)
        if context.sent:
            return context
        context.leave()
        raise await self._reason(context)

    def distrust(self, context: VoiceContext) -> None:
        """Give the context's socket no further clauses."""
        if self._seating.retire(context.socket.number):
            context.socket.unusable.set()

    def forget(self, context: VoiceContext, farewell: str) -> None:
        """The context's listener is gone."""
        if self._contexts.pop(context.id, None) is None:
            return
        context.abandoned = True
        if farewell and context.sent and not context.socket.dead:
            self._post(context.socket, _Batch(None, (farewell,)))
        if self._seating.leave(context.id, self._clock.now(), begun=context.sent) is not None:
            context.socket.unusable.set()

    async def _try(
        self, socket: _Socket, opening: Callable[[str], tuple[str, ...]], within: float
    ) -> VoiceContext:
        context = VoiceContext(f"clause-{next(self._identities)}", socket, self)
        self._seating.sit(socket.number, context.id, self._clock.now())
        self._contexts[context.id] = context
        self._post(socket, _Batch(context, opening(context.id)))
        try:
            with anyio.fail_after(within):
                await context.settled.wait()
        except TimeoutError:
            self.distrust(context)
            context.leave()
            raise ProviderUnavailable(
                f"it took nothing within {within:.2g} s", provider=self.provider
            ) from None
        except BaseException:
            context.leave()
            raise
        return context

    async def _reason(self, context: VoiceContext) -> ProviderError:
        if len(context.inbox):
            item = await context.inbox.get()
            if isinstance(item, ProviderError):
                return item
        return ProviderUnavailable("the connection was lost", provider=self.provider)

    def _usable(self, address: str) -> _Socket:
        for socket in list(self._sockets.values()):
            if socket.dead:
                self._seating.retire(socket.number)
        number = self._seating.free(address)
        return self._open(address) if number is None else self._sockets[number]

    def _open(self, address: str) -> _Socket:
        if self._group is None:
            raise RuntimeError("the engine must be entered before it is used")
        socket = _Socket(self._seating.add(address, self._clock.now()), address)
        self._sockets[socket.number] = socket
        self._group.start_soon(self._run, socket)
        return socket

    def _post(self, socket: _Socket, batch: _Batch) -> None:
        socket.outbox.put(batch)
        if socket.outbox.dropped:
            self._seating.retire(socket.number)
            socket.unusable.set()

    async def _run(self, socket: _Socket) -> None:
        error: ProviderError = ProviderUnavailable("it was closed", provider=self.provider)
        try:
            socket.connection = await self._wire.connect(socket.address)
            socket.ready.set()
            error = await self._carry(socket, socket.connection)
        except ProviderError as failure:
            error = failure
        except Exception as failure:
            log.exception("voice_socket.broke", provider=self.provider)
            error = ProviderUnavailable(type(failure).__name__, provider=self.provider)
        finally:
            self._lose(socket, error)
            await _close(socket.connection)

    async def _carry(self, socket: _Socket, connection: ClientConnection) -> ProviderError:
        """Write and read until one of the sides has had enough."""
        reasons: list[ProviderError] = []

        async def read() -> None:
            reasons.append(await self._read(connection))
            group.cancel_scope.cancel()

        async def give_up() -> None:
            await socket.unusable.wait()
            group.cancel_scope.cancel()

        async with anyio.create_task_group() as group:
            group.start_soon(read)
            group.start_soon(give_up)
            group.start_soon(self._write, socket, connection)
        if reasons:
            return reasons[0]
        return ProviderUnavailable("the connection was given up", provider=self.provider)

    async def _read(self, connection: ClientConnection) -> ProviderError:
        while True:
            try:
                message = await connection.recv()
            except ConnectionClosed as closed:
                frame = closed.rcvd
                if frame is None:
                    return self._wire.closed(None, "")
                return self._wire.closed(int(frame.code), frame.reason)
            for event in self._wire.receive(message):
                if isinstance(event, Failed) and not event.context:
                    return event.error
                self._deliver(event)

    def _deliver(self, event: ClauseEvent) -> None:
        context = self._contexts.get(event.context)
        if isinstance(event, Ended):
            self._seating.final(event.context)
            self._contexts.pop(event.context, None)
        if context is not None:
            context.inbox.put(event.error if isinstance(event, Failed) else event)

    async def _write(self, socket: _Socket, connection: ClientConnection) -> None:
        while True:
            batch = await socket.outbox.get()
            context = batch.context
            if context is not None and context.abandoned:
                continue
            if context is not None:
                context.sent = True
            for index, text in enumerate(batch.texts):
                try:
                    await connection.send(text)
                except (WebSocketException, OSError):
                    if context is not None and not index:
                        context.sent = False
                    return
            if context is not None:
                context.settled.set()

    def _lose(self, socket: _Socket, error: ProviderError) -> None:
        self._sockets.pop(socket.number, None)
        for identity in self._seating.remove(socket.number):
            context = self._contexts.pop(identity, None)
            if context is not None:
                context.inbox.put(error)
                context.settled.set()
        socket.ready.set()

    async def _look_after(self) -> None:
        while True:
            await self._clock.sleep_until(self._clock.now() + SWEEP_EVERY)
            due = self._seating.sweep(self._clock.now())
            for number in due.keep_alive:
                message = _Batch(None, (self._wire.rules.keep_alive,))
                self._post(self._sockets[number], message)
            for number in due.close:
                self._sockets[number].unusable.set()


async def _close(connection: ClientConnection | None) -> None:
    """Say goodbye, but not for long, also while everything is being cancelled."""
    if connection is None:
        return
    with anyio.move_on_after(CLOSE_WITHIN, shield=True):
        await connection.close()
    connection.transport.abort()
