"""The two text-to-speech WebSockets: one stream, and up to five contexts at a time."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final
from uuid import uuid4

import anyio
from starlette.datastructures import QueryParams
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from voice_agent.simulation.providers.desk import Desk
from voice_agent.simulation.providers.elevenlabs.context import (
    FAILED,
    Booth,
    Context,
    Ending,
    Setup,
)
from voice_agent.simulation.providers.elevenlabs.messages import (
    POLICY,
    SETTINGS_CHANGED,
    ClientMessage,
    Violation,
    parse,
)
from voice_agent.simulation.providers.elevenlabs.refusals import manners, refusal, unauthorized
from voice_agent.simulation.providers.elevenlabs.rules import (
    DEFAULT_FORMAT,
    DEFAULT_INACTIVITY,
    DEFAULT_MODEL,
    FORMATS,
    LONGEST_INACTIVITY,
    MODELS,
    Studio,
    rules_of,
)
from voice_agent.simulation.providers.line import Line, open_line, turned_away

DEFAULT_CONTEXT: Final = "default"
FLUSH_WITHIN: Final = 30.0
"""How long a socket that is asked to close goes on speaking (s)."""


def socket_routes(desk: Desk, studio: Studio) -> list[WebSocketRoute]:
    """Both sockets."""
    base = "/v1/text-to-speech/{voice}"
    return [
        WebSocketRoute(f"{base}/stream-input", _served(desk, studio, SingleStream)),
        WebSocketRoute(f"{base}/multi-stream-input", _served(desk, studio, ManyContexts)),
    ]


class SingleStream:
    """`stream-input`: one text, one voice, and the socket ends with it."""

    def __init__(self, booth: Booth) -> None:
        """On a socket that was accepted."""
        self._booth = booth
        self._context: Context | None = None

    async def handle(self, message: ClientMessage) -> None:
        """The next message.

        Raises:
            Violation: it breaks a rule.
        """
        if self._context is None:
            _expect_a_space(message)
            self._context = Context(self._booth, message)
            self._booth.group.start_soon(self._run, self._context)
        _expect_same_settings(self._context, message)
        self._context.take(message)
        if message.text == "":
            self._context.close()

    async def silent(self) -> None:
        """The client never began."""
        if self._context is None:
            await _end(self._booth.line, _too_silent(self._booth))

    async def _run(self, context: Context) -> None:
        match await context.run():
            case Ending.SILENT:
                await _end(self._booth.line, _too_silent(self._booth))
            case Ending.FAILED:
                await self._booth.line.close(FAILED.code, FAILED.message)
            case Ending.CLOSED:
                await self._booth.line.close()


class ManyContexts:
    """`multi-stream-input`: contexts come and go; each counts until its final message is out."""

    def __init__(self, booth: Booth) -> None:
        """On a socket that was accepted."""
        self._booth = booth
        self._contexts: dict[str, Context] = {}
        self._known: set[str] = set()
        self._ended = anyio.Event()
        self._leaving = False

    async def handle(self, message: ClientMessage) -> None:
        """The next message.

        Raises:
            Violation: it breaks a rule.
        """
        if message.close_socket:
            await self._leave()
            return
        if message.context_id is None and message.text == "":
            return
        name = message.context_id or DEFAULT_CONTEXT
        context = self._contexts.get(name) or self._opened(name, message)
        _expect_same_settings(context, message)
        context.take(message)

    async def silent(self) -> None:
        """Nothing came for the whole time."""
        if not self._leaving:
            await _end(self._booth.line, _too_silent(self._booth))

    def _opened(self, name: str, message: ClientMessage) -> Context:
        """A new context: a proper one, or one that a stray message conjures up."""
        most = rules_of(self._booth.desk).contexts
        if len(self._contexts) >= most:
            raise Violation(
                "Maximum simultaneous contexts per WebSocket connection exceeded "
                f"({most}). Please close an existing context before opening "
                "a new one.",
                "max_active_conversations",
            )
        if message.text and name not in self._known:
            _expect_a_space(message)
        self._known.add(name)
        self._contexts[name] = Context(self._booth, message)
        self._booth.group.start_soon(self._run, name, self._contexts[name])
        return self._contexts[name]

    async def _run(self, name: str, context: Context) -> None:
        ending = await context.run()
        del self._contexts[name]
        self._ended.set()
        self._ended = anyio.Event()
        if ending is Ending.FAILED:
            await self._booth.line.close(FAILED.code, FAILED.message)

    async def _leave(self) -> None:
        self._leaving = True
        for context in self._contexts.values():
            context.close()
        with anyio.move_on_after(FLUSH_WITHIN):
            while self._contexts:
                await self._ended.wait()
        await self._booth.line.close()


Session = SingleStream | ManyContexts


def _served(
    desk: Desk, studio: Studio, session: type[Session]
) -> Callable[[WebSocket], Awaitable[None]]:
    async def serve(socket: WebSocket) -> None:
        if await turned_away(desk, manners(desk), socket) or await _refused(desk, socket):
            return
        async with open_line(desk, manners(desk), socket, {"request-id": uuid4().hex}) as line:
            try:
                setup = _setup(desk, studio, socket)
                async with anyio.create_task_group() as group:
                    booth = Booth(desk, studio, line, setup, group)
                    await _converse(booth, session(booth), trusted=bool(_key(socket)))
                    group.cancel_scope.cancel()
            except Violation as violation:
                await _end(line, violation)

    return serve


async def _converse(booth: Booth, session: Session, *, trusted: bool) -> None:
    """Until either side leaves; what breaks a rule ends the socket."""
    async for raw in _patiently(booth.line, booth.setup.inactivity, session):
        try:
            message = parse(raw)
            if not trusted:
                _check_key(message, booth.desk)
            trusted = True
            await session.handle(message)
        except Violation as violation:
            await _end(booth.line, violation)


def _check_key(message: ClientMessage, desk: Desk) -> None:
    if message.key not in desk.keys:
        raise Violation("Invalid API key", "invalid_api_key")


async def _patiently(line: Line, seconds: float, session: Session) -> AsyncIterator[str | bytes]:
    """Messages; the session is told when none came for so long."""
    messages = line.messages()
    while True:
        raw: str | bytes | None = None
        with anyio.move_on_after(seconds) as waiting:
            raw = await anext(messages, None)
        if waiting.cancelled_caught:
            await session.silent()
            messages = line.messages()
        elif raw is None:
            return
        else:
            yield raw


async def _refused(desk: Desk, socket: WebSocket) -> bool:
    """What is already wrong at the handshake."""
    rules, key = rules_of(desk), _key(socket)
    model = socket.query_params.get("model_id", DEFAULT_MODEL)
    if key and key not in desk.keys:
        await socket.send_denial_response(unauthorized(rules))
    elif model in MODELS and not MODELS[model].sockets:
        await socket.send_denial_response(
            refusal(
                rules,
                403,
                "authorization_error",
                "model_not_supported",
                f"Model {model} is not available on text-to-speech WebSockets.",
                param="model_id",
            )
        )
    else:
        return False
    return True


def _key(socket: WebSocket) -> str:
    return socket.headers.get("xi-api-key") or socket.query_params.get("single_use_token", "")


def _setup(desk: Desk, studio: Studio, socket: WebSocket) -> Setup:
    query, voice = socket.query_params, socket.path_params["voice"]
    if voice not in studio.voices:
        raise Violation(f"A voice with voice_id {voice} does not exist.", "voice_id_does_not_exist")
    model = query.get("model_id", DEFAULT_MODEL)
    if model not in MODELS:
        raise Violation(f"A model with model_id {model} does not exist.", "model_id_does_not_exist")
    form = query.get("output_format", DEFAULT_FORMAT)
    if form not in FORMATS:
        raise Violation(f"Unsupported output_format {form}.", "output_format_not_allowed")
    language = query.get("language_code", "en")
    if language not in MODELS[model].languages:
        raise Violation(f"Model {model} does not speak {language}.", "unsupported_language")
    return Setup(
        FORMATS[form],
        language,
        _flag(query, "auto_mode"),
        _flag(query, "enable_ssml_parsing"),
        _flag(query, "sync_alignment"),
        rules_of(desk).inactivity or _inactivity(query),
    )


def _flag(query: QueryParams, name: str) -> bool:
    value = query.get(name, "false").lower()
    if value not in ("true", "false", "1", "0"):
        raise Violation(f"{name} must be true or false.", "invalid_parameters")
    return value in ("true", "1")


def _inactivity(query: QueryParams) -> float:
    value = query.get("inactivity_timeout", str(DEFAULT_INACTIVITY))
    if not value.isdecimal() or not 0 < int(value) <= LONGEST_INACTIVITY:
        raise Violation(
            f"inactivity_timeout must be 1 to {LONGEST_INACTIVITY}.", "invalid_parameters"
        )
    return float(value)


def _expect_a_space(message: ClientMessage) -> None:
    if message.text != " ":
        raise Violation("The first text must be a single space.", "invalid_first_message")


def _expect_same_settings(context: Context, message: ClientMessage) -> None:
    if message.settings is not None and message.settings != context.settings:
        raise Violation(SETTINGS_CHANGED, "voice_settings_changed")


def _too_silent(booth: Booth) -> Violation:
    seconds = booth.setup.inactivity
    return Violation(
        f"Have not received a new text input within the timeout of {seconds:g} seconds.",
        "input_timeout_exceeded",
        rules_of(booth.desk).inactivity_code,
    )


async def _end(line: Line, violation: Violation) -> None:
    if violation.code >= POLICY:
        await line.send(violation.event())
    await line.close(violation.code, violation.message)
