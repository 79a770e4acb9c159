"""How every simulated HTTP provider answers: at once or in pieces, on good days and on bad ones."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qs

import anyio
import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from voice_agent.core.errors import ProviderError
from voice_agent.simulation.providers.desk import Desk, Seen
from voice_agent.simulation.providers.faults import Fault, FaultKind
from voice_agent.simulation.providers.server import drop

HUGE: Final = 1_500_000
"""Characters of a garbage event that is larger than any honest one."""
FORM: Final = "application/x-www-form-urlencoded"


class Refused(Exception):
    """The vendor would not do this; `response` is how it says so."""

    def __init__(self, response: Response) -> None:
        super().__init__(f"HTTP {response.status_code}")
        self.response = response


@dataclass(frozen=True, slots=True)
class Streamed:
    """An answer in pieces: each item of `events` is one event as it stands on the wire."""

    events: AsyncGenerator[bytes]
    media_type: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a vendor says no, breaks down and babbles.

    `failed` is its answer to a fault of its own, `failed_midway` the same once a stream has
    begun, `garbage` what it sends when it has lost its mind.
    """

    provider: str
    unauthorized: Callable[[], Response]
    throttled: Callable[[float], Response]
    failed: Callable[[], Response]
    failed_midway: Callable[[], bytes]
    garbage: Sequence[bytes]


Answer = Response | Streamed
Handler = Callable[[Request, bytes], Awaitable[Answer]]


def endpoint(
    desk: Desk, dialect: Dialect, handle: Handler
) -> Callable[[Request], Awaitable[Response]]:
    """`handle` behind the desk: each request is noted, and its fate asked for once."""

    async def respond(request: Request) -> Response:
        raw = await request.body()
        fault = desk.fate(dialect.provider)
        desk.journal.append(_seen(dialect.provider, request, raw))
        if fault and (refusal := _refusal(dialect, fault)):
            return refusal
        try:
            answer = await handle(request, raw)
        except Refused as refused:
            return refused.response
        except ProviderError:
            return dialect.failed()
        if isinstance(answer, Streamed):
            return _Pieces(desk, dialect, answer, fault)
        return _spoiled(dialect, answer, fault) if fault else answer

    return respond


def json_response(
    body: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """A JSON body as vendors send it."""
    return Response(
        orjson.dumps(body), status, headers=dict(headers or {}), media_type="application/json"
    )


def _seen(provider: str, request: Request, raw: bytes) -> Seen:
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return Seen(provider, path, _decoded(request, raw), dict(request.headers))


def _decoded(request: Request, raw: bytes) -> Any:
    if not raw:
        return None
    if request.headers.get("content-type", "").startswith(FORM):
        pairs = parse_qs(raw.decode("utf-8", "replace"), keep_blank_values=True)
        return {name: values[0] if len(values) == 1 else values for name, values in pairs.items()}
    try:
        return orjson.loads(raw)
    except ValueError:
        return raw.decode("utf-8", "replace")


def _refusal(dialect: Dialect, fault: Fault) -> Response | None:
    match fault.kind:
        case FaultKind.REFUSE:
            return _Vanished()
        case FaultKind.UNAUTHORIZED:
            return dialect.unauthorized()
        case FaultKind.THROTTLE:
            return dialect.throttled(fault.retry_after)
        case FaultKind.ERROR if fault.after == 0:
            return dialect.failed()
    return None


def _spoiled(dialect: Dialect, answer: Response, fault: Fault) -> Response:
    """What becomes of an answer in one piece."""
    match fault.kind:
        case FaultKind.ERROR:
            return dialect.failed()
        case FaultKind.STALL:
            return _Silent()
        case FaultKind.RESET:
            return _Vanished()
        case FaultKind.CUT:
            half = bytes(answer.body)[: len(answer.body) // 2]
            return Response(half, answer.status_code, media_type=answer.media_type)
        case FaultKind.GARBAGE:
            return Response(dialect.garbage[0], media_type="application/json")
    return answer


class _Silent(Response):
    """Keeps the client waiting until it leaves."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope, send
        await _left(receive)


class _Vanished(Response):
    """Resets the connection instead of an answer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del send
        drop(scope)
        await _left(receive)


class _Pieces(Response):
    """Sends events at the provider's pace; the work stops when the client leaves."""

    def __init__(self, desk: Desk, dialect: Dialect, answer: Streamed, fault: Fault | None) -> None:
        super().__init__(headers=dict(answer.headers), media_type=answer.media_type)
        del self.headers["content-length"]
        self._desk = desk
        self._dialect = dialect
        self._events = answer.events
        self._fault = fault

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with anyio.create_task_group() as group:

            async def watch() -> None:
                await _left(receive)
                group.cancel_scope.cancel()

            group.start_soon(watch)
            async with aclosing(self._events):
                await self._run(scope, send)
                await send({"type": "http.response.body", "body": b"", "more_body": False})
            group.cancel_scope.cancel()

    async def _run(self, scope: Scope, send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)
        try:
            passed = await self._send_events(send)
        except ProviderError:
            await _send_piece(send, self._dialect.failed_midway())
            return
        if self._fault and passed == self._fault.after:
            await self._strike(self._fault, scope, send)

    async def _send_events(self, send: Send) -> int:
        """How many were sent before there were no more, or before the fault struck."""
        passed = 0
        async for event in self._events:
            if self._fault and passed == self._fault.after:
                break
            await self._desk.wait(self._dialect.provider, first=passed == 0)
            await _send_piece(send, event)
            passed += 1
        return passed

    async def _strike(self, fault: Fault, scope: Scope, send: Send) -> None:
        match fault.kind:
            case FaultKind.ERROR:
                await _send_piece(send, self._dialect.failed_midway())
            case FaultKind.GARBAGE:
                for event in self._dialect.garbage:
                    await _send_piece(send, event)
            case FaultKind.STALL:
                await anyio.sleep_forever()
            case FaultKind.RESET:
                drop(scope)
                await anyio.sleep_forever()


async def _send_piece(send: Send, piece: bytes) -> None:
    await send({"type": "http.response.body", "body": piece, "more_body": True})


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
