"""The socket of the Realtime API: handshake, session, expiry, and bad days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import anyio
import anyio.abc
from starlette.requests import Request
from starlette.routing import BaseRoute, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from voice_agent.core.chat import ChatRequest
from voice_agent.core.errors import ProviderError
from voice_agent.core.ports import RecognitionStream
from voice_agent.core.speech import RecognitionEvent, RecognitionRequest
from voice_agent.simulation.providers.answers import dumps
from voice_agent.simulation.providers.desk import Desk
from voice_agent.simulation.providers.faulty_socket import (
    FaultySocket,
    SocketDialect,
    SocketGone,
    counted,
    deny,
    note,
)
from voice_agent.simulation.providers.openai.errors import DIALECT, authorize
from voice_agent.simulation.providers.openai.realtime_checks import Json
from voice_agent.simulation.providers.openai.realtime_events import Events
from voice_agent.simulation.providers.openai.realtime_response import Response
from voice_agent.simulation.providers.openai.realtime_session import RealtimeSession
from voice_agent.simulation.providers.openai.realtime_settings import MODELS, new_session
from voice_agent.simulation.providers.openai.realtime_speaker import PROVIDER, Speaker
from voice_agent.simulation.providers.openai.realtime_steps import Ask, Say, Step, Stop, Think
from voice_agent.simulation.providers.stream import Refused

LONGEST_SESSION: Final = 3600.0
"""Seconds."""
_OUTBOX: Final = 20_000
_REFUSED: Final = 4000
"""The close code after an error that ends the session at once."""


def routes(desk: Desk, longest_session: float = LONGEST_SESSION) -> Sequence[BaseRoute]:
    """The socket; `longest_session` in seconds."""

    async def realtime(websocket: WebSocket) -> None:
        socket = FaultySocket(websocket, _DIALECT, desk.fate(PROVIDER))
        note(desk, PROVIDER, websocket)
        if await socket.refused():
            return
        try:
            authorize(desk, Request({**websocket.scope, "type": "http", "method": "GET"}))
        except Refused as refused:
            await deny(websocket, refused.response)
            return
        async with counted(desk, PROVIDER):
            await _serve(desk, socket, longest_session)

    return [WebSocketRoute("/v1/realtime", realtime)]


async def _serve(desk: Desk, socket: FaultySocket, longest_session: float) -> None:
    protocols = socket.websocket.scope["subprotocols"]
    await socket.websocket.accept("realtime" if "realtime" in protocols else None)
    events = Events(desk.chance)
    try:
        if refusal := _refusal(events, socket.websocket):
            await socket.send(refusal)
            code = refusal["error"]["code"]
            await socket.close(_REFUSED, f"invalid_request_error.{code}")
        await _Shell(desk, socket, events, longest_session).run()
    except SocketGone:
        return


def _refusal(events: Events, websocket: WebSocket) -> Json | None:
    """Why the session does not begin at all, None when it does."""
    if "openai-beta" in websocket.headers:
        message = "The Realtime Beta API is no longer supported. Use the GA API at /v1/realtime."
        return events.error(message, "beta_api_shape_disabled")
    model = websocket.query_params.get("model", "")
    if not model:
        message = "You must provide a model parameter."
        return events.error(message, "missing_model", param="model")
    if model in MODELS:
        return None
    return events.error(
        f"The model `{model}` does not exist or you do not have access to it. "
        f"Realtime models are: {', '.join(MODELS)}.",
        "model_not_found",
        param="model",
    )


@dataclass(frozen=True, slots=True)
class _Goodbye:
    code: int
    reason: str


class _Shell:
    def __init__(
        self, desk: Desk, socket: FaultySocket, events: Events, longest_session: float
    ) -> None:
        self._desk, self._socket, self._events = desk, socket, events
        self._longest = longest_session
        model = socket.websocket.query_params["model"]
        until = int(datetime.now(UTC).timestamp() + longest_session)
        self._session = RealtimeSession(events, new_session(model, events.new_id("sess"), until))
        self._recognition: RecognitionStream | None = None
        self._outbox, self._out = anyio.create_memory_object_stream[Json | _Goodbye](_OUTBOX)
        self._scopes: dict[str, anyio.CancelScope] = {}
        self._group: anyio.abc.TaskGroup | None = None

    async def run(self) -> None:
        async with self._outbox, self._out, anyio.create_task_group() as group:
            self._group = group
            group.start_soon(self._send)
            group.start_soon(self._expire)
            self._carry_out(self._session.start())
            await self._read()
            group.cancel_scope.cancel()

    async def _read(self) -> None:
        """Serve the client; the recogniser is opened when the first sound comes."""
        steps = await self._read_until_sound()
        if steps is None:
            return
        audio = RecognitionRequest(self._session.settings.input_format)
        try:
            async with self._desk.recognizer.open(audio, self._heard) as recognition:
                self._recognition = recognition
                self._carry_out(steps)
                while (steps := await self._receive()) is not None:
                    self._carry_out(steps)
        except ProviderError:
            self._put(_Goodbye(1011, "server_error"))
            await self._receive()

    async def _read_until_sound(self) -> list[Step] | None:
        while (steps := await self._receive()) is not None:
            if any(isinstance(step, Ask) for step in steps):
                return steps
            self._carry_out(steps)
        return None

    async def _receive(self) -> list[Step] | None:
        """What the client's next message makes the session do, None when it has left."""
        try:
            message = await self._socket.websocket.receive()
        except (WebSocketDisconnect, RuntimeError):
            return None
        if message["type"] == "websocket.disconnect":
            return None
        return self._session.receive(message.get("text") or "")

    def _heard(self, event: RecognitionEvent) -> None:
        self._carry_out(self._session.heard(event))

    def _carry_out(self, steps: Sequence[Step]) -> None:
        for step in steps:
            match step:
                case Say():
                    self._put(step.event)
                case Ask() if self._recognition:
                    self._recognition.send(step.item)
                case Think() if self._group:
                    self._group.start_soon(self._answer, step.response, step.request)
                case Stop() if step.response.id in self._scopes:
                    self._scopes[step.response.id].cancel()

    async def _answer(self, response: Response, request: ChatRequest) -> None:
        with anyio.CancelScope() as scope:
            self._scopes[response.id] = scope
            speaker = Speaker(self._desk, response, lambda events: self._told(events, response))
            status, details = await speaker.run(request)
            self._carry_out(self._session.finished(response, status, details))
        del self._scopes[response.id]

    def _told(self, events: list[Json], response: Response) -> None:
        self._carry_out(self._session.progressed(events, response))

    def _put(self, item: Json | _Goodbye) -> None:
        try:
            self._outbox.send_nowait(item)
        except (anyio.WouldBlock, anyio.BrokenResourceError, anyio.ClosedResourceError):
            return  # a client that does not read gets nothing more

    async def _expire(self) -> None:
        await anyio.sleep(self._longest)
        minutes = round(self._longest / 60)
        message = f"Your session hit the maximum duration of {minutes} minutes."
        self._put(self._events.error(message, "session_expired"))
        self._put(_Goodbye(1001, "session_expired"))

    async def _send(self) -> None:
        try:
            async for item in self._out:
                if isinstance(item, _Goodbye):
                    await self._socket.close(item.code, item.reason)
                else:
                    await self._socket.send(item)
        except SocketGone:
            return


async def _fails_midway(socket: FaultySocket) -> None:
    error = {
        "type": "server_error",
        "code": None,
        "message": "The server had an error while processing your request.",
        "param": None,
        "event_id": None,
    }
    await socket.send_raw(dumps({"type": "error", "event_id": "event_failed", "error": error}))
    await socket.close(1011, "server_error")


_DIALECT: Final = SocketDialect(
    provider=PROVIDER,
    unauthorized=DIALECT.unauthorized,
    throttled=DIALECT.throttled,
    failed=DIALECT.failed,
    fails_midway=_fails_midway,
    garbage=(
        '{"type":"response.output_audio.delta","delta":',
        '{"type":"response.output_audio.delta","response_id":7,"item_id":[],"delta":"%%%"}',
        '{"type":"response.done","response":null}',
        '{"type":"input_audio_buffer.speech_started","audio_start_ms":"soon","item_id":1}',
        '{"type":17}',
        "[1,2,3]",
        '{"type":"surprise.delta","event_id":"event_x"}',
        b"\x00\x01\x02",
    ),
)
