"""Cancelling over HTTP/2: the server is told, and the connection lives on."""

import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import anyio
import httpx2
import pytest
from anyio.abc import SocketStream
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived, StreamReset

from voice_agent.engines.llm.http2_cancel import cancel_stream

pytestmark = pytest.mark.anyio


@dataclass
class Server:
    """Answers each request with one piece of data, and ends every second answer."""

    requests: list[int] = field(default_factory=list)
    resets: list[int] = field(default_factory=list)
    connections: int = 0

    async def serve(self, stream: SocketStream) -> None:
        self.connections += 1
        state = H2Connection(H2Configuration(client_side=False))
        state.initiate_connection()
        with contextlib.suppress(anyio.EndOfStream, anyio.BrokenResourceError):
            async with stream:
                await stream.send(state.data_to_send())
                while True:
                    for event in state.receive_data(await stream.receive()):
                        self.take(event, state)
                    await stream.send(state.data_to_send())

    def take(self, event: object, state: H2Connection) -> None:
        if isinstance(event, RequestReceived):
            self.requests.append(event.stream_id)
            state.send_headers(event.stream_id, [(":status", "200")])
            state.send_data(event.stream_id, b"data", end_stream=len(self.requests) % 2 == 0)
        elif isinstance(event, StreamReset):
            self.resets.append(event.stream_id)


@contextlib.asynccontextmanager
async def serving(server: Server) -> AsyncIterator[httpx2.AsyncClient]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=port)
    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, server.serve)
        client = httpx2.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", http1=False, http2=True, trust_env=False
        )
        async with client:
            yield client
        group.cancel_scope.cancel()


async def test_a_cancelled_answer_resets_its_stream_and_keeps_the_connection() -> None:
    server = Server()
    async with serving(server) as client:
        for _ in range(3):
            response = await client.send(client.build_request("POST", "/"), stream=True)
            chunks = response.aiter_raw()
            assert await anext(chunks) == b"data"
            await cancel_stream(response)
            await chunks.aclose()
            await response.aclose()
            assert (await client.get("/")).content == b"data"
    assert server.connections == 1
    assert server.resets == server.requests[::2]


async def test_a_reader_cancelled_in_its_wait_resets_the_stream_too() -> None:
    server = Server()
    async with serving(server) as client:
        response = await client.send(client.build_request("POST", "/"), stream=True)
        with anyio.move_on_after(0.1):
            await response.aread()
        await cancel_stream(response)
        await response.aclose()
        assert (await client.get("/")).content == b"data"
    assert server.resets == server.requests[:1]


async def test_an_answer_that_is_over_is_not_reset() -> None:
    server = Server(requests=[0])
    async with serving(server) as client:
        response = await client.get("/")
        await cancel_stream(response)
        assert response.content == b"data"
    assert not server.resets
