"""The language model's side of a conversation, the same for every provider."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from voice_agent.core.usage import EngineSwitched, Usage

JsonObject = Mapping[str, Any]
"""A decoded JSON object."""


class Role(StrEnum):
    """Who a message is from."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The model asks for a tool; `id` pairs it with its result.

    `signature` is the provider's own opaque mark of the call, "" where it sets none. It begins
    with "<provider>/<model>:" and only that model gets it back; nobody else reads it.
    """

    id: str
    name: str
    arguments: JsonObject
    signature: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """One entry of the history.

    `confidence` is the recogniser's for a user message (1.0 for typed text); `call_id` names
    the tool call a tool message answers; `interrupted` marks an assistant message that ends
    where the caller cut it off.
    """

    role: Role
    text: str
    tool_calls: tuple[ToolCall, ...] = ()
    call_id: str = ""
    confidence: float = 1.0
    interrupted: bool = False


class ToolAccess(StrEnum):
    """What a tool does to the world; interruption cancels reads only."""

    READ = "read"
    WRITE = "write"
    IRREVERSIBLE = "irreversible"


@dataclass(frozen=True, slots=True)
class ToolDeclaration:
    """A tool as the model sees it; `parameters` is a JSON schema object.

    `access` is None where nobody said what the tool does to the world.
    """

    name: str
    description: str
    parameters: JsonObject
    access: ToolAccess | None = None


class ToolChoice(StrEnum):
    """Whether the model may call tools."""

    AUTO = "auto"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """Everything a model needs for one answer.

    `said` is what of this very answer the caller was told already, by a model that broke off;
    a model that can only follow instructions is told so in `system` too.
    """

    messages: tuple[Message, ...]
    tools: tuple[ToolDeclaration, ...] = ()
    tool_choice: ToolChoice = ToolChoice.AUTO
    system: str = ""
    said: str = ""


@dataclass(frozen=True, slots=True)
class TextDelta:
    """The next piece of the answer's text."""

    text: str


class FinishReason(StrEnum):
    """Why the model stopped."""

    STOP = "stop"
    TOOL_CALLS = "tool_calls"
    LENGTH = "length"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Finished:
    """The last event of every stream; a stream without it has failed."""

    reason: FinishReason


ChatEvent = TextDelta | ToolCall | Usage | EngineSwitched | Finished


class ToolEffect(StrEnum):
    """What must happen to the call once the reply that follows was heard."""

    NONE = "none"
    END_CALL = "end_call"
    TRANSFER = "transfer"


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The one terminal outcome of a tool call.

    `content` goes back to the model. With `ok` false it holds `error` (a stable code) and
    `message` (what the model can mend or must admit).
    """

    call_id: str
    name: str
    ok: bool
    content: JsonObject
    effect: ToolEffect = ToolEffect.NONE
    duration_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class ToolContext:
    """Who is calling and in which turn; with the arguments it makes the idempotency key."""

    call_id: str
    turn: int
    caller: str = ""
    extra: JsonObject = field(default_factory=dict)
