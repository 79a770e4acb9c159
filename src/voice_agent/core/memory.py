"""What is kept of a caller between calls: the values, and the ports to where it is kept."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

from voice_agent.core.call import Call
from voice_agent.core.events import CallEvent
from voice_agent.core.ports import LanguageModel

CALLS_KEPT: Final = 10
"""How many past calls of a caller are known."""
PREFERENCES_KEPT: Final = 8
"""How many of a caller's wishes are known."""


class MemoryMode(StrEnum):
    """What the agent remembers."""

    OFF = "off"
    SESSION = "session"
    """The call that is going on, summarised when it gets long; nothing afterwards."""
    CALLERS = "callers"
    """Callers from call to call too, as far as they consented."""


class ConsentSource(StrEnum):
    """What a consent, or a refusal, rests on."""

    CALLER = "caller"
    """The caller said so in a call."""
    NOTICE = "notice"
    """The business's notice tells its callers; an operator vouches for it in the settings."""


@dataclass(frozen=True, slots=True)
class Consent:
    """Whether a caller may be remembered, by what right and since when."""

    granted: bool
    source: ConsentSource
    at: datetime


@dataclass(frozen=True, slots=True)
class CallerId:
    """A caller without their number: a keyed hash to look up, and a masked number to show."""

    key: str
    masked: str = ""


@dataclass(frozen=True, slots=True)
class PastCall:
    """A call that is over: what it was about and how that ended, in a few words each."""

    id: str
    at: datetime
    channel: str
    matter: str
    outcome: str
    disposition: str


@dataclass(frozen=True, slots=True)
class RememberedTurn:
    """One exchange as it was said and heard; numbers are left out."""

    call_id: str
    turn: int
    at: datetime
    caller: str
    agent: str


@dataclass(frozen=True, slots=True)
class Learned:
    """What one call adds to what is known of its caller; empty texts add nothing.

    `consent` is what this call gave, None when it gave none: it is then kept only for a caller
    whose recorded consent rests on one of `accepted`.
    """

    call: PastCall
    consent: Consent | None
    accepted: frozenset[ConsentSource] = frozenset({ConsentSource.CALLER})
    name: str = ""
    name_verified: bool = False
    tier: str = ""
    language: str = ""
    preferences: tuple[str, ...] = ()
    turns: tuple[RememberedTurn, ...] = ()


@dataclass(frozen=True, slots=True)
class CallerProfile:
    """What is known of a caller; calls and preferences newest first.

    With a refused consent everything else is empty.
    """

    consent: Consent
    name: str = ""
    name_verified: bool = False
    tier: str = ""
    language: str = ""
    preferences: tuple[str, ...] = ()
    calls: tuple[PastCall, ...] = ()

    def after(self, learned: Learned) -> "CallerProfile":
        """The profile once a call is over; a verified name is not lost to one just said."""
        better = bool(learned.name) and (learned.name_verified or not self.name_verified)
        older = tuple(call for call in self.calls if call.id != learned.call.id)
        wishes = dict.fromkeys((*learned.preferences, *self.preferences))
        return replace(
            self,
            consent=_stronger(self.consent, learned.consent),
            name=learned.name if better else self.name,
            name_verified=learned.name_verified if better else self.name_verified,
            tier=learned.tier or self.tier,
            language=learned.language or self.language,
            preferences=tuple(wishes)[:PREFERENCES_KEPT],
            calls=(learned.call, *older)[:CALLS_KEPT],
        )


def _stronger(known: Consent, given: Consent | None) -> Consent:
    """The caller's own word counts for more than a notice, and a yes for more than an old no."""
    if given is None:
        return known
    if not known.granted:
        return given
    own = given.source is ConsentSource.CALLER and known.source is not ConsentSource.CALLER
    return given if own else known


def remembered(known: CallerProfile | None, learned: Learned) -> CallerProfile | None:
    """What is to be kept after a call, None when nothing may be.

    A refusal yields to nothing but the caller's own later consent.
    """
    given = learned.consent
    if known is None:
        return CallerProfile(given).after(learned) if given and given.granted else None
    if known.consent.granted and (known.consent.source in learned.accepted or given):
        return known.after(learned)
    own = given is not None and given.granted and given.source is ConsentSource.CALLER
    return known.after(learned) if own else None


@dataclass(frozen=True, slots=True)
class CallerRecord:
    """Everything that is held about one caller."""

    caller: CallerId
    profile: CallerProfile
    turns: tuple[RememberedTurn, ...]
    first_call_at: datetime | None
    last_call_at: datetime | None


@dataclass(frozen=True, slots=True)
class Removed:
    """How many rows of which table are gone."""

    rows: Mapping[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """All rows together."""
        return sum(self.rows.values())


class CallerMemory(Protocol):
    """Keeps what is known of callers; every method may raise `StorageError`."""

    async def recall(self, caller: CallerId) -> CallerProfile | None:
        """What is known of a caller, a refusal included."""
        ...

    async def remember(self, caller: CallerId, learned: Learned) -> bool:
        """Add what a call taught, in one piece; False when the caller's consent is missing."""
        ...

    async def refuse(self, caller: CallerId, refusal: Consent) -> Removed:
        """Remove everything but the fact that this caller is not to be remembered."""
        ...

    async def forget(self, key: str) -> Removed:
        """Remove everything about a caller, a refusal included."""
        ...

    async def export(self, key: str) -> CallerRecord | None:
        """Everything about a caller, None when there is nothing."""
        ...

    async def expire(self, *, callers_before: datetime, turns_before: datetime) -> Removed:
        """Remove callers whose last call, and turns that, are older."""
        ...


class CallRecollection(Protocol):
    """What is known at the beginning of one call; it learns from the call's events."""

    @property
    def prompt_addition(self) -> str:
        """What to add to the model's instructions in this call, "" for nothing."""
        ...

    def greeting(self, standard: str) -> str:
        """The first sentence, made from the standard one."""
        ...

    def model(self, model: LanguageModel) -> LanguageModel:
        """The model as this call asks it."""
        ...

    def note(self, event: CallEvent) -> None:
        """Take the call's next event; never blocks."""
        ...


class CallMemory(Protocol):
    """Remembers for calls."""

    async def begin(self, call: Call) -> CallRecollection:
        """What is known at a call's beginning; takes some milliseconds and never raises."""
        ...
