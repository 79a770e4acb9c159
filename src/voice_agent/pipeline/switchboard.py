"""All live calls: begins their sessions, and lets them end when the server stops."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

import anyio
import structlog

from voice_agent.core.call import Call, Disposition
from voice_agent.core.clock import Clock
from voice_agent.core.memory import CallMemory
from voice_agent.core.ports import CallLog, MediaTransport
from voice_agent.pipeline.engines import Engines
from voice_agent.pipeline.journal import Reader
from voice_agent.pipeline.session import CallSession, SessionSettings

logger = structlog.get_logger(__name__)

DRAIN_WITHIN: Final = 12.0
"""How long callers are given to hear the goodbye when the server stops (s)."""
TERMS_WITHIN: Final = 0.1
"""How long a call waits for what its caller is likely to say (s)."""

TermsOf = Callable[[Call], Awaitable[tuple[str, ...]]]


async def _no_terms(_call: Call) -> tuple[str, ...]:
    return ()


class Switchboard:
    """Runs calls, many at a time."""

    def __init__(
        self,
        engines: Engines,
        settings: SessionSettings,
        clock: Clock,
        log: CallLog,
        *,
        terms_of: TermsOf = _no_terms,
        memory: CallMemory | None = None,
    ) -> None:
        """`terms_of` tells what a caller is likely to say; it gets a moment only."""
        self._terms_of = terms_of
        self._memory = memory
        self._engines = engines
        self._settings = settings
        self._clock = clock
        self._log = log
        self._sessions: set[CallSession] = set()
        self._empty = anyio.Event()

    def __len__(self) -> int:
        """Calls that are live now."""
        return len(self._sessions)

    async def run_call(self, call: Call, transport: MediaTransport) -> Disposition:
        """Lead a call to its end; never raises but for cancellation."""
        self._log.begin(call)
        session = await self._session(call, transport)
        self._sessions.add(session)
        logger.info("call.started", call=call.id, channel=call.channel.value)
        try:
            disposition = await session.run()
        finally:
            self._sessions.discard(session)
            if not self._sessions:
                self._empty.set()
        logger.info("call.ended", call=call.id, disposition=disposition.value)
        return disposition

    async def _session(self, call: Call, transport: MediaTransport) -> CallSession:
        """A session that knows of its caller what may be known."""
        engines, settings = await self._engines_for(call), self._settings
        readers: list[Reader] = [self._log.append]
        if self._memory is not None:
            known = await self._memory.begin(call)
            engines = replace(engines, model=known.model(engines.model))
            settings = settings.recalling(known)
            readers.append(known.note)
        return CallSession(
            call,
            transport,
            engines=engines,
            settings=settings,
            clock=self._clock,
            readers=readers,
        )

    async def _engines_for(self, call: Call) -> Engines:
        """The engines, listening for this caller's own words first."""
        terms: tuple[str, ...] = ()
        with anyio.move_on_after(TERMS_WITHIN):
            terms = await self._terms_of(call)
        known = self._engines.phrases
        return replace(self._engines, phrases=tuple(dict.fromkeys((*terms, *known))))

    async def drain(self) -> None:
        """Say goodbye in every call and wait, within a deadline, until they are over."""
        if not self._sessions:
            return
        self._empty = anyio.Event()
        logger.info("calls.draining", calls=len(self._sessions))
        for session in self._sessions:
            session.leave(Disposition.SERVER_STOPPED)
        with anyio.move_on_after(DRAIN_WITHIN):
            await self._empty.wait()
