"""The composition root: the only module that knows every other.

Settings become engines, stores and services; the application's lifespan starts them in order
and stops them in the opposite one.
"""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import anyio
import anyio.abc
import structlog
from fastapi import FastAPI
from starlette.middleware.trustedhost import TrustedHostMiddleware

from voice_agent import __version__
from voice_agent.admin import pages
from voice_agent.api import (
    calls,
    chat_socket,
    health,
    knowledge,
    language_model,
    memory,
    understanding,
    voice_socket,
)
from voice_agent.api.errors import install_error_handlers
from voice_agent.api.health import HealthReport
from voice_agent.comprehension import open_understander
from voice_agent.config import Settings
from voice_agent.core.audio import PHONE, WIDEBAND
from voice_agent.core.call import Call, Disposition
from voice_agent.core.clock import Clock, LoopClock
from voice_agent.core.errors import StorageError
from voice_agent.core.ports import MediaTransport
from voice_agent.core.speech import SpeechRequest
from voice_agent.core.understanding import Understander
from voice_agent.core.usage import Usage
from voice_agent.engine_room import EngineRoom, open_engine_room
from voice_agent.engines.resilience.model import FailoverModel
from voice_agent.knowledge.retrieve import Knowledge
from voice_agent.memory.service import MemoryService
from voice_agent.pipeline.chat import ChatSession
from voice_agent.pipeline.directory import CallDirectory
from voice_agent.pipeline.journal import CallLogs
from voice_agent.pipeline.phrases import Phrases, load_phrases
from voice_agent.pipeline.session import SessionSettings
from voice_agent.pipeline.speech_chunker import Clause, clauses_of
from voice_agent.pipeline.switchboard import Switchboard, TermsOf
from voice_agent.pipeline.turns import TurnPolicy
from voice_agent.remembering import memory_service
from voice_agent.storage.sql.call_log import SqlCallLog
from voice_agent.storage.sql.call_records import SqlCallRecords
from voice_agent.storage.sql.database import Database
from voice_agent.storage.sql.repositories.terms import business_terms, caller_terms
from voice_agent.storage.sql.repositories.unanswered import SqlUnansweredQuestions
from voice_agent.storage.sql.seed import seed
from voice_agent.telephony.twilio import routes as twilio_routes
from voice_agent.telephony.twilio.settings import TwilioSettings
from voice_agent.tools.runner import ToolRunner
from voice_agent.toolshed import Toolshed, open_toolshed

log = structlog.get_logger(__name__)

SAMPLE_DATA: Final = "demo"
WARM_FOR: Final = 20.0
"""How long engines that were told of a call need not be told again (s)."""
LOCAL_TOKEN_FILE: Final = "local-twilio-token"  # noqa: S105 - a file's name


@dataclass(frozen=True, slots=True)
class Services:
    """What the routers use, on `app.state.services`."""

    clock: Clock
    calls: CallDirectory
    records: SqlCallRecords
    twilio: TwilioSettings
    run_call: Callable[[Call, MediaTransport], Awaitable[Disposition]]
    run_chat: Callable[..., Awaitable[Disposition]]
    ringing: Callable[[], None]
    model: FailoverModel
    system_prompt: Callable[[], str]
    price: Callable[[Usage], float | None]
    memory: MemoryService
    understander: Understander
    zone: ZoneInfo
    knowledge: Knowledge
    unanswered: SqlUnansweredQuestions
    health: Callable[[], Awaitable[HealthReport]]


def create_app(settings: Settings) -> FastAPI:
    """The application; nothing is opened before its lifespan begins."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            try:
                await _start(app, settings, stack)
            except Exception as failure:
                app.state.failure = failure
                raise
            yield

    app = FastAPI(title="Voice Agent", version=__version__, lifespan=lifespan)
    app.state.failure = None
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=settings.known_hosts)
    for router in (
        pages.router,
        health.router,
        calls.router,
        language_model.router,
        memory.router,
        understanding.router,
        knowledge.router,
        voice_socket.router,
        chat_socket.router,
        twilio_routes.router,
    ):
        app.include_router(router)
    install_error_handlers(app)
    return app


async def _start(app: FastAPI, settings: Settings, stack: AsyncExitStack) -> None:
    clock = LoopClock()
    _make_folder(settings.data_dir)
    database = await _open_database(settings, clock, stack)
    shed = await open_toolshed(settings, database, clock, stack)
    tools = shed.tools
    terms = await business_terms(database)
    session = _session_settings(settings)
    clauses = _fixed_clauses(session.phrases, settings.language)
    fixed = frozenset(clause.spoken for clause in clauses)
    room = await open_engine_room(settings, tools, clock, stack, terms=terms, fixed=fixed)
    engines = room.engines
    prompt = partial(session.system_prompt, clock)
    directory = CallDirectory()
    logs = CallLogs(await stack.enter_async_context(SqlCallLog(database)), directory)
    remembered = await stack.enter_async_context(
        memory_service(settings, database, room.model.candidates, clock)
    )
    switchboard = Switchboard(
        engines, session, clock, logs, terms_of=_terms_of(database), memory=remembered
    )
    chat = _chat(room, tools, prompt, logs, clock)
    ringing = await _get_ready(room, shed, clock, _prefetched(clauses, settings), stack)
    app.state.services = Services(
        clock=clock,
        calls=directory,
        records=SqlCallRecords(database),
        twilio=_twilio(settings),
        run_call=_around(switchboard.run_call, ringing, tools),
        run_chat=_around(chat.run, ringing, tools),
        ringing=ringing,
        model=room.model,
        system_prompt=prompt,
        price=engines.price,
        memory=remembered,
        understander=await open_understander(settings, room.model.candidates, clock, stack),
        zone=_zone(settings),
        knowledge=shed.knowledge,
        unanswered=shed.unanswered,
        health=_health(clock, directory, room, database),
    )
    app.state.drain = switchboard.drain


def _chat(
    room: EngineRoom, tools: ToolRunner, prompt: Callable[[], str], logs: CallLogs, clock: Clock
) -> ChatSession:
    engines = room.engines
    return ChatSession(
        engines.model,
        tools,
        prompt,
        logs,
        clock,
        engines=lambda: {"llm": engines.names["llm"]},
        price=engines.price,
    )


async def _open_database(settings: Settings, clock: Clock, stack: AsyncExitStack) -> Database:
    database = await stack.enter_async_context(Database(settings.database))
    if settings.sample_data:
        now = clock.wall()
        await seed(database, SAMPLE_DATA, today=now.astimezone(_zone(settings)).date(), now=now)
    return database


def _terms_of(database: Database) -> TermsOf:
    """What a caller is likely to say; nothing when the database does not know them or fails."""

    async def terms(call: Call) -> tuple[str, ...]:
        try:
            return await caller_terms(database, call.caller)
        except StorageError as error:
            log.warning("terms.unknown", reason=str(error))
            return ()

    return terms


def _session_settings(settings: Settings) -> SessionSettings:
    phrases = load_phrases(settings.language, settings.business_name, settings.greeting)
    policy = TurnPolicy(
        patience=settings.patience_ms / 1000,
        long_patience=settings.long_patience_ms / 1000,
        idle=settings.idle_s,
        longest_call=settings.longest_call_s,
    )
    return SessionSettings(phrases, policy, _zone(settings))


def _health(
    clock: Clock, directory: CallDirectory, room: EngineRoom, database: Database
) -> Callable[[], Awaitable[HealthReport]]:
    started = clock.now()

    async def report() -> HealthReport:
        problems: list[str] = []
        try:
            async with database.read():
                pass
        except StorageError as error:
            problems.append(str(error))
        return HealthReport(
            __version__,
            clock.now() - started,
            len(directory),
            room.engines.names,
            tuple(problems),
            tuple(room.statuses()),
        )

    return report


def _fixed_clauses(phrases: Phrases, language: str) -> list[Clause]:
    """The agent's own sentences as they are spoken."""
    return [clause for text in phrases.fixed for clause in clauses_of(text, language)]


def _prefetched(clauses: list[Clause], settings: Settings) -> list[SpeechRequest]:
    """What the agent always says, for both kinds of line."""
    return [
        SpeechRequest(
            clause.spoken,
            audio,
            settings.voice,
            markup=clause.markup,
            language=settings.language,
        )
        for clause in clauses
        for audio in (PHONE, WIDEBAND)
        if clause.spoken
    ]


async def _get_ready(
    room: EngineRoom,
    shed: Toolshed,
    clock: Clock,
    always_said: list[SpeechRequest],
    stack: AsyncExitStack,
) -> Callable[[], None]:
    """Make what is always said ready; returns what is to be called when the phone rings."""
    tasks = await stack.enter_async_context(anyio.create_task_group())
    stack.callback(tasks.cancel_scope.cancel)
    tasks.start_soon(room.prepare, always_said)
    tasks.start_soon(shed.read_documents)
    return _warming(room, clock, tasks)


def _warming(room: EngineRoom, clock: Clock, tasks: anyio.abc.TaskGroup) -> Callable[[], None]:
    """Tells the engines that a call is coming, at most every few seconds; never blocks."""
    warm_until = float("-inf")

    def ringing() -> None:
        nonlocal warm_until
        if clock.now() >= warm_until:
            warm_until = clock.now() + WARM_FOR
            tasks.start_soon(room.warm)

    return ringing


def _around(
    run: Callable[..., Awaitable[Disposition]], ringing: Callable[[], None], tools: ToolRunner
) -> Callable[..., Awaitable[Disposition]]:
    """The same; engines know that it begins, and its tools' results are forgotten afterwards."""

    async def run_and_forget(call: Call, *line: Any) -> Disposition:
        ringing()
        try:
            return await run(call, *line)
        finally:
            tools.forget(call.id)

    return run_and_forget


def _zone(settings: Settings) -> ZoneInfo:
    return ZoneInfo(settings.timezone)


def _twilio(settings: Settings) -> TwilioSettings:
    token = settings.twilio_auth_token.get_secret_value()
    return TwilioSettings(
        auth_token=token or _local_token(settings.data_dir / LOCAL_TOKEN_FILE),
        account_sid=settings.twilio_account_sid,
        public_url=settings.public_url,
        trusted_proxies=tuple(settings.trusted_proxies),
    )


def _local_token(path: Path) -> str:
    """A secret that only this machine's simulated phone can read."""
    try:
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(secrets.token_hex(16), "ascii")
        return path.read_text("ascii").strip()
    except OSError as error:
        raise StorageError(f"{path} cannot be used: {error.strerror}.") from error


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"The data folder {path} cannot be made: {error.strerror}. "
            "Choose another with --data-dir or VOICE_AGENT_DATA_DIR."
        ) from error
