"""streamGenerateContent as values: a request's body, and the answer read from its chunks.

    chunk: parts of text, thoughts, calls ──► … ──► chunk with finishReason ──► end of the stream

There is no finish reason for tools and no last line; figures come with every chunk, in totals.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from voice_agent.core.chat import (
    ChatEvent,
    ChatRequest,
    FinishReason,
    JsonObject,
    ToolChoice,
    ToolDeclaration,
)
from voice_agent.core.errors import (
    ProviderError,
    ProviderGarbage,
    ProviderRejected,
    ProviderUnavailable,
)
from voice_agent.core.usage import Unit
from voice_agent.engines.llm.event_stream import ServerEvent
from voice_agent.engines.llm.gemini.errors import error_in, http_error, streamed_error
from voice_agent.engines.llm.gemini.history import contents_of
from voice_agent.engines.llm.gemini.options import Options
from voice_agent.engines.llm.gemini.schema import reduced
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

PROVIDER_NAME: Final = "gemini"
_STOP: Final = "STOP"
_REASONS: Final[Mapping[str, FinishReason]] = {
    "MAX_TOKENS": FinishReason.LENGTH,
    "CONTINUATION": FinishReason.LENGTH,
    **dict.fromkeys(
        (
            *("SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII"),
            *("MODEL_ARMOR", "ESCALATION", "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT"),
        ),
        FinishReason.REFUSED,
    ),
}
_NONSENSE: Final = frozenset(
    {
        "MALFORMED_FUNCTION_CALL",
        "MALFORMED_RESPONSE",
        "UNEXPECTED_TOOL_CALL",
        "TOO_MANY_TOOL_CALLS",
    }
)


class GeminiWire:
    """The protocol, for one model."""

    provider = PROVIDER_NAME
    models_path = "v1/models"

    def __init__(self, options: Options) -> None:
        """`options` hold the key and the model."""
        self._options = options
        self.model = options.model

    @property
    def chat_path(self) -> str:
        """Where answers are asked for; without `alt` the stream would be one JSON list."""
        return f"{self.models_path}/{self.model}:streamGenerateContent?alt=sse"

    @property
    def headers(self) -> Mapping[str, str]:
        """The key."""
        return {"x-goog-api-key": self._options.api_key.get_secret_value()}

    def body(self, request: ChatRequest) -> JsonObject:
        """The request's body."""
        body: dict[str, Any] = {
            "contents": contents_of(request, self._options),
            "generationConfig": {
                "maxOutputTokens": self._options.max_tokens,
                "thinkingConfig": self._options.thinking,
            },
        }
        if system := system_text(request):
            body["systemInstruction"] = {"parts": [{"text": system}]}
        if request.tools:
            mode = "NONE" if request.tool_choice is ToolChoice.NONE else "AUTO"
            body["tools"] = [{"functionDeclarations": [_declared(tool) for tool in request.tools]}]
            body["toolConfig"] = {"functionCallingConfig": {"mode": mode}}
        return body

    def reader(self, request: ChatRequest, prompt_characters: int) -> AnswerReader:
        """A reader of the answer."""
        return GeminiReader(AnswerDraft(self.provider, self.model, request, prompt_characters))

    def refusal(self, status: int, body: str, retry_after: float | None) -> ProviderError:
        """The error for an HTTP answer that is no answer."""
        return http_error(status, body, retry_after)

    def offered(self, listing: JsonObject) -> Sequence[str]:
        """The model names in a listing."""
        models = objects_in(listing, "models")
        return [text_in(one, "name").removeprefix("models/") for one in models]


class GeminiReader:
    """Reads the chunks of one answer."""

    def __init__(self, draft: AnswerDraft) -> None:
        """Nothing came yet."""
        self._draft = draft
        self._reason = ""
        self._blocked = False
        self._amounts: Mapping[Unit, float] = {}

    @property
    def progress(self) -> int:
        """Pieces so far."""
        return self._draft.progress

    @property
    def in_tool_call(self) -> bool:
        """Never: a call comes in one piece."""
        return False

    @property
    def complete(self) -> bool:
        """Whether a finish reason came, or the prompt was refused."""
        return self._blocked or bool(self._reason)

    def take(self, event: ServerEvent) -> list[ChatEvent]:
        """Read one chunk.

        Raises:
            ProviderError: it reports an error, or is nonsense.
        """
        if not event.data:
            # A failure in mid-stream is a bare JSON object, without a field name before it.
            if error := error_in(event.stray):
                raise streamed_error(error)
            return []
        try:
            return self._chunk(decode_object(event.data))
        except MalformedJson as error:
            raise ProviderGarbage(f"a chunk that is {error}", provider=PROVIDER_NAME) from None

    def end(self) -> list[ChatEvent]:
        """Tool calls, usage and `Finished`.

        Raises:
            ProviderUnavailable: no finish reason came, or one that tells nothing without words.
            ProviderGarbage: a tool call makes no sense.
        """
        if not self.complete:
            raise self._draft.broken_off()
        if self._blocked:
            return self._draft.end(FinishReason.REFUSED, self._amounts)
        reason = _REASONS.get(self._reason, FinishReason.STOP)
        if self._reason != _STOP and reason is FinishReason.STOP and not self.progress:
            raise ProviderUnavailable("it stopped without an answer", provider=PROVIDER_NAME)
        return self._draft.end(reason, self._amounts)

    def _chunk(self, chunk: JsonObject) -> list[ChatEvent]:
        if error := object_in(chunk, "error"):
            raise streamed_error(error)
        if usage := object_in(chunk, "usageMetadata"):
            self._amounts = _amounts(usage)
        if text_in(object_in(chunk, "promptFeedback"), "blockReason"):
            self._blocked = True
        said: list[ChatEvent] = []
        for candidate in objects_in(chunk, "candidates"):
            if count_in(candidate, "index") == 0:
                said += self._candidate(candidate)
        return said

    def _candidate(self, candidate: JsonObject) -> list[ChatEvent]:
        said: list[ChatEvent] = []
        for part in objects_in(object_in(candidate, "content"), "parts"):
            said += self._part(part)
        reason = text_in(candidate, "finishReason")
        if reason in _NONSENSE:
            raise ProviderGarbage("a tool call that makes no sense", provider=PROVIDER_NAME)
        if reason == "MISSING_THOUGHT_SIGNATURE":
            raise ProviderRejected("a call lacks its signature", provider=PROVIDER_NAME)
        self._reason = reason or self._reason
        return said

    def _part(self, part: JsonObject) -> list[ChatEvent]:
        if part.get("thought") is True:
            return []
        if call := object_in(part, "functionCall"):
            arguments = orjson.dumps(dict(object_in(call, "args"))).decode()
            name, mark = text_in(call, "name"), text_in(part, "thoughtSignature")
            self._draft.begin_call(CallDraft(text_in(call, "id"), name, arguments, mark))
        return self._draft.say(text_in(part, "text"))


def _amounts(usage: JsonObject) -> Mapping[Unit, float]:
    """The figures; cached tokens are part of the prompt's, thoughts are no candidates."""
    cached = count_in(usage, "cachedContentTokenCount")
    prompt = count_in(usage, "promptTokenCount") + count_in(usage, "toolUsePromptTokenCount")
    thoughts = count_in(usage, "thoughtsTokenCount")
    return {
        Unit.INPUT_TOKENS: max(prompt - cached, 0),
        Unit.CACHED_TOKENS: cached,
        Unit.OUTPUT_TOKENS: count_in(usage, "candidatesTokenCount") + thoughts,
    }


def _declared(tool: ToolDeclaration) -> JsonObject:
    """A declaration; a tool without parameters has no schema at all."""
    declared: dict[str, Any] = {"name": tool.name, "description": tool.description}
    if tool.parameters.get("properties"):
        declared["parametersJsonSchema"] = reduced(tool.parameters)
    return declared
