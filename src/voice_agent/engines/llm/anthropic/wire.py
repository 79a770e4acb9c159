"""The Messages API as values: a request's body, and the answer read from its events.

    message_start ──► block start ──► deltas ──► block stop … ──► message_delta ──► message_stop

Thoughts are not spoken. They go back unchanged with the results of the tools they led to, as the
call's own mark, and only as long as the words around them stay as they were.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from voice_agent.core.chat import (
    ChatEvent,
    ChatRequest,
    FinishReason,
    JsonObject,
    ToolChoice,
)
from voice_agent.core.errors import ProviderError, ProviderGarbage
from voice_agent.core.usage import Unit
from voice_agent.engines.llm.anthropic.errors import http_error, streamed_error
from voice_agent.engines.llm.anthropic.history import declared_tools, mark_of, messages_of
from voice_agent.engines.llm.anthropic.options import Options
from voice_agent.engines.llm.event_stream import ServerEvent
from voice_agent.engines.llm.hosted_answer import AnswerDraft, AnswerReader, CallDraft
from voice_agent.engines.llm.hosted_history import system_text
from voice_agent.engines.llm.json_access import (
    MalformedJson,
    count_in,
    decode_object,
    object_in,
    objects_in,
    text_in,
)

PROVIDER_NAME: Final = "anthropic"
VERSION: Final = "2026-10-21"
_REASONS: Final[Mapping[str, FinishReason]] = {
    "max_tokens": FinishReason.LENGTH,
    "model_context_window_exceeded": FinishReason.LENGTH,
    "refusal": FinishReason.REFUSED,
}
_FIGURES: Final[Mapping[str, Unit]] = {
    "input_tokens": Unit.INPUT_TOKENS,
    "cache_read_input_tokens": Unit.CACHED_TOKENS,
    "cache_creation_input_tokens": Unit.CACHE_WRITE_TOKENS,
    "output_tokens": Unit.OUTPUT_TOKENS,
}
_THOUGHTS: Final = frozenset({"thinking", "redacted_thinking"})
_THOUGHT_FIELDS: Final = ("type", "thinking", "signature", "data")


class AnthropicWire:
    """The protocol, for one model."""

    provider = PROVIDER_NAME
    chat_path = "v1/messages"
    models_path = "v1/models"

    def __init__(self, options: Options) -> None:
        """`options` hold the key and the model."""
        self._options = options
        self.model = options.model

    @property
    def headers(self) -> Mapping[str, str]:
        """Key and version."""
        key = self._options.api_key.get_secret_value()
        return {"authorization": f"Bearer {key}", "anthropic-version": VERSION}

    def body(self, request: ChatRequest) -> JsonObject:
        """The request's body; this version takes no sampling parameters."""
        options = self._options
        body: dict[str, Any] = {
            "model": options.model,
            "max_tokens": options.max_tokens,
            "stream": True,
            "messages": messages_of(request, options.model),
            "thinking": {"type": options.family.thinking},
        }
        if options.sent_effort:
            body["output_config"] = {"effort": options.sent_effort}
        if system := system_text(request):
            body["system"] = [self._system(system)]
        if tools := declared_tools(request):
            free = request.tool_choice is ToolChoice.AUTO and bool(request.tools)
            body["tools"] = tools
            body["tool_choice"] = {"type": "auto" if free else "none"}
        return body

    def reader(self, request: ChatRequest, prompt_characters: int) -> AnswerReader:
        """A reader of the answer."""
        return AnthropicReader(AnswerDraft(self.provider, self.model, request, prompt_characters))

    def refusal(self, status: int, body: str, retry_after: float | None) -> ProviderError:
        """The error for an HTTP answer that is no answer."""
        return http_error(status, body, retry_after)

    def offered(self, listing: JsonObject) -> Sequence[str]:
        """The model names in a listing."""
        return [text_in(one, "id") for one in objects_in(listing, "data")]

    def _system(self, text: str) -> JsonObject:
        block: dict[str, Any] = {"type": "text", "text": text}
        if self._options.cache_prompt:
            block["cache_control"] = {"type": "ephemeral"}
        return block


@dataclass(slots=True)
class _Block:
    """One content block of the answer."""

    kind: str
    call: CallDraft | None = None
    thought: dict[str, str] = field(default_factory=dict)


class AnthropicReader:
    """Reads the events of one answer."""

    def __init__(self, draft: AnswerDraft) -> None:
        """Nothing came yet."""
        self._draft = draft
        self._blocks: dict[int, _Block] = {}
        self._thoughts: list[JsonObject] = []
        self._said: list[str] = []
        self._figures: dict[Unit, float] = {}
        self._reason = ""
        self._done = False

    @property
    def progress(self) -> int:
        """Pieces so far."""
        return self._draft.progress

    @property
    def in_tool_call(self) -> bool:
        """Whether arguments are coming."""
        return self._draft.in_tool_call

    @property
    def complete(self) -> bool:
        """Whether `message_stop` was there."""
        return self._done

    def take(self, event: ServerEvent) -> list[ChatEvent]:
        """Read one event; those of an unknown type are passed over.

        Raises:
            ProviderError: it reports an error, or is nonsense.
        """
        if self._done or not event.data:
            return []
        try:
            return self._read(decode_object(event.data))
        except MalformedJson as error:
            raise ProviderGarbage(f"an event that is {error}", provider=PROVIDER_NAME) from None

    def end(self) -> list[ChatEvent]:
        """Tool calls, usage and `Finished`.

        Raises:
            ProviderUnavailable: `message_stop` never came.
            ProviderGarbage: a tool call makes no sense.
        """
        if not self._done:
            raise self._draft.broken_off()
        reason = _REASONS.get(self._reason, FinishReason.STOP)
        return self._draft.end(reason, self._figures)

    def _read(self, payload: JsonObject) -> list[ChatEvent]:
        match text_in(payload, "type"):
            case "message_start":
                self._count(object_in(object_in(payload, "message"), "usage"))
            case "content_block_start":
                return self._begin(count_in(payload, "index"), object_in(payload, "content_block"))
            case "content_block_delta":
                return self._go_on(count_in(payload, "index"), object_in(payload, "delta"))
            case "content_block_stop":
                self._stop(count_in(payload, "index"))
            case "message_delta":
                self._reason = text_in(object_in(payload, "delta"), "stop_reason") or self._reason
                self._count(object_in(payload, "usage"))
            case "message_stop":
                self._done = True
            case "error":
                raise streamed_error(object_in(payload, "error"))
        return []

    def _begin(self, index: int, given: JsonObject) -> list[ChatEvent]:
        block = _Block(text_in(given, "type"))
        self._blocks[index] = block
        if block.kind == "text":
            return self._say(text_in(given, "text"))
        if block.kind == "tool_use":
            call = CallDraft(text_in(given, "id"), text_in(given, "name"))
            block.call = self._draft.begin_call(self._marked(call))
        elif block.kind in _THOUGHTS:
            block.thought = {key: text_in(given, key) for key in _THOUGHT_FIELDS if key in given}
        return []

    def _marked(self, call: CallDraft) -> CallDraft:
        if self._thoughts:
            call.signature = mark_of(self._thoughts, "".join(self._said))
            self._thoughts = []
        return call

    def _say(self, text: str) -> list[ChatEvent]:
        self._said.append(text)
        return self._draft.say(text)

    def _go_on(self, index: int, delta: JsonObject) -> list[ChatEvent]:
        block = self._blocks.get(index)
        if block is None:
            raise MalformedJson("of a block that never began")
        match text_in(delta, "type"):
            case "text_delta" if block.kind == "text":
                return self._say(text_in(delta, "text"))
            case "input_json_delta" if block.call is not None:
                self._draft.add_arguments(block.call, text_in(delta, "partial_json"))
            case "thinking_delta" if block.thought:
                thought = block.thought.get("thinking", "") + text_in(delta, "thinking")
                block.thought["thinking"] = thought
            case "signature_delta" if block.thought:
                block.thought["signature"] = text_in(delta, "signature")
        return []

    def _stop(self, index: int) -> None:
        block = self._blocks.get(index)
        if block is not None and block.thought:
            self._thoughts.append(block.thought)

    def _count(self, usage: JsonObject) -> None:
        """Take over figures: they are totals so far, and those not repeated stay."""
        for key, unit in _FIGURES.items():
            if usage.get(key) is not None:
                self._figures[unit] = count_in(usage, key)
