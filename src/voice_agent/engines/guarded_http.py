"""HTTP to places that a user chose: every connection goes to an address that was judged.

A name is resolved once for a connection and the connection is made to the very address that was
allowed, so a name that changes its mind in between gains nothing. Redirects are not followed;
whoever follows one comes through here again.
"""

import socket
import ssl
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import contextmanager
from functools import cache
from types import TracebackType
from typing import Final, Self

import anyio
import httpcore2
import httpx2
from httpcore2 import AsyncNetworkBackend, AsyncNetworkStream

from voice_agent.compliance.outbound import OutboundPolicy, decide_addresses, decide_target
from voice_agent.compliance.permits import Decision

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host; raises OSError when it has none."""

CONNECT_WITHIN: Final = 2.0
"""Deadline of a connection with its TLS handshake (s)."""
LARGEST_ANSWER: Final = 16 * 2**20
"""Bytes of one answer; whoever wants less counts while reading."""
_KEEP_ALIVE: Final = 60.0
_CONNECTIONS: Final = 50

_SocketOption = (
    tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]
)


class OutboundRefused(httpx2.ConnectError):
    """The policy forbids this URL or where it leads; the message says what to do about it."""

    def __init__(self, decision: Decision) -> None:
        """`decision` is a no."""
        super().__init__(decision.reason)
        self.code = decision.code


def guarded_client(
    policy: OutboundPolicy,
    *,
    headers: Mapping[str, str] | None = None,
    timeout: httpx2.Timeout | None = None,
    resolve: Resolve | None = None,
) -> httpx2.AsyncClient:
    """A client that reaches nothing the policy forbids, through no proxy and no redirect.

    Answers are not compressed, so a small one cannot become a large one.
    """
    return httpx2.AsyncClient(
        transport=GuardedTransport(policy, resolve or resolve_host),
        headers={"Accept-Encoding": "identity", **(headers or {})},
        timeout=timeout or httpx2.Timeout(None, connect=CONNECT_WITHIN, pool=CONNECT_WITHIN),
        follow_redirects=False,
        trust_env=False,
    )


async def resolve_host(host: str, port: int) -> Sequence[str]:
    """What the machine's resolver says.

    Raises:
        OSError: it knows no address.
    """
    found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class GuardedTransport(httpx2.AsyncBaseTransport):
    """Sends requests over connections to judged addresses only."""

    def __init__(self, policy: OutboundPolicy, resolve: Resolve) -> None:
        """`resolve` is asked once for each connection."""
        self._policy = policy
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=_trusted(),
            max_connections=_CONNECTIONS,
            max_keepalive_connections=_CONNECTIONS,
            keepalive_expiry=_KEEP_ALIVE,
            network_backend=_GuardedNetwork(policy, resolve),
        )

    async def __aenter__(self) -> Self:
        """Open the pool."""
        await self._pool.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        """Close every connection."""
        await self._pool.__aexit__(exc_type, exc_value, traceback)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request.

        Raises:
            OutboundRefused: the policy forbids it.
            httpx2.TransportError: it failed.
            httpx2.DecodingError: the answer is compressed.
        """
        url = request.url
        if url.userinfo:
            raise OutboundRefused(
                Decision(allowed=False, code="credentials", reason="The URL contains credentials.")
            )
        _permit(decide_target(url.scheme, url.host, url.port, self._policy))
        inner = httpcore2.Request(
            method=request.method,
            url=httpcore2.URL(
                scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
            ),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        with _translated():
            response = await self._pool.handle_async_request(inner)
        if _compressed(response):
            await response.aclose()
            raise httpx2.DecodingError("the answer is compressed, which was not asked for")
        return httpx2.Response(
            response.status,
            headers=response.headers,
            stream=_Body(response),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        """Close every connection."""
        await self._pool.aclose()


class _Body(httpx2.AsyncByteStream):
    """A response's bytes as they come."""

    def __init__(self, response: httpcore2.Response) -> None:
        self._response = response
        self._size = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _translated():
            async for part in self._response.aiter_stream():
                self._size += len(part)
                if self._size > LARGEST_ANSWER:
                    raise httpx2.ReadError("the answer is too large")
                yield part

    async def aclose(self) -> None:
        await self._response.aclose()


class _GuardedNetwork(AsyncNetworkBackend):
    """Connects to the address that was judged instead of to a name."""

    def __init__(self, policy: OutboundPolicy, resolve: Resolve) -> None:
        self._policy = policy
        self._resolve = resolve
        self._network = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the pool's own protocol
        local_address: str | None = None,
        socket_options: Iterable[_SocketOption] | None = None,
    ) -> AsyncNetworkStream:
        try:
            with anyio.fail_after(timeout):
                addresses = await self._addresses(host, port)
                return await self._first_of(addresses, port, local_address, socket_options)
        except TimeoutError as error:
            raise httpcore2.ConnectTimeout(str(error)) from error

    async def _addresses(self, host: str, port: int) -> Sequence[str]:
        try:
            addresses = await self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError("the host's name is not known") from error
        _permit(decide_addresses(host, addresses, self._policy))
        return addresses

    async def _first_of(
        self,
        addresses: Sequence[str],
        port: int,
        local_address: str | None,
        socket_options: Iterable[_SocketOption] | None,
    ) -> AsyncNetworkStream:
        failure: httpcore2.ConnectError | None = None
        for address in addresses:
            try:
                return await self._network.connect_tcp(
                    address, port, None, local_address, socket_options
                )
            except httpcore2.ConnectError as error:
                failure = error
        raise failure or httpcore2.ConnectError("the host has no address")

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(seconds)


def _compressed(response: httpcore2.Response) -> bool:
    encodings = (value for name, value in response.headers if name.lower() == b"content-encoding")
    return any(encoding.strip().lower() != b"identity" for encoding in encodings)


def _permit(decision: Decision) -> None:
    if not decision.allowed:
        raise OutboundRefused(decision)


@contextmanager
def _translated() -> Iterator[None]:
    """The pool's errors as the client's: both libraries give them the same names."""
    try:
        yield
    except (
        httpcore2.TimeoutException,
        httpcore2.NetworkError,
        httpcore2.ProtocolError,
        httpcore2.UnsupportedProtocol,
    ) as error:
        kind = getattr(httpx2, type(error).__name__, httpx2.TransportError)
        raise kind(str(error)) from error


@cache
def _trusted() -> ssl.SSLContext:
    # Loading the certificates holds up the event loop for 40 ms: once, not for each client.
    return ssl.create_default_context()
