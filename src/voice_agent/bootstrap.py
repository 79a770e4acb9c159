"""The composition root: the only module that knows every other.

Settings become engines, stores and services; the application's lifespan starts them in order
and stops them in the opposite one.
"""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import structlog
from fastapi import FastAPI
from starlette.middleware.trustedhost import TrustedHostMiddleware

from voice_agent import __version__
from voice_agent.admin import pages
from voice_agent.api import calls, chat_socket, health, voice_socket
from voice_agent.api.errors import install_error_handlers
from voice_agent.api.health import HealthReport
from voice_agent.config import Settings
from voice_agent.core.call import Call, Disposition
from voice_agent.core.clock import Clock, LoopClock
from voice_agent.core.errors import StorageError
from voice_agent.core.ports import MediaTransport
from voice_agent.engines.nlu.questions import expectation_of
from voice_agent.engines.registry import Kind, Provider
from voice_agent.engines.selection import ChosenEngine, choose_engine
from voice_agent.pipeline.chat import ChatSession
from voice_agent.pipeline.directory import CallDirectory
from voice_agent.pipeline.engines import Engines
from voice_agent.pipeline.journal import CallLogs
from voice_agent.pipeline.phrases import load_phrases
from voice_agent.pipeline.session import SessionSettings
from voice_agent.pipeline.switchboard import Switchboard
from voice_agent.pipeline.turns import TurnPolicy
from voice_agent.storage.sql.call_log import SqlCallLog
from voice_agent.storage.sql.call_records import SqlCallRecords
from voice_agent.storage.sql.database import Database
from voice_agent.storage.sql.repositories.departments import SqlDepartments
from voice_agent.storage.sql.repositories.orders import SqlOrders
from voice_agent.storage.sql.repositories.terms import business_terms
from voice_agent.storage.sql.repositories.transfers import SqlTransfers
from voice_agent.storage.sql.seed import seed
from voice_agent.telephony.twilio import routes as twilio_routes
from voice_agent.telephony.twilio.settings import TwilioSettings
from voice_agent.tools.business import Business
from voice_agent.tools.registry import builtin_tools
from voice_agent.tools.runner import ToolRunner, allow_all

log = structlog.get_logger(__name__)

SAMPLE_DATA: Final = "demo"
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
    tools = _tools(database, clock)
    engines = await _engines(settings, tools, await business_terms(database), stack)
    directory = CallDirectory()
    logs = CallLogs(await stack.enter_async_context(SqlCallLog(database)), directory)
    session = _session_settings(settings)
    switchboard = Switchboard(engines, session, clock, logs)
    chat = ChatSession(
        engines.model,
        tools,
        lambda: session.system_prompt(clock),
        logs,
        clock,
        engines={"llm": engines.names["llm"]},
    )
    app.state.services = Services(
        clock=clock,
        calls=directory,
        records=SqlCallRecords(database),
        twilio=_twilio(settings),
        run_call=_forgetting(switchboard.run_call, tools),
        run_chat=_forgetting(chat.run, tools),
        health=_health(clock, directory, engines, database),
    )
    app.state.drain = switchboard.drain


async def _open_database(settings: Settings, clock: Clock, stack: AsyncExitStack) -> Database:
    database = await stack.enter_async_context(Database(settings.database))
    if settings.sample_data:
        now = clock.wall()
        await seed(database, SAMPLE_DATA, today=now.astimezone(_zone(settings)).date(), now=now)
    return database


def _tools(database: Database, clock: Clock) -> ToolRunner:
    business = Business(
        orders=SqlOrders(database),
        departments=SqlDepartments(database),
        transfers=SqlTransfers(database),
        clock=clock,
    )
    return ToolRunner(builtin_tools(), business.services(), authorize=allow_all, clock=clock)


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
    clock: Clock, directory: CallDirectory, engines: Engines, database: Database
) -> Callable[[], Awaitable[HealthReport]]:
    started = clock.now()

    async def report() -> HealthReport:
        problems: list[str] = []
        try:
            async with database.read():
                pass
        except StorageError as error:
            problems.append(str(error))
        uptime = clock.now() - started
        return HealthReport(__version__, uptime, len(directory), engines.names, tuple(problems))

    return report


def _forgetting(
    run: Callable[..., Awaitable[Disposition]], tools: ToolRunner
) -> Callable[..., Awaitable[Disposition]]:
    """The same, and the tools' results of a call are forgotten once it is over."""

    async def run_and_forget(call: Call, *line: Any) -> Disposition:
        try:
            return await run(call, *line)
        finally:
            tools.forget(call.id)

    return run_and_forget


async def _engines(
    settings: Settings, tools: ToolRunner, terms: tuple[str, ...], stack: AsyncExitStack
) -> Engines:
    def options(provider: Provider) -> dict[str, Any]:
        values = settings.options_for(provider.kind, provider.name)
        offered = {
            "cache_dir": settings.data_dir / "cache",
            "timezone": settings.timezone,
            "language": settings.language,
            "phrases": terms,
        }
        known = provider.options.model_fields
        return {**{key: value for key, value in offered.items() if key in known}, **values}

    chosen: dict[Kind, ChosenEngine] = {}
    for kind, names in (
        (Kind.VAD, settings.vad),
        (Kind.STT, settings.stt),
        (Kind.LLM, settings.llm),
        (Kind.TTS, settings.tts),
    ):
        chosen[kind] = await choose_engine(kind, names, options, stack)
    return Engines(
        detector=chosen[Kind.VAD].engine,
        recognizer=chosen[Kind.STT].engine,
        model=chosen[Kind.LLM].engine,
        synthesizer=chosen[Kind.TTS].engine,
        tools=tools,
        names={kind.value: engine.name for kind, engine in chosen.items()},
        language=settings.language,
        voice=settings.voice,
        phrases=terms,
        expectation_of=expectation_of,
    )


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
