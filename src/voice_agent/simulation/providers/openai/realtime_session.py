"""One session of the Realtime API: client events in, steps out.

      append ──► InputBuffer ── began / ended ──► items ──► response ──► Think
                     │                              ▲
                     └── Ask ──► recogniser ── transcript

The shell carries the steps out: it sends events, feeds the recogniser, lets the model think
and speak for a response, and stops that when the response was cancelled.
"""

from base64 import b64decode
from binascii import Error as BadBase64
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from voice_agent.core.audio import AudioFrame
from voice_agent.core.speech import (
    RecognitionEvent,
    RecognitionFailed,
    SpeechStarted,
    SpeechStopped,
    Transcript,
)
from voice_agent.simulation.providers.openai.realtime_checks import Invalid, Json
from voice_agent.simulation.providers.openai.realtime_events import Events
from voice_agent.simulation.providers.openai.realtime_input import (
    SHORTEST_COMMIT,
    Began,
    Ended,
    InputBuffer,
    Waited,
)
from voice_agent.simulation.providers.openai.realtime_items import Conversation, Item
from voice_agent.simulation.providers.openai.realtime_responding import Responding
from voice_agent.simulation.providers.openai.realtime_response import Response
from voice_agent.simulation.providers.openai.realtime_settings import Settings
from voice_agent.simulation.providers.openai.realtime_steps import Ask, Say, Step

LARGEST_APPEND: Final = 15 * 2**20
_UNASKED: Final = 0.5
"""Seconds by which a final that nobody asked for ends before the one that was asked for."""


Handler = Callable[[Json], Iterator[Step]]


@dataclass(frozen=True, slots=True)
class _Untranscribed:
    """Speech whose text is awaited; `item` None: it was thrown away."""

    item: Item | None
    end: float


class RealtimeSession:
    """The state of one connection."""

    def __init__(self, events: Events, settings: Settings) -> None:
        """`settings` are those that the session begins with."""
        self.conversation = Conversation()
        self._events, self._settings = events, settings
        self._input: InputBuffer | None = None
        self._speech: Item | None = None
        self._listening = False
        self._untranscribed: deque[_Untranscribed] = deque()
        self._parts: list[str] = []
        self._deaf = self._voice_used = False
        self._responding = Responding(events, self.conversation, self._silent_after)
        self._handlers: Mapping[str, Handler] = {
            "session.update": self._update,
            "input_audio_buffer.append": self._append,
            "input_audio_buffer.commit": self._commit_by_hand,
            "input_audio_buffer.clear": self._clear,
            "conversation.item.create": self._create_item,
            "conversation.item.truncate": self._truncate,
            "conversation.item.delete": self._delete,
            "conversation.item.retrieve": self._retrieve,
            "response.create": self._create_response,
            "response.cancel": self._cancel_by_hand,
        }

    @property
    def settings(self) -> Settings:
        """What holds now."""
        return self._settings

    def start(self) -> list[Step]:
        """The greeting."""
        return [Say(self._events.event("session.created", session=self._settings.value))]

    def receive(self, text: str) -> list[Step]:
        """A client event; what is wrong with it is answered by an error event."""
        try:
            event = orjson.loads(text)
        except ValueError:
            return [Say(self._events.error("Failed to parse the event.", "invalid_json"))]
        event = event if isinstance(event, dict) else {}
        event_id = event.get("event_id")
        event_id = event_id if isinstance(event_id, str) else None
        try:
            return list(self._handler(event)(event))
        except Invalid as invalid:
            return [Say(self._events.refusal(invalid, event_id))]

    def heard(self, event: RecognitionEvent) -> list[Step]:
        """What the recogniser says."""
        if isinstance(event, RecognitionFailed):
            self._deaf = True
            return list(self._go_deaf())
        if isinstance(event, Transcript) and event.final:
            return list(self._transcribed(event))
        return []

    def progressed(self, events: list[Json], response: Response) -> list[Step]:
        """The model or the voice got further with a response."""
        self._voice_used = self._voice_used or response.sounded > 0
        return [Say(event) for event in events]

    def finished(self, response: Response, status: str, details: Json | None = None) -> list[Step]:
        """A response ended by itself."""
        return list(self._responding.finish(response, status, details))

    def _handler(self, event: Json) -> Handler:
        kind = event.get("type")
        if kind is None:
            raise Invalid(
                "Missing required parameter: 'type'.",
                code="missing_required_parameter",
                param="type",
            )
        if not isinstance(kind, str) or kind not in self._handlers:
            names = ", ".join(f"'{name}'" for name in self._handlers)
            raise Invalid(f"Invalid value: '{kind}'. Supported values are: {names}.", param="type")
        return self._handlers[kind]

    def _update(self, event: Json) -> Iterator[Step]:
        change = event.get("session")
        if not isinstance(change, dict):
            raise Invalid(
                "Missing required parameter: 'session'.",
                code="missing_required_parameter",
                param="session",
            )
        heard = self._input is not None
        self._settings = self._settings.updated(change, voice_used=self._voice_used, heard=heard)
        if self._input:
            self._input.detect(self._settings.turn_detection)
        yield self._say("session.updated", session=self._settings.value)

    def _append(self, event: Json) -> Iterator[Step]:
        data = _audio(event.get("audio"))
        if self._input is None:
            self._input = InputBuffer(self._settings.input_format, self._settings.turn_detection)
        buffer = self._input
        start = buffer.now
        yield Ask(AudioFrame(data, buffer.audio, start))
        if self._settings.turn_detection is None and not self._listening:
            yield from self._listen(start)
        for found in buffer.append(data):
            match found:
                case Began():
                    yield from self._speech_began(found)
                case Ended():
                    yield from self._speech_ended(found)
                case Waited():
                    yield from self._timed_out(found)

    def _listen(self, onset: float) -> Iterator[Step]:
        self._listening = True
        yield Ask(SpeechStarted(onset))

    def _speech_began(self, began: Began) -> Iterator[Step]:
        detection = self._settings.turn_detection
        self._speech = self._new_speech()
        yield self._say(
            "input_audio_buffer.speech_started",
            audio_start_ms=round(began.start * 1000),
            item_id=self._speech.id,
        )
        yield from self._listen(began.onset)
        if detection and detection.interrupts:
            yield from self._responding.interrupt()

    def _speech_ended(self, ended: Ended) -> Iterator[Step]:
        detection, item = self._settings.turn_detection, self._speech or self._new_speech()
        self._speech = None
        yield self._say(
            "input_audio_buffer.speech_stopped",
            audio_end_ms=round(ended.at * 1000),
            item_id=item.id,
        )
        yield from self._commit(item, ended.voiced_until)
        if detection and detection.creates:
            yield from self._respond({})

    def _timed_out(self, waited: Waited) -> Iterator[Step]:
        item = self._new_speech()
        item.waiting = False
        yield self._say(
            "input_audio_buffer.timeout_triggered",
            audio_start_ms=round(waited.since * 1000),
            audio_end_ms=round(waited.at * 1000),
            item_id=item.id,
        )
        yield from self._committed(item)
        yield from self._respond({})

    def _commit_by_hand(self, _event: Json) -> Iterator[Step]:
        buffer = self._input
        if buffer is None or buffer.waiting < SHORTEST_COMMIT:
            waiting = 0.0 if buffer is None else buffer.waiting * 1000
            raise Invalid(
                "Error committing input audio buffer: buffer too small. Expected at least 100ms "
                f"of audio, but buffer only has {waiting:.2f}ms of audio.",
                code="input_audio_buffer_commit_empty",
            )
        item, self._speech = self._speech or self._new_speech(), None
        if not self._listening:
            yield from self._listen(buffer.start)
        item.audio = buffer.waiting
        buffer.commit()
        yield from self._commit(item, buffer.now)

    def _commit(self, item: Item, end: float) -> Iterator[Step]:
        self._listening = False
        self._untranscribed.append(_Untranscribed(item, end))
        yield Ask(SpeechStopped(end))
        yield from self._committed(item)
        if self._deaf:
            yield from self._go_deaf()

    def _committed(self, item: Item) -> Iterator[Step]:
        before = self.conversation.insert(item, None)
        place = {"item_id": item.id, "previous_item_id": before}
        yield self._say("input_audio_buffer.committed", **place)
        for kind in ("conversation.item.added", "conversation.item.done"):
            yield self._say(kind, previous_item_id=before, item=dict(item.value))

    def _clear(self, _event: Json) -> Iterator[Step]:
        if self._input:
            if self._listening:
                self._listening = False
                self._untranscribed.append(_Untranscribed(None, self._input.now))
                yield Ask(SpeechStopped(self._input.now))
            self._input.commit()
        self._speech = None
        yield self._say("input_audio_buffer.cleared")

    def _new_speech(self) -> Item:
        value = {
            "id": self._events.new_id("item"),
            "object": "realtime.item",
            "type": "message",
            "status": "completed",
            "role": "user",
            "content": [{"type": "input_audio", "transcript": None}],
        }
        return Item(value, waiting=True)

    def _transcribed(self, transcript: Transcript) -> Iterator[Step]:
        speech = self._untranscribed[0] if self._untranscribed else None
        if speech is None or transcript.end < speech.end - _UNASKED:
            self._parts.append(transcript.text)
            return
        self._untranscribed.popleft()
        text = " ".join(filter(None, [*self._parts, transcript.text]))
        self._parts.clear()
        if speech.item is not None:
            yield from self._understood(speech.item, text, transcript.end - transcript.start)

    def _understood(self, item: Item, text: str, seconds: float) -> Iterator[Step]:
        item.waiting = False
        item.audio = item.audio or max(seconds, 0.0)
        item.value["content"] = [{"type": "input_audio", "transcript": text}]
        kind, place = "conversation.item.input_audio_transcription", {"item_id": item.id}
        if self._settings.transcribes and self._deaf:
            error = {"type": "server_error", "code": "audio_unintelligible", "message": "No text."}
            yield self._say(f"{kind}.failed", content_index=0, error=error, **place)
        elif self._settings.transcribes:
            if text:
                yield self._say(f"{kind}.delta", content_index=0, delta=text, **place)
            usage = {"type": "duration", "seconds": round(item.audio, 2)}
            yield self._say(
                f"{kind}.completed", content_index=0, transcript=text, usage=usage, **place
            )
        yield from self._responding.think()

    def _go_deaf(self) -> Iterator[Step]:
        while self._untranscribed:
            speech = self._untranscribed.popleft()
            if speech.item:
                yield from self._understood(speech.item, "", 0.0)

    def _create_item(self, event: Json) -> Iterator[Step]:
        item = self.conversation.checked(event.get("item"), self._events.new_id("item"))
        before = self.conversation.insert(item, event.get("previous_item_id"))
        for kind in ("conversation.item.added", "conversation.item.done"):
            yield self._say(kind, previous_item_id=before, item=item.value)

    def _truncate(self, event: Json) -> Iterator[Step]:
        place = {name: event.get(name) for name in ("item_id", "content_index", "audio_end_ms")}
        self.conversation.truncate(**place)
        yield self._say("conversation.item.truncated", **place)

    def _delete(self, event: Json) -> Iterator[Step]:
        item = self.conversation.find(event.get("item_id"))
        self.conversation.items.remove(item)
        yield self._say("conversation.item.deleted", item_id=item.id)

    def _retrieve(self, event: Json) -> Iterator[Step]:
        item = self.conversation.find(event.get("item_id"))
        yield self._say("conversation.item.retrieved", item=item.value)

    def _create_response(self, event: Json) -> Iterator[Step]:
        yield from self._respond(event.get("response") or {}, event.get("event_id"))

    def _respond(self, change: Any, event_id: str | None = None) -> Iterator[Step]:
        yield from self._responding.respond(self._settings, change, event_id)

    def _cancel_by_hand(self, event: Json) -> Iterator[Step]:
        yield from self._responding.cancel_by_hand(event.get("response_id"))

    def _silent_after(self, seconds: float | None) -> None:
        """The caller's silence counts from the end of an answer's sound; None: from no moment."""
        if self._input:
            self._input.idle_from(None if seconds is None else self._input.now + seconds)

    def _say(self, kind: str, **fields: Any) -> Say:
        return Say(self._events.event(kind, **fields))


def _audio(value: Any) -> bytes:
    if not isinstance(value, str):
        raise Invalid(
            "Missing required parameter: 'audio'.", code="missing_required_parameter", param="audio"
        )
    if len(value) > LARGEST_APPEND * 4 // 3:
        raise Invalid("The audio is longer than 15 MiB.", param="audio")
    try:
        return b64decode(value, validate=True)
    except (BadBase64, ValueError):
        raise Invalid(
            "Invalid 'audio'. Expected base64-encoded audio bytes.", param="audio"
        ) from None
