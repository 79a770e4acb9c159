"""A real server on a loopback port, in the test's own event loop."""

import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

import anyio
import uvicorn
from fastapi import FastAPI


class QuietServer(uvicorn.Server):
    """Says when it is ready, and leaves the process's signals to the test runner."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = anyio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def live(app: FastAPI) -> AsyncIterator[str]:
    """Serve `app`; gives `host:port`."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = QuietServer(_config(app))
        async with anyio.create_task_group() as group:
            group.start_soon(server.serve, [listening])
            await server.ready.wait()
            try:
                yield "{}:{}".format(*listening.getsockname())
            finally:
                server.should_exit = True


def _config(app: FastAPI) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        ws="websockets-sansio",
        ws_max_size=64 * 1024,
        ws_per_message_deflate=False,
        proxy_headers=False,
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=3,
    )
