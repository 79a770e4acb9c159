"""A call and how it ended."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Direction(StrEnum):
    """Who called whom."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


class Channel(StrEnum):
    """What carries the caller's voice or text."""

    PHONE = "phone"
    BROWSER = "browser"
    CHAT = "chat"


class Disposition(StrEnum):
    """How a call ended; exactly one per call."""

    CALLER_HUNG_UP = "caller_hung_up"
    AGENT_ENDED = "agent_ended"
    TRANSFERRED = "transferred"
    CALLER_IDLE = "caller_idle"
    TOO_LONG = "too_long"
    SERVER_STOPPED = "server_stopped"
    CONNECTION_LOST = "connection_lost"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Call:
    """Who speaks over what, known before the first sound."""

    id: str
    channel: Channel
    direction: Direction
    started_at: datetime
    caller: str = ""
    callee: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
