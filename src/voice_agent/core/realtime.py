"""Speech-to-speech: what a model that hears and speaks itself is told and tells.

One session lasts for a call. The caller's sound goes in all the time; the model finds the ends
of the caller's turns itself, begins its responses by itself, and stops one by itself when the
caller speaks over it. What it says comes as *items*, runs of sound with their text; they come
faster than they play, so how much was heard is known to us alone and has to be told.
"""

from dataclasses import dataclass
from enum import StrEnum

from voice_agent.core.audio import AudioFormat
from voice_agent.core.chat import JsonObject, Message, Role, ToolCall, ToolDeclaration
from voice_agent.core.errors import ProviderError
from voice_agent.core.usage import Usage


@dataclass(frozen=True, slots=True)
class RealtimeRequest:
    """How a session is opened; `history` is what was said before it.

    Sound has this one format in both directions. `voice` is a name of the engine's own, "" for
    its default.
    """

    format: AudioFormat
    instructions: str = ""
    tools: tuple[ToolDeclaration, ...] = ()
    voice: str = ""
    language: str = "en"
    history: tuple[Message, ...] = ()


# ── commands ────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class CallerSound:
    """The caller's next sound, in the session's format."""

    data: bytes


@dataclass(frozen=True, slots=True)
class AddText:
    """Something that was said or typed elsewhere; asks for no response by itself."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class AddToolResult:
    """A tool's one result; asks for no response by itself."""

    call_id: str
    content: JsonObject


@dataclass(frozen=True, slots=True)
class Respond:
    """Ask for a response now, or as soon as the one under way is over.

    `instructions` hold for this response only; "" keeps the session's. Without `tools` it may
    only speak.
    """

    instructions: str = ""
    tools: bool = True


@dataclass(frozen=True, slots=True)
class CancelResponse:
    """Stop the response under way, if there is one; nothing more of it will be told."""


@dataclass(frozen=True, slots=True)
class TruncateItem:
    """The caller heard `heard` seconds of an item, and will hear no more of it."""

    item: str
    heard: float


RealtimeCommand = CallerSound | AddText | AddToolResult | Respond | CancelResponse | TruncateItem

# ── events ──────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class CallerSpeechStarted:
    """The caller began to speak at `at` seconds of sound; `item` names what they say.

    A response that was under way has been stopped.
    """

    item: str
    at: float


@dataclass(frozen=True, slots=True)
class CallerSpeechStopped:
    """The caller's last voiced sound ended at `at` seconds of sound."""

    item: str
    at: float


@dataclass(frozen=True, slots=True)
class CallerText:
    """What the caller said in an item, once and whole; "" where no text could be made of it.

    Another model than the one that answers wrote it, so it may come late and differ from what
    the answer is about.
    """

    item: str
    text: str


@dataclass(frozen=True, slots=True)
class ResponseStarted:
    """The model begins to answer."""

    response: str


@dataclass(frozen=True, slots=True)
class ItemSound:
    """The next sound of an item, in the session's format."""

    response: str
    item: str
    data: bytes


@dataclass(frozen=True, slots=True)
class ItemText:
    """The next piece of an item's text; it may run ahead of its sound."""

    response: str
    item: str
    text: str


class ResponseOutcome(StrEnum):
    """How a response ended."""

    COMPLETED = "completed"
    CANCELLED = "cancelled"
    INCOMPLETE = "incomplete"
    """Cut off by the model's own limits."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ResponseEnded:
    """A response is over; `calls` are the tools it asks for, only where it was completed."""

    response: str
    outcome: ResponseOutcome
    calls: tuple[ToolCall, ...] = ()


@dataclass(frozen=True, slots=True)
class RealtimeFailed:
    """The session died; nothing more will come from it."""

    error: ProviderError


RealtimeEvent = (
    CallerSpeechStarted
    | CallerSpeechStopped
    | CallerText
    | ResponseStarted
    | ItemSound
    | ItemText
    | ResponseEnded
    | Usage
    | RealtimeFailed
)
