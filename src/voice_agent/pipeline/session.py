"""A live call: one task group that reads, hears, thinks, speaks, and ends.

A driver hears and answers: the cascade of three engines, or a speech-to-speech model with the
cascade in reserve.

| task            | ends with                | must end within | what it may raise             |
|-----------------|--------------------------|-----------------|-------------------------------|
| reader          | the line                 | at once         | nothing: a lost line hangs up |
| driver          | the call                 | 1 s             | nothing: others take over     |
| conductor       | the call (it decides)    | at once         | a bug: the call fails, loudly |
| player          | the call                 | at once         | TransportClosed: hangs up     |
| reply (0 or 1)  | CancelReply, the call    | 0.1 s           | nothing: it apologises        |
"""

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import Final

import anyio
import structlog

from voice_agent.core.call import Call, Disposition
from voice_agent.core.clock import Clock
from voice_agent.core.errors import ProviderError, TransportClosed
from voice_agent.core.events import CallEnded, CallStarted, Trouble
from voice_agent.core.memory import CallRecollection
from voice_agent.core.ports import (
    AudioReceived,
    KeyReceived,
    LineClosed,
    MarkReached,
    MediaTransport,
)
from voice_agent.pipeline.cascade import CascadeDriver
from voice_agent.pipeline.conductor import Conductor
from voice_agent.pipeline.conversation import Conversation
from voice_agent.pipeline.driver import CallParts, ConversationDriver
from voice_agent.pipeline.duplex import DuplexDriver
from voice_agent.pipeline.engine_reports import EngineReports
from voice_agent.pipeline.engines import Engines
from voice_agent.pipeline.journal import Journal, Reader
from voice_agent.pipeline.phrases import Phrases
from voice_agent.pipeline.player import Player, PlayerListener
from voice_agent.pipeline.playout import PlayoutLedger
from voice_agent.pipeline.speaking import Voice
from voice_agent.pipeline.turns import (
    HungUp,
    LeaveRequested,
    ReplyAudible,
    ReplyFinished,
    ReplyQuiet,
    ReplyReason,
    TurnPolicy,
)

log = structlog.get_logger(__name__)

CLOSING_WITHIN: Final = 3.0
"""How long hanging up may take (s)."""


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """How this business's agent behaves on a call."""

    phrases: Phrases
    policy: TurnPolicy
    timezone: tzinfo
    prompt_addition: str = ""

    def recalling(self, recollection: CallRecollection) -> "SessionSettings":
        """The same for one call, with what is known of its caller."""
        standard = self.phrases.say(ReplyReason.GREET, 0)
        return replace(
            self,
            phrases=replace(self.phrases, greeting=recollection.greeting(standard)),
            prompt_addition=recollection.prompt_addition,
        )

    def system_prompt(self, clock: Clock) -> str:
        """Instructions for the language model, as of now."""
        now = clock.wall().astimezone(self.timezone)
        instructions = self.phrases.system_prompt(
            today=f"{now:%A, %B} {now.day}, {now.year}",
            time=f"{now:%H:%M}",
            timezone=str(self.timezone),
        )
        return "\n\n".join(filter(None, (instructions, self.prompt_addition)))


class CallSession:
    """Runs one call from its first sound to its end."""

    def __init__(
        self,
        call: Call,
        transport: MediaTransport,
        *,
        engines: Engines,
        settings: SessionSettings,
        clock: Clock,
        readers: Sequence[Reader] = (),
    ) -> None:
        self._call = call
        self._transport = transport
        self._engines = engines
        self._settings = settings
        self._clock = clock
        self._journal = Journal(call.id, clock, (*readers, transport.show))
        self._conductor = Conductor(
            settings.policy, self._journal, clock, settings.phrases.human_key
        )
        ledger = PlayoutLedger()
        self._player = Player(transport, ledger, clock, self._player_listener())
        parts = CallParts(
            call=call,
            transport=transport,
            engines=engines,
            phrases=settings.phrases,
            player=self._player,
            ledger=ledger,
            journal=self._journal,
            clock=clock,
            voice=Voice(
                engines.synthesizer,
                self._player,
                ledger,
                transport.format,
                voice=engines.voice,
                language=engines.language,
            ),
            conversation=Conversation(),
            emit=self._conductor.tell,
            trouble=self._trouble,
            reports=EngineReports(self._journal, engines.price),
            system_prompt=lambda: settings.system_prompt(clock),
        )
        self._driver = _driver(parts)

    def leave(self, disposition: Disposition = Disposition.SERVER_STOPPED) -> None:
        """Say goodbye and end the call."""
        self._conductor.tell(LeaveRequested(disposition))

    async def run(self) -> Disposition:
        """Hold the call; returns how it ended and never raises but for cancellation."""
        call = self._call
        self._journal.write(
            CallStarted(call.channel, call.direction, call.caller, dict(self._engines.names))
        )
        disposition = Disposition.SERVER_STOPPED
        try:
            disposition = await self._converse()
        except Exception:
            log.exception("call.crashed", call=call.id)
            disposition = Disposition.FAILED
        finally:
            self._journal.write(CallEnded(disposition, round(self._journal.elapsed, 3)))
            with anyio.move_on_after(CLOSING_WITHIN, shield=True):
                await self._transport.close()
        return disposition

    async def _converse(self) -> Disposition:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._driver.open())
            tasks = await stack.enter_async_context(anyio.create_task_group())
            tasks.start_soon(self._read)
            tasks.start_soon(self._play)
            disposition = await self._conductor.run(self._driver, tasks)
            tasks.cancel_scope.cancel()
        return disposition

    async def _read(self) -> None:
        clean = False
        try:
            async for event in self._transport.events():
                match event:
                    case AudioReceived():
                        self._driver.hear(event.frame)
                    case MarkReached():
                        self._player.mark_returned(event.name, heard=event.heard)
                    case KeyReceived():
                        self._conductor.key_pressed(event.digit)
                    case LineClosed():
                        clean = event.clean
        except TransportClosed:
            clean = False
        self._conductor.tell(
            HungUp(Disposition.CALLER_HUNG_UP if clean else Disposition.CONNECTION_LOST)
        )

    async def _play(self) -> None:
        try:
            await self._player.run()
        except TransportClosed:
            self._conductor.tell(HungUp(Disposition.CONNECTION_LOST))

    def _player_listener(self) -> PlayerListener:
        tell: Callable[..., None] = self._conductor.tell
        return PlayerListener(
            audible=lambda turn: tell(ReplyAudible(turn)),
            quiet=lambda turn: tell(ReplyQuiet(turn)),
            finished=lambda turn: tell(ReplyFinished(turn)),
        )

    def _trouble(self, error: ProviderError) -> None:
        log.warning("engine.failed", call=self._call.id, provider=error.provider, code=error.code)
        self._journal.write(Trouble(error.code, error.provider, str(error)))


def _driver(parts: CallParts) -> ConversationDriver:
    if parts.engines.realtime is None:
        return CascadeDriver(parts)
    return DuplexDriver(parts.engines.realtime, parts)
