"""Simulated providers that run inside this process, with the embedded engines behind them."""

import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager

import anyio
import uvicorn

from voice_agent.engines.registry import Kind
from voice_agent.engines.selection import choose_engine
from voice_agent.simulation.providers.desk import Desk
from voice_agent.simulation.providers.server import provider_app, server_config


class _QuietServer(uvicorn.Server):
    """Says when it is ready, and leaves the process's signals alone."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = anyio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(desk: Desk) -> AsyncIterator[str]:
    """Serve them on a free loopback port; gives `http://host:port`."""
    # Without the protocol's number asyncio leaves Nagle's algorithm on: 40 ms more an answer.
    with socket.socket(proto=socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        server = _QuietServer(server_config(provider_app(desk)))
        async with anyio.create_task_group() as group:
            group.start_soon(server.serve, [listening])
            await server.ready.wait()
            try:
                yield "http://{}:{}".format(*listening.getsockname())
            finally:
                server.should_exit = True


@asynccontextmanager
async def embedded_desk() -> AsyncIterator[Desk]:
    """A desk whose providers think, hear and speak with the engines of this package.

    Raises:
        ConfigurationError: one of them cannot work here.
    """
    async with AsyncExitStack() as stack:
        engines = {
            kind: (await choose_engine(kind, names, lambda _: {}, stack)).engine
            for kind, names in (
                (Kind.LLM, ("builtin",)),
                (Kind.STT, ("pocketsphinx",)),
                (Kind.TTS, ("flite", "espeak")),
            )
        }
        yield Desk(engines[Kind.LLM], engines[Kind.STT], engines[Kind.TTS])
