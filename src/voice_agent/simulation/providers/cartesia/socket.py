"""`/tts/websocket`: many contexts on one socket."""

from collections.abc import AsyncIterator
from uuid import uuid4

import anyio
from starlette.requests import HTTPConnection
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from voice_agent.simulation.providers.cartesia.context import Booth, Context
from voice_agent.simulation.providers.cartesia.refusals import (
    THROTTLED,
    UNAUTHORIZED,
    Refusal,
    invalid,
    manners,
)
from voice_agent.simulation.providers.cartesia.requests import (
    Fields,
    Request,
    parse_object,
    read_request,
)
from voice_agent.simulation.providers.cartesia.rules import (
    NAME,
    SOCKETS_PER_CONTEXT,
    VERSIONS,
    Studio,
    rules_of,
)
from voice_agent.simulation.providers.desk import Desk
from voice_agent.simulation.providers.line import Line, open_line, turned_away


def socket_route(desk: Desk, studio: Studio) -> WebSocketRoute:
    """The socket."""

    async def serve(socket: WebSocket) -> None:
        version = version_of(socket)
        rules = manners(version or VERSIONS[-1])
        if await turned_away(desk, rules, socket):
            return
        try:
            admit(desk, studio, socket)
            _check_room(desk)
        except Refusal as refusal:
            await socket.send_denial_response(refusal.response(version or VERSIONS[-1]))
            return
        headers = {"x-request-id": str(uuid4())}
        async with (
            open_line(desk, rules, socket, headers) as line,
            anyio.create_task_group() as group,
        ):
            session = _Session(Booth(desk, studio, line, version, group))
            async for raw in _patiently(line, rules_of(desk).idle):
                await session.handle(raw)
            group.cancel_scope.cancel()

    return WebSocketRoute("/tts/websocket", serve)


def version_of(connection: HTTPConnection) -> str:
    """The API version a client asks for; the address wins over the header."""
    header = connection.headers.get("cartesia-version", "")
    return connection.query_params.get("cartesia_version", header)


def admit(desk: Desk, studio: Studio, connection: HTTPConnection) -> None:
    """Check version and key, wherever they stand; raises `Refusal`."""
    version = version_of(connection)
    if not version:
        raise invalid("The Cartesia-Version header is required.")
    if version not in VERSIONS:
        raise invalid(f"There is no API version {version}.")
    bearer = connection.headers.get("authorization", "").removeprefix("Bearer ")
    query = connection.query_params
    keys = (bearer, connection.headers.get("x-api-key", ""), query.get("api_key", ""))
    tokens = (bearer, query.get("access_token", ""))
    if not desk.keys.intersection(keys) and not any(map(studio.holds, tokens)):
        raise UNAUTHORIZED


class _Session:
    """What one socket's client does."""

    def __init__(self, booth: Booth) -> None:
        self._booth = booth
        self._contexts: dict[str, Context] = {}
        self._spent: set[str] = set()

    async def handle(self, raw: str | bytes) -> None:
        """The next message; what is wrong with it is answered and the socket lives on."""
        name: str | None = None
        try:
            fields = parse_object(raw)
            name = _context_id(fields)
            self._carry_out(name, fields)
        except Refusal as refusal:
            context = self._contexts.get(name or "")
            if context and name not in self._spent:
                await context.fail(refusal)
            else:
                await self._booth.line.send(refusal.event(self._booth.version, name))

    def _carry_out(self, name: str, fields: Fields) -> None:
        context = self._contexts.get(name)
        if fields.get("cancel"):
            if context:
                context.cancel()
                self._spent.add(name)
            return
        if name in self._spent:
            raise invalid("This context has ended; open one with another id.")
        request = read_request(fields, self._booth.version, self._booth.studio)
        context = context or self._opened(name, request)
        context.take(request)
        if not request.more:
            self._spent.add(name)

    def _opened(self, name: str, request: Request) -> Context:
        if self._booth.studio.active >= self._booth.rules.contexts:
            raise THROTTLED
        self._contexts[name] = Context(self._booth, request)
        self._booth.studio.active += 1
        self._booth.group.start_soon(self._run, name, self._contexts[name])
        return self._contexts[name]

    async def _run(self, name: str, context: Context) -> None:
        try:
            await context.run()
        finally:
            self._booth.studio.active -= 1
            self._spent.add(name)
            del self._contexts[name]


def _context_id(fields: Fields) -> str:
    name = fields.get("context_id")
    if not isinstance(name, str) or not name:
        raise invalid("context_id must be a string.")
    return name


def _check_room(desk: Desk) -> None:
    most = rules_of(desk).contexts * SOCKETS_PER_CONTEXT
    if desk.connections.get(NAME, 0) >= most:
        raise THROTTLED


async def _patiently(line: Line, idle: float) -> AsyncIterator[str | bytes]:
    """Messages; the socket closes when neither side has said anything for so long."""
    messages = line.messages()
    while True:
        raw: str | bytes | None = None
        with anyio.move_on_at(line.last_traffic + idle) as waiting:
            raw = await anext(messages, None)
        if raw is not None:
            yield raw
        elif not waiting.cancelled_caught:
            return
        else:
            messages = line.messages()
            if anyio.current_time() >= line.last_traffic + idle:
                await line.close(1000, "idle")
