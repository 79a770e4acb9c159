"""What the turn taker is told and what it commands; times are seconds on the call's clock."""

from dataclasses import dataclass
from enum import Enum, auto

from voice_agent.core.call import Disposition


class Timer(Enum):
    """The deadlines the machine sets itself."""

    END_OF_TURN = auto()
    LONG_UTTERANCE = auto()
    DEAD_AIR = auto()
    REPLY = auto()
    IDLE = auto()
    LONGEST_CALL = auto()


class ReplyReason(Enum):
    """Why a reply is begun; it decides where its words come from."""

    GREET = auto()
    RESPOND = auto()
    RESUME = auto()
    ASK_AGAIN = auto()
    HOLD_ON = auto()
    PROMPT = auto()
    APOLOGISE = auto()
    FAREWELL = auto()


@dataclass(frozen=True, slots=True)
class TurnPolicy:
    """How patient the agent is; seconds.

    `patience` runs from the last voiced sound when the words make a finished sentence,
    `long_patience` when they do not. 0.9 s for the latter cut no caller off in the
    measurements in `docs/reference/recogniser.md`.
    """

    patience: float = 0.3
    long_patience: float = 0.9
    complete_above: float = 0.05
    final_text_within: float = 2.5
    longest_utterance: float = 30.0
    dead_air: float = 1.2
    longest_reply: float = 25.0
    longest_speech: float = 120.0
    failed_replies: int = 2
    idle: float = 8.0
    idle_prompts: int = 2
    longest_call: float = 1800.0


# ── events ──────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class CallOpened:
    """The line is open; the agent speaks first."""


@dataclass(frozen=True, slots=True)
class CallerStarted:
    """The caller began to make speech-like sound."""


@dataclass(frozen=True, slots=True)
class CallerStopped:
    """The caller paused; `voiced_until` is when the last voiced sound was."""

    voiced_until: float


@dataclass(frozen=True, slots=True)
class TextHeard:
    """Interim (may be revised) or final text of the current stretch of speech.

    With `ends_turn` the recogniser itself has decided that the caller is done; `voiced_until`
    is then when the last voiced sound was.
    """

    text: str
    final: bool
    confidence: float = 1.0
    completeness: float | None = None
    ends_turn: bool = False
    voiced_until: float | None = None


@dataclass(frozen=True, slots=True)
class TextEntered:
    """Text that needs no recognition: keys pressed, words typed."""

    text: str


@dataclass(frozen=True, slots=True)
class ReplyAudible:
    """Sound of reply `turn` is on its way (again)."""

    turn: int


@dataclass(frozen=True, slots=True)
class ReplyQuiet:
    """Reply `turn` ran out of sound but is not finished."""

    turn: int


@dataclass(frozen=True, slots=True)
class ReplyFinished:
    """Reply `turn` is over; `heard` is false when it never made a sound."""

    turn: int
    heard: bool = True


@dataclass(frozen=True, slots=True)
class EndRequested:
    """Once reply `turn` was heard, the call ends."""

    turn: int
    disposition: Disposition


@dataclass(frozen=True, slots=True)
class LeaveRequested:
    """Say goodbye and end the call, for a reason from outside the conversation."""

    disposition: Disposition


@dataclass(frozen=True, slots=True)
class TimerFired:
    """A deadline set by `SetTimer` has come."""

    timer: Timer


@dataclass(frozen=True, slots=True)
class HungUp:
    """The line is gone."""

    disposition: Disposition


Event = (
    CallOpened
    | CallerStarted
    | CallerStopped
    | TextHeard
    | TextEntered
    | ReplyAudible
    | ReplyQuiet
    | ReplyFinished
    | EndRequested
    | LeaveRequested
    | TimerFired
    | HungUp
)

# ── commands ────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class BeginReply:
    """Start reply `turn`; `text` is what the caller said where the reason is RESPOND."""

    turn: int
    reason: ReplyReason
    text: str = ""
    confidence: float = 1.0
    voiced_until: float | None = None
    disposition: Disposition | None = None


@dataclass(frozen=True, slots=True)
class CancelReply:
    """Stop reply `turn`, silence the line, and note what was heard of it.

    `withdraw` means that the caller went on with the same turn: what they said until now
    comes again, whole, in the next `BeginReply`.
    """

    turn: int
    withdraw: bool = False


@dataclass(frozen=True, slots=True)
class Reassure:
    """Say in a few words that reply `turn` is being worked on."""

    turn: int


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Report `TimerFired(timer)` at the moment `at`; replaces the one set before."""

    timer: Timer
    at: float


@dataclass(frozen=True, slots=True)
class StopTimer:
    """Forget a timer."""

    timer: Timer


@dataclass(frozen=True, slots=True)
class EndCall:
    """Hang up; nothing follows."""

    disposition: Disposition


Command = BeginReply | CancelReply | Reassure | SetTimer | StopTimer | EndCall
