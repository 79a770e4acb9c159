"""Chat Completions as values: a request's body, and the answer read from its events.

    chunk with role ──► text … ──► calls by index … ──► finish_reason ──► usage ──► [DONE]

Other servers leave out the index, the id, `[DONE]`, or the figures; none of that is an error.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from voice_agent.core.chat import (
    ChatEvent,
    ChatRequest,
    FinishReason,
    JsonObject,
    ToolChoice,
    ToolDeclaration,
)
from voice_agent.core.errors import ProviderError, ProviderGarbage
from voice_agent.core.usage import Unit
from voice_agent.engines.llm.event_stream import ServerEvent
from voice_agent.engines.llm.hosted_answer import AnswerDraft, AnswerReader, CallDraft
from voice_agent.engines.llm.hosted_history import (
    AgentTurn,
    HistoryTurn,
    history_turns,
    system_text,
)
from voice_agent.engines.llm.json_access import (
    MalformedJson,
    count_in,
    decode_object,
    object_in,
    objects_in,
    text_in,
)
from voice_agent.engines.llm.openai.errors import http_error, streamed_error
from voice_agent.engines.llm.openai.options import MODELS, Options

PROVIDER_NAME: Final = "openai"
_DONE: Final = "[DONE]"
_REASONS: Final[Mapping[str, FinishReason]] = {
    "length": FinishReason.LENGTH,
    "content_filter": FinishReason.REFUSED,
}


class OpenAIWire:
    """The protocol, for one model of one server."""

    provider = PROVIDER_NAME
    chat_path = "chat/completions"
    models_path = "models"

    def __init__(self, options: Options) -> None:
        """`options` hold the server's capabilities."""
        self._options = options
        self.model = options.model

    @property
    def headers(self) -> Mapping[str, str]:
        """The key, where there is one."""
        key = self._options.api_key.get_secret_value()
        return {"authorization": f"Bearer {key}"} if key else {}

    def body(self, request: ChatRequest) -> JsonObject:
        """The request's body, without any field that the server does not know."""
        options = self._options
        body: dict[str, Any] = {
            "model": options.model,
            "stream": True,
            "messages": self._messages(request),
            options.token_field: options.max_tokens,
        }
        if options.stream_options:
            body["stream_options"] = {"include_usage": True}
            if options.model in MODELS:
                body["stream_options"]["include_obfuscation"] = False
        if options.effort:
            body["reasoning_effort"] = options.effort
        return {**body, **self._tools(request)}

    def reader(self, request: ChatRequest, prompt_characters: int) -> AnswerReader:
        """A reader of the answer."""
        return OpenAIReader(AnswerDraft(self.provider, self.model, request, prompt_characters))

    def refusal(self, status: int, body: str, retry_after: float | None) -> ProviderError:
        """The error for an HTTP answer that is no answer."""
        return http_error(status, body, retry_after)

    def offered(self, listing: JsonObject) -> Sequence[str]:
        """The model names in a listing."""
        return [text_in(one, "id") for one in objects_in(listing, "data")]

    def _messages(self, request: ChatRequest) -> list[JsonObject]:
        system = system_text(request)
        first = [{"role": self._options.system_role, "content": system}] if system else []
        turns = history_turns(request.messages)
        return [*first, *(message for turn in turns for message in self._turn(turn))]

    def _turn(self, turn: HistoryTurn) -> list[JsonObject]:
        if not isinstance(turn, AgentTurn):
            return [{"role": "user", "content": turn.text}]
        if not turn.exchanges:
            return [{"role": "assistant", "content": turn.text}]
        silent = None if self._options.null_content else ""
        calls = [
            {
                "id": one.call.id,
                "type": "function",
                "function": {
                    "name": one.call.name,
                    "arguments": json.dumps(dict(one.call.arguments), default=str),
                },
            }
            for one in turn.exchanges
        ]
        results = [
            {"role": "tool", "tool_call_id": one.call.id, "content": one.result}
            for one in turn.exchanges
        ]
        asking = {"role": "assistant", "content": turn.text or silent, "tool_calls": calls}
        return [asking, *results]

    def _tools(self, request: ChatRequest) -> JsonObject:
        silent = request.tool_choice is ToolChoice.NONE
        if not request.tools or (silent and not self._options.tools_with_choice_none):
            return {}
        tools: dict[str, Any] = {
            "tools": [_declared(tool) for tool in request.tools],
            "tool_choice": "none" if silent else "auto",
        }
        if self._options.parallel_tool_calls is not None:
            tools["parallel_tool_calls"] = self._options.parallel_tool_calls
        return tools


class OpenAIReader:
    """Reads the chunks of one answer."""

    def __init__(self, draft: AnswerDraft) -> None:
        """Nothing came yet."""
        self._draft = draft
        self._by_index: dict[int, CallDraft] = {}
        self._reason = ""
        self._refused = False
        self._done = False
        self._amounts: Mapping[Unit, float] = {}

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
        """Whether a chunk had a finish reason, or the last line was there."""
        return self._done or bool(self._reason)

    def take(self, event: ServerEvent) -> list[ChatEvent]:
        """Read one chunk.

        Raises:
            ProviderError: it reports an error, or is nonsense.
        """
        if self._done:
            return []
        if event.data.strip() == _DONE:
            self._done = True
            return []
        try:
            return self._chunk(_payload(event))
        except MalformedJson as error:
            raise ProviderGarbage(f"a chunk that is {error}", provider=PROVIDER_NAME) from None

    def end(self) -> list[ChatEvent]:
        """Tool calls, usage and `Finished`.

        Raises:
            ProviderUnavailable: no finish reason came, and no last line either.
            ProviderGarbage: a tool call makes no sense.
        """
        if not self.complete:
            raise self._draft.broken_off()
        reason = _REASONS.get(self._reason, FinishReason.STOP)
        if self._refused:
            reason = FinishReason.REFUSED
        return self._draft.end(reason, self._amounts)

    def _chunk(self, chunk: JsonObject) -> list[ChatEvent]:
        error = chunk if chunk.get("object") == "error" else chunk.get("error")
        if error:
            raise streamed_error(error)
        if usage := object_in(chunk, "usage"):
            self._amounts = _amounts(usage)
        said: list[ChatEvent] = []
        for choice in objects_in(chunk, "choices"):
            if count_in(choice, "index") == 0:
                said += self._delta(object_in(choice, "delta"))
                self._reason = text_in(choice, "finish_reason") or self._reason
        return said

    def _delta(self, delta: JsonObject) -> list[ChatEvent]:
        said = self._draft.say(text_in(delta, "content"))
        refusal = self._draft.say(text_in(delta, "refusal"))
        self._refused = self._refused or bool(refusal)
        for piece in objects_in(delta, "tool_calls"):
            self._piece(piece)
        return said + refusal

    def _piece(self, piece: JsonObject) -> None:
        function = object_in(piece, "function")
        arguments = _arguments(function)
        call_id, name = text_in(piece, "id"), text_in(function, "name")
        index = piece.get("index")
        known = self._known(index, call_id)
        if known is None or _begins_another(known, call_id, name, arguments):
            known = self._draft.begin_call(CallDraft(call_id, name))
            if isinstance(index, int):
                self._by_index[index] = known
        known.name = known.name or name
        self._draft.add_arguments(known, arguments)

    def _known(self, index: Any, call_id: str) -> CallDraft | None:
        """The call that a piece goes on with: by index, else by id, else the last one."""
        if isinstance(index, int):
            return self._by_index.get(index)
        calls = self._draft.calls
        same = [call for call in calls if call_id and call.id == call_id]
        return next(reversed(same or calls), None)


def _begins_another(known: CallDraft, call_id: str, name: str, arguments: str) -> bool:
    """Whether a piece is a new call although its place is taken: some servers count wrongly."""
    if call_id and known.id:
        return call_id != known.id
    return bool(name and known.arguments and known.whole and arguments.lstrip().startswith("{"))


def _payload(event: ServerEvent) -> JsonObject:
    if event.data:
        return decode_object(event.data)
    # Some servers break off with a bare error, or one in a field of that name.
    try:
        return decode_object(event.stray.removeprefix("error:"))
    except MalformedJson:
        return {}


def _arguments(function: JsonObject) -> str:
    """The piece of the arguments; some servers send an object instead of its text."""
    value = function.get("arguments")
    return json.dumps(value) if isinstance(value, dict) else text_in(function, "arguments")


def _amounts(usage: JsonObject) -> Mapping[Unit, float]:
    """The figures; cached tokens are part of the prompt's here."""
    details = object_in(usage, "prompt_tokens_details")
    cached = count_in(details, "cached_tokens")
    written = count_in(details, "cache_write_tokens")
    return {
        Unit.INPUT_TOKENS: max(count_in(usage, "prompt_tokens") - cached - written, 0),
        Unit.CACHED_TOKENS: cached,
        Unit.CACHE_WRITE_TOKENS: written,
        Unit.OUTPUT_TOKENS: count_in(usage, "completion_tokens"),
    }


def _declared(tool: ToolDeclaration) -> JsonObject:
    return {
        "type": "function",
        "function": {
            "name": tool.name,
            "description": tool.description,
            "parameters": dict(tool.parameters),
        },
    }
