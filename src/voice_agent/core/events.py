"""What happened in a call, in order.

The live page, transcript, metrics, cost, call record, replay and tests all read this one
stream. `at` is seconds since the call started. Texts are personal data: readers that leave
the machine redact them.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from voice_agent.core.call import Channel, Direction, Disposition
from voice_agent.core.speech import Emotion
from voice_agent.core.understanding import Intent
from voice_agent.core.usage import EngineSwitched


@dataclass(frozen=True, slots=True)
class CallStarted:
    """The line is open and engines are chosen."""

    channel: Channel
    direction: Direction
    caller: str
    engines: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CallerStartedSpeaking:
    """Voice activity began."""


@dataclass(frozen=True, slots=True)
class CallerStoppedSpeaking:
    """Voice activity ended; `at` of the envelope is the decision, `voiced_until` the sound."""

    voiced_until: float


@dataclass(frozen=True, slots=True)
class CallerHeard:
    """An interim transcript: what the agent believes it hears so far."""

    text: str


@dataclass(frozen=True, slots=True)
class CallerSaid:
    """The final text of the caller's turn."""

    text: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Understood:
    """What the caller's turn was understood as; `entities` names what it held, not the values."""

    intent: Intent
    confidence: float
    tier: str
    entities: tuple[str, ...]
    emotion: Emotion
    latency_ms: float


@dataclass(frozen=True, slots=True)
class CallerWentOn:
    """The caller's turn was not over: its text comes again, whole, with a later turn."""


@dataclass(frozen=True, slots=True)
class ReplyStarted:
    """The first sound of a reply went out."""


@dataclass(frozen=True, slots=True)
class AgentSaying:
    """A clause was handed to the voice; not yet proof that it was heard."""

    text: str


@dataclass(frozen=True, slots=True)
class AgentSaid:
    """The part of a reply that was heard, once it is over."""

    text: str
    interrupted: bool = False
    unheard: str = ""


@dataclass(frozen=True, slots=True)
class ToolStarted:
    """A tool began to work."""

    call_id: str
    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolFinished:
    """A tool's one terminal result."""

    call_id: str
    name: str
    ok: bool
    duration_ms: float
    result: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TurnMeasured:
    """The latencies of a finished turn (ms); `stages` sum to `total_ms`."""

    total_ms: float
    stages: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KeyPressed:
    """A telephone key."""

    digit: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something failed and was handled; `code` is from the error tree."""

    code: str
    where: str
    message: str


@dataclass(frozen=True, slots=True)
class EngineUsed:
    """A piece of paid work of this turn and its price (USD), None where nobody knows it."""

    provider: str
    model: str
    amounts: Mapping[str, float]
    usd: float | None
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class CallEnded:
    """The last event of every call."""

    disposition: Disposition
    duration: float


CallEventPayload = (
    CallStarted
    | CallerStartedSpeaking
    | CallerStoppedSpeaking
    | CallerHeard
    | CallerSaid
    | Understood
    | CallerWentOn
    | ReplyStarted
    | AgentSaying
    | AgentSaid
    | ToolStarted
    | ToolFinished
    | TurnMeasured
    | KeyPressed
    | Trouble
    | EngineSwitched
    | EngineUsed
    | CallEnded
)


@dataclass(frozen=True, slots=True)
class CallEvent:
    """One thing that happened: which call, in which order, when, in which turn."""

    call_id: str
    seq: int
    at: float
    turn: int
    payload: CallEventPayload

    @property
    def kind(self) -> str:
        """The payload's name, as written in records and sent to pages."""
        return type(self.payload).__name__

    def as_dict(self) -> dict[str, Any]:
        """A JSON-ready object."""
        return {
            "call_id": self.call_id,
            "seq": self.seq,
            "at": round(self.at, 4),
            "turn": self.turn,
            "kind": self.kind,
            "data": asdict(self.payload),
        }
