"""One small façade over memory: what a call's beginning, middle and end need of it.

    begin(call) ──► Recollection ── greeting, prompt_addition, model   what the agent knows
                        ▲  note(event), never blocks                   what happens
                        └─ end(disposition) ──► in the background      what is kept

The voice path waits at most `RECALL_WITHIN` for a recollection and for nothing else.
"""

from collections.abc import Callable, Coroutine
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Literal, Self
from weakref import WeakSet

import anyio
import structlog

from voice_agent.core.call import Call, Disposition
from voice_agent.core.clock import Clock
from voice_agent.core.errors import NotFoundError
from voice_agent.core.memory import (
    CallerId,
    CallerMemory,
    CallerProfile,
    Consent,
    ConsentSource,
    MemoryMode,
    remembered,
)
from voice_agent.core.ports import LanguageModel
from voice_agent.memory.caller_keys import CallerKeys
from voice_agent.memory.conversation import ConversationMemory
from voice_agent.memory.forgetting import SWEEP_EVERY, ErasureCertificate, export_document
from voice_agent.memory.profile import UserMemory
from voice_agent.memory.recollection import MemorySettings, Recollection
from voice_agent.memory.summariser import Summariser
from voice_agent.memory.wording import load_wording

log = structlog.get_logger(__name__)

RECALL_WITHIN: Final = 0.05
"""How long a call's beginning waits for what is known of its caller (s)."""
KEEP_WITHIN: Final = 30.0
"""How long what a call taught may take to be kept, minutes included (s)."""
DRAIN_WITHIN: Final = 5.0
"""How long leaving waits for what is still to be kept (s)."""
_TURNS_WORTH_MINUTES: Final = 3


class MemoryService:
    """All memory of a running server; an async context manager that sweeps and drains."""

    def __init__(
        self,
        settings: MemorySettings,
        callers: CallerMemory,
        keys: CallerKeys,
        clock: Clock,
        summariser_model: LanguageModel | None = None,
    ) -> None:
        """`summariser_model` must be one that follows instructions; None: extracts only."""
        self.settings = settings
        self.wording = load_wording(settings.language)
        self._callers = callers
        self._keys = keys
        self._clock = clock
        self._summariser = Summariser(summariser_model, self.wording)
        self._minutes = settings.minutes and summariser_model is not None
        self._live: WeakSet[Recollection] = WeakSet()
        self._keeping: set[Recollection] = set()
        self._kept = anyio.Event()
        self._closed = False

    async def __aenter__(self) -> Self:
        """Begin to remove what is too old, now and then."""
        self._tasks = anyio.create_task_group()
        await self._tasks.__aenter__()
        if self.settings.mode is MemoryMode.CALLERS:
            self._tasks.start_soon(self._sweep)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Keep what is still to be kept, within a deadline."""
        with anyio.move_on_after(DRAIN_WITHIN, shield=True):
            while self._keeping:
                self._kept = anyio.Event()
                await self._kept.wait()
        self._closed = True
        if self._keeping:
            log.warning("memory.lost", calls=len(self._keeping))
        self._tasks.cancel_scope.cancel()
        await self._tasks.__aexit__(None, None, None)

    # ── a call ──────────────────────────────────────────────────────────────────────────

    async def begin(self, call: Call) -> Recollection:
        """What is known of a call's caller, within `RECALL_WITHIN` or not at all; never raises."""
        caller = None
        if self.settings.mode is MemoryMode.CALLERS:
            caller = self._keys.identify(call.caller)
        found = await self._recall(call, caller) if caller is not None else []
        recollection = Recollection(
            call,
            caller,
            found[0] if found else None,
            recalled=bool(found),
            settings=self.settings,
            wording=self.wording,
            conversation=self._conversation(),
            keep=self._end,
        )
        self._live.add(recollection)
        return recollection

    async def _recall(self, call: Call, caller: CallerId) -> list[CallerProfile | None]:
        """What is known, in a list that is empty when that could not be found out in time."""
        found: list[CallerProfile | None] = []
        arrived = anyio.Event()

        async def recall() -> None:
            try:
                found.append(await self._callers.recall(caller))
            except Exception as error:  # noqa: BLE001 - a call begins whatever is wrong here
                log.warning("memory.recall_failed", call=call.id, error=type(error).__name__)
            arrived.set()

        # In a task of its own: a database in trouble can be left alone, but not interrupted.
        self._tasks.start_soon(recall)
        with anyio.move_on_after(RECALL_WITHIN):
            await arrived.wait()
        if not arrived.is_set():
            log.warning("memory.not_recalled", call=call.id)
        return found[:1]

    def _conversation(self) -> ConversationMemory | None:
        if self.settings.mode is MemoryMode.OFF:
            return None
        return ConversationMemory(
            self._summariser,
            self._spawn,
            max_turns=self.settings.max_turns,
            intro=self.wording.say("earlier_in_call"),
        )

    def _spawn(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        if not self._closed:
            self._tasks.start_soon(work)

    def _end(self, recollection: Recollection, disposition: Disposition) -> None:
        caller = recollection.caller
        if caller is not None and not self._closed:
            self._keeping.add(recollection)
            self._tasks.start_soon(self._keep, recollection, caller, disposition)

    async def _keep(
        self, recollection: Recollection, caller: CallerId, disposition: Disposition
    ) -> None:
        try:
            with anyio.move_on_after(KEEP_WITHIN, shield=True) as patience:
                await self._store(recollection, caller, disposition)
            if patience.cancelled_caught:
                log.warning("memory.too_slow", call=recollection.call.id)
        except Exception as error:  # noqa: BLE001 - one call's memory must not end the others'
            log.warning("memory.not_kept", call=recollection.call.id, error=type(error).__name__)
        finally:
            self._keeping.discard(recollection)
            self._kept.set()

    async def _store(
        self, recollection: Recollection, caller: CallerId, disposition: Disposition
    ) -> None:
        answer = recollection.consent.answer
        if answer is False:
            refusal = Consent(granted=False, source=ConsentSource.CALLER, at=self._clock.wall())
            await self._callers.refuse(caller, refusal)
            return
        consent = self._consent(answer, recollection.call.started_at)
        user, accepted = recollection.user, self.settings.accepted
        learned = user.learned(disposition, consent, accepted)
        if recollection.recalled:
            if remembered(recollection.profile, learned) is None:
                return
            minutes = await self._minutes_of(user)
            learned = user.learned(disposition, consent, accepted, minutes)
        if not recollection.forgotten:
            await self._callers.remember(caller, learned)

    def _consent(self, answer: Literal[True] | None, started: datetime) -> Consent | None:
        """What this call gives us the right to."""
        if answer:
            return Consent(granted=True, source=ConsentSource.CALLER, at=self._clock.wall())
        if self.settings.notice:
            return Consent(granted=True, source=ConsentSource.NOTICE, at=started)
        return None

    async def _minutes_of(self, user: UserMemory) -> str:
        if not self._minutes or user.exchanges < _TURNS_WORTH_MINUTES:
            return ""
        made = await self._summariser.summarise("", user.messages())
        return made.text if made.by_model else ""

    # ── one person ──────────────────────────────────────────────────────────────────────

    def identify(self, number: str) -> CallerId:
        """The caller's id by their telephone number.

        Raises:
            NotFoundError: nobody can be remembered by this number.
        """
        caller = self._keys.identify(number)
        if caller is None:
            raise NotFoundError("This is not an international telephone number, like +14155550100.")
        return caller

    async def export(self, key: str) -> dict[str, Any]:
        """Everything held about a caller, ready for JSON.

        Raises:
            NotFoundError: nothing is.
        """
        record = await self._callers.export(key)
        if record is None:
            raise NotFoundError("Nothing is remembered about this caller.")
        return export_document(record, self.settings.retention, self._clock.wall())

    async def forget(self, caller: CallerId) -> ErasureCertificate:
        """Erase a person, also from calls that still go on; what they say later is new."""
        for recollection in self._live:
            if recollection.caller is not None and recollection.caller.key == caller.key:
                recollection.forgotten = True
        removed = await self._callers.forget(caller.key)
        log.info("memory.erased", rows=removed.total)
        return ErasureCertificate.of(caller, removed, self._clock.wall())

    async def _sweep(self) -> None:
        while True:
            await self.expire()
            await self._clock.sleep_until(self._clock.now() + SWEEP_EVERY)

    async def expire(self) -> None:
        """Remove what is older than the retention allows."""
        now, retention = self._clock.wall(), self.settings.retention
        try:
            removed = await self._callers.expire(
                callers_before=retention.callers_before(now),
                turns_before=retention.turns_before(now),
            )
        except Exception as error:  # noqa: BLE001 - tried again later
            log.warning("memory.not_expired", error=type(error).__name__)
            return
        if removed.total:
            log.info("memory.expired", rows=removed.total)
