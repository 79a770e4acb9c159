"""OpenAI's Realtime API (GA), one session: text in, events out; commands in, text out; pure.

What is to be sent is collected in `outbox`. The server answers by itself when the caller has
finished and stops a response by itself when the caller speaks over it; sound of a response that
was stopped may still be under way and is dropped here, by the response's name.

    begin ─▶ session.update ─▶ session.updated: `ready`, the history is sent, sound may follow
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from voice_agent.core.chat import JsonObject
from voice_agent.core.errors import ProviderGarbage
from voice_agent.core.realtime import (
    AddText,
    AddToolResult,
    CallerSound,
    CallerSpeechStarted,
    CallerSpeechStopped,
    CallerText,
    CancelResponse,
    ItemSound,
    ItemText,
    RealtimeCommand,
    RealtimeEvent,
    RealtimeFailed,
    RealtimeRequest,
    Respond,
    ResponseEnded,
    ResponseOutcome,
    ResponseStarted,
    TruncateItem,
)
from voice_agent.engines.realtime.openai import client_events
from voice_agent.engines.realtime.openai.options import NAME, Options
from voice_agent.engines.realtime.openai.server_errors import BENIGN, fatal
from voice_agent.engines.realtime.openai.server_json import (
    Malformed,
    milliseconds,
    objects,
    read_object,
    text,
    word,
)
from voice_agent.engines.realtime.openai.usage import response_usage, transcription_usage
from voice_agent.engines.realtime.openai.wire_sound import WireSound

MOST_GARBAGE: Final = 3
"""Events that may be nonsense in one session."""

_ASKED: Final = "response-asked-for"
"""Our name of the events that ask for a response; an error that names it means none will come."""
_Events = Iterator[RealtimeEvent]


@dataclass(slots=True)
class _Item:
    """An item of the model's: seconds of its sound so far, and whether that is all."""

    seconds: float = 0.0
    whole: bool = False


@dataclass(slots=True)
class Counts:
    """What went wrong without ending the session."""

    garbage: int = 0
    errors: int = 0
    codes: list[str] = field(default_factory=list)


class RealtimeProtocol:
    """The state of one session."""

    def __init__(self, request: RealtimeRequest, options: Options) -> None:
        self.outbox: list[str] = []
        self.ready = False
        self.counts = Counts()
        self._request = request
        self._options = options
        self._sound = WireSound(request.format)
        self._items: dict[str, _Item] = {}
        self._active = ""
        self._dropped: set[str] = set()
        self._asked = 0
        self._to_drop = 0
        self._wanted: Respond | None = None
        self._failed = False
        self._handlers: Mapping[str, Callable[[JsonObject], _Events]] = {
            "session.updated": self._session_updated,
            "error": self._error,
            "input_audio_buffer.speech_started": self._speech_started,
            "input_audio_buffer.speech_stopped": self._speech_stopped,
            "conversation.item.input_audio_transcription.completed": self._transcribed,
            "conversation.item.input_audio_transcription.failed": self._not_transcribed,
            "response.created": self._response_created,
            "response.output_audio.delta": self._audio_delta,
            "response.output_audio.done": self._audio_done,
            "response.output_audio_transcript.delta": self._text_delta,
            "response.done": self._response_done,
        }

    # ── to the server ───────────────────────────────────────────────────────────────────

    def begin(self) -> None:
        """The connection is there."""
        session = client_events.session(self._request, self._options, self._sound.description)
        self._write("session.update", session=session)

    def send(self, command: RealtimeCommand) -> None:
        """Carry out a command."""
        match command:
            case CallerSound():
                self._write("input_audio_buffer.append", audio=self._sound.to_wire(command.data))
            case AddText():
                self._create(client_events.message(command.role, command.text))
            case AddToolResult():
                self._create(client_events.tool_result(command.call_id, command.content))
            case Respond():
                self._respond(command)
            case CancelResponse():
                self._cancel()
            case TruncateItem():
                self._truncate(command)

    def _respond(self, wanted: Respond) -> None:
        """The server takes one response at a time: this one waits until the last is over."""
        if self._active or self._asked:
            self._wanted = wanted
            return
        self._asked += 1
        self._write("response.create", event_id=_ASKED, response=client_events.response(wanted))

    def _cancel(self) -> None:
        self._wanted = None
        self._to_drop = self._asked
        if self._active and self._active not in self._dropped:
            self._dropped.add(self._active)
            self._write("response.cancel", response_id=self._active)
        elif self._to_drop:
            self._write("response.cancel")

    def _truncate(self, command: TruncateItem) -> None:
        """Cut where something was played and something was not; forget what nobody heard.

        The server refuses a cut behind the end.
        """
        item = self._items.get(command.item)
        if item is None:
            return
        heard = min(command.heard, item.seconds)
        end = int(heard * 1000)
        if end <= 0:
            del self._items[command.item]
            self._write("conversation.item.delete", item_id=command.item)
            return
        if item.whole and heard >= item.seconds:
            return
        item.seconds, item.whole = end / 1000, True
        self._write(
            "conversation.item.truncate",
            item_id=command.item,
            content_index=0,
            audio_end_ms=end,
        )

    def _create(self, item: JsonObject) -> None:
        self._write("conversation.item.create", item=item)

    def _write(self, kind: str, **fields: Any) -> None:
        self.outbox.append(json.dumps({"type": kind, **fields}, ensure_ascii=False, default=str))

    # ── from the server ─────────────────────────────────────────────────────────────────

    def receive(self, message: str | bytes) -> list[RealtimeEvent]:
        """The server's next message; after a failure there is nothing more."""
        if self._failed:
            return []
        try:
            event = read_object(message)
            handler = self._handlers.get(word(event, "type"))
            return list(handler(event)) if handler else []
        except Malformed as malformed:
            self.counts.garbage += 1
            if self.counts.garbage <= MOST_GARBAGE:
                return []
            return [self._fail(ProviderGarbage(f"its events: {malformed}", provider=NAME))]

    def _fail(self, error: Any) -> RealtimeFailed:
        self._failed = True
        return RealtimeFailed(error)

    def _session_updated(self, _event: JsonObject) -> _Events:
        if not self.ready:
            self.ready = True
            for item in client_events.history(self._request.history):
                self._create(item)
        yield from ()

    def _error(self, event: JsonObject) -> _Events:
        problem = event.get("error")
        if not isinstance(problem, Mapping):
            raise Malformed("an error without its reason")
        code = text(problem, "code")
        if text(problem, "event_id") == _ASKED:
            self._asked = max(0, self._asked - 1)
        if code in BENIGN:
            return
        self.counts.errors += 1
        self.counts.codes.append(code or text(problem, "type"))
        failure = fatal(problem, ready=self.ready)
        if failure is not None:
            yield self._fail(failure)

    def _speech_started(self, event: JsonObject) -> _Events:
        started = CallerSpeechStarted(word(event, "item_id"), milliseconds(event, "audio_start_ms"))
        # The server stops its response by itself and answers again when the caller is done.
        self._wanted = None
        self._to_drop = self._asked
        if self._active:
            self._dropped.add(self._active)
        yield started

    def _speech_stopped(self, event: JsonObject) -> _Events:
        """The server's moment is when it was sure: the silence it waited for is over then."""
        at = milliseconds(event, "audio_end_ms") - self._options.silence_ms / 1000
        yield CallerSpeechStopped(word(event, "item_id"), max(0.0, at))

    def _transcribed(self, event: JsonObject) -> _Events:
        item, transcript = word(event, "item_id"), text(event, "transcript")
        usage = transcription_usage(event, self._options.transcriber)
        yield CallerText(item, transcript.strip())
        if usage is not None:
            yield usage

    def _not_transcribed(self, event: JsonObject) -> _Events:
        yield CallerText(word(event, "item_id"), "")

    def _response_created(self, event: JsonObject) -> _Events:
        self._active = word(_response(event), "id")
        self._asked = max(0, self._asked - 1)
        if self._to_drop:
            self._to_drop -= 1
            self._dropped.add(self._active)
            return
        yield ResponseStarted(self._active)

    def _audio_delta(self, event: JsonObject) -> _Events:
        response, item = word(event, "response_id"), word(event, "item_id")
        try:
            data, seconds = self._sound.from_wire(item, text(event, "delta"))
        except ValueError as error:
            raise Malformed(str(error)) from None
        self._items.setdefault(item, _Item()).seconds += seconds
        if data and self._wanted_from(response):
            yield ItemSound(response, item, data)

    def _audio_done(self, event: JsonObject) -> _Events:
        self._items.setdefault(word(event, "item_id"), _Item()).whole = True
        yield from ()

    def _text_delta(self, event: JsonObject) -> _Events:
        response, item = word(event, "response_id"), word(event, "item_id")
        delta = text(event, "delta")
        if delta and self._wanted_from(response):
            yield ItemText(response, item, delta)

    def _response_done(self, event: JsonObject) -> _Events:
        response = _response(event)
        name, status = word(response, "id"), text(response, "status")
        outcome = ResponseOutcome(status) if status in _OUTCOMES else ResponseOutcome.FAILED
        completed = outcome is ResponseOutcome.COMPLETED
        calls = tuple(client_events.calls(objects(response, "output"))) if completed else ()
        usage = response_usage(response, self._options.model)
        if usage is not None:
            yield usage
        if name == self._active:
            self._active = ""
        if name in self._dropped:
            self._dropped.discard(name)
            for call in calls:
                self._create(client_events.tool_result(call.id, _NOT_DONE))
        else:
            yield ResponseEnded(name, outcome, calls)
        wanted, self._wanted = self._wanted, None
        if wanted is not None:
            self._respond(wanted)

    def _wanted_from(self, response: str) -> bool:
        return response == self._active and response not in self._dropped


_OUTCOMES: Final = frozenset(ResponseOutcome)
_NOT_DONE: Final = {
    "error": "cancelled",
    "message": "The caller spoke before this was begun; it was not done.",
}


def _response(event: JsonObject) -> JsonObject:
    response = event.get("response")
    if not isinstance(response, Mapping):
        raise Malformed("a response event without its response")
    return response
