"""The routes of the speech-to-text vendor: handshake first, then a session."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from voice_agent.core.audio import AudioFormat
from voice_agent.simulation.providers.answers import dumps
from voice_agent.simulation.providers.deepgram import flux_query, nova_query, refusals
from voice_agent.simulation.providers.deepgram.flux_messages import FluxMessages
from voice_agent.simulation.providers.deepgram.flux_session import FluxSession
from voice_agent.simulation.providers.deepgram.habits import Habits
from voice_agent.simulation.providers.deepgram.nova_messages import NovaMessages
from voice_agent.simulation.providers.deepgram.nova_session import NET_0000, NovaSession
from voice_agent.simulation.providers.deepgram.shell import PROVIDER, Session, Shell
from voice_agent.simulation.providers.desk import Desk, Seen
from voice_agent.simulation.providers.faults import Fault, FaultKind
from voice_agent.simulation.providers.faulty_socket import (
    FaultySocket,
    SocketDialect,
    SocketGone,
    counted,
    deny,
    note,
)
from voice_agent.simulation.providers.server import drop

SPENT_KEY: Final = "simulated-key-without-credit"
"""A key whose project has no credits left."""

Pairs = Sequence[tuple[str, str]]
Opened = tuple[Session, AudioFormat | None, str]
"""A session, what its audio is, its language."""


def routes(desk: Desk, habits: Habits | None = None) -> Sequence[BaseRoute]:
    """Everything the vendor answers to; `habits` make its patience short for tests."""
    patience = habits or Habits()

    async def nova(websocket: WebSocket) -> None:
        await _listen(
            desk, patience, FaultySocket(websocket, _NOVA, desk.fate(PROVIDER)), _open_nova
        )

    async def flux(websocket: WebSocket) -> None:
        await _listen(
            desk, patience, FaultySocket(websocket, _FLUX, desk.fate(PROVIDER)), _open_flux
        )

    async def projects(request: Request) -> Response:
        return _projects(desk, request)

    return [
        WebSocketRoute("/v1/listen", nova),
        WebSocketRoute("/v2/listen", flux),
        Route("/v1/projects", projects),
    ]


def _open_nova(pairs: Pairs, request_id: str, habits: Habits) -> Opened:
    query = nova_query.read_query(pairs)
    created = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    session = NovaSession(query, NovaMessages(query, request_id, created), habits)
    return session, query.audio, query.language


def _open_flux(pairs: Pairs, request_id: str, habits: Habits) -> Opened:
    query = flux_query.read_query(pairs)
    session = FluxSession(query, FluxMessages(query, request_id), habits)
    language = query.language_hints[0] if query.language_hints else "en"
    return session, query.audio, language


async def _listen(
    desk: Desk,
    habits: Habits,
    socket: FaultySocket,
    open_session: Callable[[Pairs, str, Habits], Opened],
) -> None:
    request_id, websocket = refusals.new_request_id(), socket.websocket
    note(desk, PROVIDER, websocket)
    if await socket.refused():
        return
    if response := _not_allowed(desk, habits, _key(websocket), request_id):
        await deny(websocket, response)
        return
    try:
        opened = open_session(websocket.query_params.multi_items(), request_id, habits)
    except refusals.BadQuery as error:
        await deny(websocket, refusals.bad_query(error, request_id))
        return
    async with counted(desk, PROVIDER):
        await _serve(desk, socket, request_id, opened)


async def _serve(desk: Desk, socket: FaultySocket, request_id: str, opened: Opened) -> None:
    session, audio, language = opened
    protocol = "token" if "token" in socket.websocket.scope["subprotocols"] else None
    await socket.websocket.accept(protocol, headers=[(b"dg-request-id", request_id.encode())])
    try:
        await Shell(desk, socket, session, audio).run(language)
    except SocketGone:
        return


def _not_allowed(desk: Desk, habits: Habits, key: str, request_id: str) -> Response | None:
    if key == SPENT_KEY:
        return refusals.without_credit(request_id)
    if key not in desk.keys:
        return refusals.unauthorized(request_id)
    if desk.connections.get(PROVIDER, 0) >= habits.connections:
        return refusals.throttled()
    return None


def _key(connection: WebSocket | Request) -> str:
    """The key of `Authorization: Token …` or of a browser's sub-protocol."""
    scheme, _, key = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() in ("token", "bearer"):
        return key.strip()
    offered = list(connection.scope.get("subprotocols", ()))
    return offered[1] if len(offered) == 2 and offered[0] == "token" else ""


def _projects(desk: Desk, request: Request) -> Response:
    fault = desk.fate(PROVIDER)
    desk.journal.append(Seen(PROVIDER, request.url.path, None, dict(request.headers)))
    if fault and (response := _struck(fault, request)):
        return response
    if _key(request) not in desk.keys | {SPENT_KEY}:
        return refusals.unauthorized()
    body = {"projects": [{"project_id": refusals.new_request_id(), "name": "Simulated"}]}
    return Response(dumps(body), media_type="application/json")


def _struck(fault: Fault, request: Request) -> Response | None:
    match fault.kind:
        case FaultKind.UNAUTHORIZED:
            return refusals.unauthorized()
        case FaultKind.THROTTLE:
            return refusals.throttled()
        case FaultKind.ERROR:
            return refusals.failed()
        case FaultKind.REFUSE | FaultKind.RESET:
            drop(request.scope)
    return None


async def _nova_fails(socket: FaultySocket) -> None:
    await socket.close(1011, NET_0000)


async def _flux_fails(socket: FaultySocket) -> None:
    failure = {"code": "INTERNAL_SERVER_ERROR", "description": "Transcription failed."}
    await socket.send_raw(dumps({"type": "Error", "sequence_id": socket.sent, **failure}))
    await socket.close(1011, "INTERNAL_SERVER_ERROR")


def _dialect(fails_midway: Callable[[FaultySocket], Awaitable[None]]) -> SocketDialect:
    return SocketDialect(
        provider=PROVIDER,
        unauthorized=refusals.unauthorized,
        throttled=refusals.throttled,
        failed=refusals.failed,
        fails_midway=fails_midway,
        garbage=_GARBAGE,
    )


_GARBAGE: Final = (
    '{"type":"Results","channel":',
    (
        '{"type":"Results","channel_index":[0,1],"start":"soon","duration":null,'
        '"is_final":1,"channel":{"alternatives":{"transcript":7}}}'
    ),
    (
        '{"type":"Results","channel_index":[0,1],"duration":1.0,"start":0.0,"is_final":true,'
        '"speech_final":true,"channel":{"alternatives":[]},"metadata":{}}'
    ),
    '{"type":"TurnInfo","event":5,"turn_index":"one","transcript":null,"words":{}}',
    "[1,2,3]",
    '{"type":"Surprise"}',
    b"\x00\x01\x02",
)
_NOVA: Final = _dialect(_nova_fails)
_FLUX: Final = _dialect(_flux_fails)
