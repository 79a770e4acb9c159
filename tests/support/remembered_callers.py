"""Callers to remember: their keys, what calls teach of them, and a memory without a database."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import anyio

from support.storage import NOW
from voice_agent.core.memory import (
    CallerId,
    CallerProfile,
    CallerRecord,
    Consent,
    ConsentSource,
    Learned,
    PastCall,
    RememberedTurn,
    Removed,
    remembered,
)
from voice_agent.memory.caller_keys import CallerKeys

KEYS = CallerKeys(b"a key for tests only")
NUMBER = "+12125550100"
AGREED = Consent(granted=True, source=ConsentSource.CALLER, at=NOW)
NOTIFIED = Consent(granted=True, source=ConsentSource.NOTICE, at=NOW)
REFUSED = Consent(granted=False, source=ConsentSource.CALLER, at=NOW)


def caller(number: str = NUMBER) -> CallerId:
    found = KEYS.identify(number)
    assert found is not None
    return found


def a_past_call(
    call_id: str = "past-1",
    *,
    days_ago: int = 2,
    matter: str = "order 1042",
    outcome: str = "done, status delayed",
) -> PastCall:
    at = NOW - timedelta(days=days_ago)
    return PastCall(call_id, at, "phone", matter, outcome, "caller_hung_up")


def lesson(
    call: PastCall | None = None,
    *,
    consent: Consent | None = AGREED,
    name: str = "Anna Lee",
    verified: bool = True,
    turns: int = 2,
    preferences: tuple[str, ...] = (),
    notice: bool = False,
) -> Learned:
    call = call or a_past_call()
    own = frozenset({ConsentSource.CALLER})
    return Learned(
        call=call,
        consent=consent,
        accepted=own | {ConsentSource.NOTICE} if notice else own,
        name=name,
        name_verified=verified,
        tier="gold",
        language="en",
        preferences=preferences,
        turns=tuple(
            RememberedTurn(call.id, turn, call.at, f"caller {turn}", f"agent {turn}")
            for turn in range(1, turns + 1)
        ),
    )


@dataclass
class _Held:
    caller: CallerId
    profile: CallerProfile
    turns: list[RememberedTurn] = field(default_factory=list)
    first_call_at: datetime | None = None
    last_call_at: datetime | None = None


@dataclass
class CallersInMemory:
    """A `CallerMemory` for virtual time; `delay` seconds before each answer."""

    delay: float = 0.0
    broken: Exception | None = None
    held: dict[str, _Held] = field(default_factory=dict)

    async def _answer(self) -> None:
        await anyio.sleep(self.delay)
        if self.broken is not None:
            raise self.broken

    async def recall(self, caller: CallerId) -> CallerProfile | None:
        await self._answer()
        known = self.held.get(caller.key)
        return known.profile if known else None

    async def remember(self, caller: CallerId, learned: Learned) -> bool:
        await self._answer()
        known = self.held.get(caller.key)
        profile = remembered(known.profile if known else None, learned)
        if profile is None:
            return False
        entry = self.held.setdefault(caller.key, _Held(caller, profile))
        entry.profile = profile
        entry.turns = [t for t in entry.turns if t.call_id != learned.call.id]
        entry.turns += learned.turns
        entry.first_call_at = entry.first_call_at or learned.call.at
        entry.last_call_at = learned.call.at
        return True

    async def refuse(self, caller: CallerId, refusal: Consent) -> Removed:
        removed = await self.forget(caller.key)
        self.held[caller.key] = _Held(CallerId(caller.key), CallerProfile(refusal))
        return removed

    async def forget(self, key: str) -> Removed:
        await self._answer()
        known = self.held.pop(key, None)
        turns = len(known.turns) if known else 0
        return Removed({"user_memory": int(known is not None), "conversation_turns": turns})

    async def export(self, key: str) -> CallerRecord | None:
        await self._answer()
        known = self.held.get(key)
        if known is None:
            return None
        first, last = known.first_call_at, known.last_call_at
        return CallerRecord(known.caller, known.profile, tuple(known.turns), first, last)

    async def expire(self, *, callers_before: datetime, turns_before: datetime) -> Removed:
        await self._answer()
        turns = callers = 0
        for key, entry in list(self.held.items()):
            before = len(entry.turns)
            entry.turns = [turn for turn in entry.turns if turn.at >= turns_before]
            turns += before - len(entry.turns)
            if entry.last_call_at is not None and entry.last_call_at < callers_before:
                del self.held[key]
                callers += 1
        return Removed({"user_memory": callers, "conversation_turns": turns})
