"""A call as it is read back: its summary, its events, and what they tell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from voice_agent.core.call import Channel, Direction, Disposition


@dataclass(frozen=True, slots=True)
class CallSummary:
    """One line of the list; a call that still lasts has no end and no disposition."""

    id: str
    channel: Channel
    direction: Direction
    caller: str
    callee: str
    started_at: datetime
    ended_at: datetime | None
    duration: float | None
    disposition: Disposition | None
    turns: int


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """A `CallEvent` as stored: `at` in seconds since the call started."""

    seq: int
    at: float
    turn: int
    kind: str
    data: Mapping[str, Any]


class Speaker(StrEnum):
    """Whose words these are."""

    CALLER = "caller"
    AGENT = "agent"


@dataclass(frozen=True, slots=True)
class TranscriptLine:
    """What one side said; the agent's words as far as they were heard."""

    at: float
    turn: int
    speaker: Speaker
    text: str
    confidence: float | None = None
    interrupted: bool = False


@dataclass(frozen=True, slots=True)
class ToolUse:
    """A tool call; `ok` is None when its end was not recorded."""

    name: str
    arguments: Mapping[str, Any]
    ok: bool | None = None
    duration_ms: float | None = None
    result: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CallCost:
    """The price of a call's engines (USD); `unpriced` did paid work that nobody could price."""

    usd: float
    unpriced: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TurnRecord:
    """One exchange: what was said, what was done, how long it took (ms)."""

    turn: int
    at: float
    caller: str
    agent: str
    interrupted: bool
    tools: tuple[ToolUse, ...]
    total_ms: float | None
    stages_ms: Mapping[str, float]
    cost_usd: float = 0.0


@dataclass(frozen=True, slots=True)
class CallRecord:
    """Everything kept of a call."""

    summary: CallSummary
    engines: Mapping[str, str]
    events: Sequence[StoredEvent]


@dataclass(frozen=True, slots=True)
class CallQuery:
    """Which calls: the newest `limit` that fit, after the page that gave `cursor`."""

    limit: int = 50
    cursor: str = ""
    channel: Channel | None = None
    disposition: Disposition | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class CallPage:
    """A page of the list; an empty cursor means there is no more."""

    calls: tuple[CallSummary, ...]
    next_cursor: str = ""
