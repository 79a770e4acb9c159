"""An answer in the making: what the readers of all hosted providers share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from voice_agent.core.chat import (
    ChatEvent,
    ChatRequest,
    Finished,
    FinishReason,
    JsonObject,
    TextDelta,
    ToolCall,
    ToolChoice,
)
from voice_agent.core.errors import ProviderError, ProviderGarbage, ProviderUnavailable
from voice_agent.core.usage import Unit, Usage
from voice_agent.engines.llm.event_stream import ServerEvent
from voice_agent.engines.llm.hosted_history import clean, known_ids
from voice_agent.engines.llm.json_access import MalformedJson, decode_object

CHARACTERS_PER_TOKEN: Final = 4
MOST_CALLS: Final = 64
"""Tool calls in one answer; more are nonsense."""
LARGEST_ANSWER: Final = 2**20
"""Characters of text and arguments in one answer; more are nonsense."""


class AnswerReader(Protocol):
    """One provider's stream of events, read into chat events; holds no clock and no socket."""

    @property
    def progress(self) -> int:
        """How many pieces of text or of tool calls came so far; pings and thoughts are none."""
        ...

    @property
    def in_tool_call(self) -> bool:
        """Whether the last piece belonged to a tool call."""
        ...

    @property
    def complete(self) -> bool:
        """Whether the answer has come to its end; figures may follow."""
        ...

    def take(self, event: ServerEvent) -> list[ChatEvent]:
        """Read one event.

        Raises:
            ProviderError: it reports an error, or is nonsense.
        """
        ...

    def end(self) -> list[ChatEvent]:
        """The stream is over: tool calls, usage and `Finished`.

        Raises:
            ProviderUnavailable: it is over too early.
            ProviderGarbage: a tool call makes no sense.
        """
        ...


class HostedWire(Protocol):
    """One provider's protocol as values."""

    @property
    def provider(self) -> str:
        """The registered name."""
        ...

    @property
    def model(self) -> str:
        """The model's name."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """What goes with every request, the key included."""
        ...

    @property
    def chat_path(self) -> str:
        """Where answers are asked for, below the base URL."""
        ...

    @property
    def models_path(self) -> str:
        """Where the models are listed, below the base URL; one model is a name below that."""
        ...

    def body(self, request: ChatRequest) -> JsonObject:
        """The request's body."""
        ...

    def reader(self, request: ChatRequest, prompt_characters: int) -> AnswerReader:
        """A reader of the answer; the prompt's length is for estimated figures."""
        ...

    def refusal(self, status: int, body: str, retry_after: float | None) -> ProviderError:
        """The error for an HTTP answer that is no answer."""
        ...

    def offered(self, listing: JsonObject) -> Sequence[str]:
        """The model names in a listing.

        Raises:
            MalformedJson: it is none.
        """
        ...


@dataclass(slots=True)
class CallDraft:
    """A tool call of which more may come."""

    id: str
    name: str
    arguments: str = ""
    signature: str = ""

    @property
    def whole(self) -> bool:
        """Whether the arguments so far are a JSON object."""
        return self.parsed() is not None

    def parsed(self) -> JsonObject | None:
        """The arguments; nothing at all, and null, mean none."""
        if self.arguments.strip() in ("", "null"):
            return {}
        try:
            return decode_object(self.arguments)
        except MalformedJson:
            return None


@dataclass(slots=True)
class AnswerDraft:
    """Text and tool calls of one answer, up to its end."""

    provider: str
    model: str
    request: ChatRequest
    prompt_characters: int
    progress: int = 0
    in_tool_call: bool = False
    characters: int = 0
    calls: list[CallDraft] = field(default_factory=list)

    def say(self, text: str) -> list[ChatEvent]:
        """The next piece of text; an empty one is nothing."""
        if not text:
            return []
        self._grow(text)
        self.in_tool_call = False
        return [TextDelta(clean(text))]

    def begin_call(self, call: CallDraft) -> CallDraft:
        """A tool call begins.

        Raises:
            ProviderGarbage: there are too many.
        """
        if len(self.calls) >= MOST_CALLS:
            raise ProviderGarbage(f"more than {MOST_CALLS} tool calls", provider=self.provider)
        self.calls.append(call)
        self.in_tool_call = True
        self._grow(call.name + call.arguments)
        return call

    def add_arguments(self, call: CallDraft, text: str) -> None:
        """More of a call's arguments."""
        if text:
            call.arguments += text
            self.in_tool_call = True
            self._grow(text)

    def end(self, reason: FinishReason, amounts: Mapping[Unit, float]) -> list[ChatEvent]:
        """Tool calls, usage and `Finished`; `amounts` is empty where no figures came.

        Raises:
            ProviderGarbage: a call has no name, or its arguments are no object.
        """
        calls = [] if reason is FinishReason.REFUSED else self._whole_calls(reason)
        ending = Finished(FinishReason.TOOL_CALLS if calls else reason)
        return [*calls, self._usage(amounts), ending]

    def broken_off(self) -> ProviderUnavailable:
        """The error of a stream without its end."""
        return ProviderUnavailable("the answer ended in the middle", provider=self.provider)

    def _whole_calls(self, reason: FinishReason) -> list[ToolCall]:
        allowed = self.request.tool_choice is ToolChoice.AUTO and bool(self.request.tools)
        taken = known_ids(self.request.messages)
        return [
            self._call(draft, taken)
            for draft in (self.calls if allowed else ())
            if reason is not FinishReason.LENGTH or (draft.arguments and draft.whole)
        ]

    def _call(self, draft: CallDraft, taken: set[str]) -> ToolCall:
        arguments = draft.parsed()
        if arguments is None or not draft.name:
            raise ProviderGarbage("a tool call that makes no sense", provider=self.provider)
        number, chosen = len(taken), draft.id
        while not chosen or chosen in taken:
            number += 1
            chosen = f"call_{number}"
        taken.add(chosen)
        mark = f"{self.provider}/{self.model}:{draft.signature}" if draft.signature else ""
        return ToolCall(chosen, draft.name, arguments, mark)

    def _usage(self, amounts: Mapping[Unit, float]) -> Usage:
        if any(amounts.values()):
            return Usage(self.provider, self.model, amounts)
        estimate = {
            Unit.INPUT_TOKENS: float(-(-self.prompt_characters // CHARACTERS_PER_TOKEN)),
            Unit.OUTPUT_TOKENS: float(-(-self.characters // CHARACTERS_PER_TOKEN)),
        }
        return Usage(self.provider, self.model, estimate, estimated=True)

    def _grow(self, text: str) -> None:
        self.progress += 1
        self.characters += len(text)
        if self.characters > LARGEST_ANSWER:
            raise ProviderGarbage("an answer without end", provider=self.provider)


def own_mark(signature: str, provider: str, model: str) -> str:
    """The provider's mark of a call in the history, "" when another model made the call."""
    prefix = f"{provider}/{model}:"
    return signature.removeprefix(prefix) if signature.startswith(prefix) else ""
