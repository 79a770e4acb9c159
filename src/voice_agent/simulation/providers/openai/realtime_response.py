"""One response of the Realtime API as it grows: events in their canonical order."""

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from voice_agent.simulation.providers.answers import fragments, tokens
from voice_agent.simulation.providers.openai.realtime_checks import Json
from voice_agent.simulation.providers.openai.realtime_events import Events
from voice_agent.simulation.providers.openai.realtime_items import Conversation, Item
from voice_agent.simulation.providers.openai.realtime_settings import Settings

USER_TOKEN: Final = 0.1
"""Seconds of the caller's sound that are one token."""
ASSISTANT_TOKEN: Final = 0.05
"""The same of the assistant's."""
_CACHE_BLOCK: Final = 64


@dataclass(frozen=True, slots=True)
class Prompt:
    """Tokens that a response was given, and how many of them were in the cache."""

    text: int
    audio: int
    cached: int = 0


class Response:
    """A response; once it is over every further event of it is nothing."""

    def __init__(
        self,
        events: Events,
        conversation: Conversation | None,
        settings: Settings,
        metadata: Json | None = None,
    ) -> None:
        """`conversation` None: what is said is not kept."""
        self.id = events.new_id("resp")
        self.settings = settings
        self.prompt = Prompt(0, 0)
        self.over = False
        self._events, self._conversation = events, conversation
        self._metadata = metadata
        self._output: list[Item] = []
        self._message: Item | None = None
        self._text = ""

    @property
    def kept(self) -> bool:
        """Whether it is part of the conversation."""
        return self._conversation is not None

    @property
    def sounded(self) -> float:
        """Seconds of sound so far."""
        return sum(item.audio for item in self._output)

    def created(self) -> list[Json]:
        """It begins."""
        return [self._event("response.created", response=self._value("in_progress"), plain=True)]

    def text(self, delta: str) -> list[Json]:
        """The next words: the transcript of what is spoken, or the answer itself."""
        if self.over:
            return []
        events = list(self._open_message())
        self._text += delta
        part = "output_audio_transcript" if self.settings.speaks else "output_text"
        return [*events, self._part_event(f"response.{part}.delta", delta=delta)]

    def sound(self, data: bytes) -> list[Json]:
        """The next sound."""
        if self.over or self._message is None:
            return []
        self._message.audio += self.settings.output_format.seconds(data)
        delta = b64encode(data).decode()
        return [self._part_event("response.output_audio.delta", delta=delta)]

    def spoken(self, word: str, end: float) -> None:
        """A word of the transcript ends after so many seconds of the message's sound."""
        if self._message is not None:
            self._message.words.append((word, end))

    @property
    def message_audio(self) -> float:
        """Seconds of sound of the message that is open."""
        return self._message.audio if self._message else 0.0

    def call(self, name: str, arguments: str) -> list[Json]:
        """The model calls a function."""
        if self.over:
            return []
        events = list(self._close_message("completed"))
        item = Item(
            {
                "id": self._events.new_id("item"),
                "object": "realtime.item",
                "type": "function_call",
                "status": "in_progress",
                "name": name,
                "call_id": self._events.new_id("call"),
                "arguments": "",
            }
        )
        events += self._open(item)
        place = {"item_id": item.id, "call_id": item.value["call_id"]}
        kind = "response.function_call_arguments"
        events += [
            self._event(f"{kind}.delta", delta=part, **place) for part in fragments(arguments)
        ]
        events.append(self._event(f"{kind}.done", name=name, arguments=arguments, **place))
        item.value["arguments"] = arguments
        return [*events, *self._close(item, "completed")]

    def finish(self, status: str, details: Json | None = None) -> list[Json]:
        """It ends; an open message is closed first, incomplete unless all went well."""
        if self.over:
            return []
        events = list(self._close_message("completed" if status == "completed" else "incomplete"))
        self.over = True
        value = self._value(status)
        value["status_details"] = None if details is None else {"type": status, **details}
        value["usage"] = self._usage()
        return [*events, self._event("response.done", response=value, plain=True)]

    def _open_message(self) -> Iterator[Json]:
        if self._message is not None:
            return
        self._text = ""
        self._message = item = Item(
            {
                "id": self._events.new_id("item"),
                "object": "realtime.item",
                "type": "message",
                "status": "in_progress",
                "role": "assistant",
                "content": [],
            }
        )
        yield from self._open(item)
        yield self._part_event("response.content_part.added", part=self._part(""))

    def _close_message(self, status: str) -> Iterator[Json]:
        item = self._message
        if item is None:
            return
        if self.settings.speaks:
            yield self._part_event("response.output_audio.done")
            yield self._part_event("response.output_audio_transcript.done", transcript=self._text)
        else:
            yield self._part_event("response.output_text.done", text=self._text)
        yield self._part_event("response.content_part.done", part=self._part(self._text))
        part = self._part(self._text)
        item.value["content"] = [{**part, "type": f"output_{part['type']}"}]
        self._message = None
        yield from self._close(item, status)

    def _part(self, text: str) -> Json:
        if self.settings.speaks:
            return {"type": "audio", "transcript": text}
        return {"type": "text", "text": text}

    def _open(self, item: Item) -> Iterator[Json]:
        self._output.append(item)
        yield self._event("response.output_item.added", item=_copy(item))
        if self._conversation is not None:
            before = self._conversation.insert(item, None)
            yield self._events.event(
                "conversation.item.added", previous_item_id=before, item=_copy(item)
            )

    def _close(self, item: Item, status: str) -> Iterator[Json]:
        item.value["status"] = status
        yield self._event("response.output_item.done", item=_copy(item), of=item)
        if self._conversation is not None:
            items = self._conversation.items
            place = items.index(item) if item in items else 0
            before = items[place - 1].id if place else None
            yield self._events.event(
                "conversation.item.done", previous_item_id=before, item=_copy(item)
            )

    def _part_event(self, kind: str, **fields: Any) -> Json:
        item = self._message or self._output[-1]
        return self._event(kind, item_id=item.id, content_index=0, of=item, **fields)

    def _event(
        self, kind: str, *, plain: bool = False, of: Item | None = None, **fields: Any
    ) -> Json:
        if plain:
            return self._events.event(kind, **fields)
        index = self._output.index(of) if of else len(self._output) - 1
        return self._events.event(kind, response_id=self.id, output_index=index, **fields)

    def _value(self, status: str) -> Json:
        session = self.settings.value
        return {
            "object": "realtime.response",
            "id": self.id,
            "status": status,
            "status_details": None,
            "output": [_copy(item) for item in self._output],
            "conversation_id": "conv_simulated" if self.kept else None,
            "output_modalities": session["output_modalities"],
            "max_output_tokens": session["max_output_tokens"],
            "audio": {"output": {k: session["audio"]["output"][k] for k in ("format", "voice")}},
            "usage": None,
            "metadata": self._metadata,
        }

    def _usage(self) -> Json:
        prompt = self.prompt
        cached = min(prompt.cached // _CACHE_BLOCK * _CACHE_BLOCK, prompt.text)
        text = sum(tokens(i.text() + str(i.value.get("arguments", ""))) for i in self._output)
        audio = -(-int(self.sounded * 1000) // int(ASSISTANT_TOKEN * 1000))
        return {
            "total_tokens": prompt.text + prompt.audio + text + audio,
            "input_tokens": prompt.text + prompt.audio,
            "output_tokens": text + audio,
            "input_token_details": {
                "text_tokens": prompt.text,
                "audio_tokens": prompt.audio,
                "image_tokens": 0,
                "cached_tokens": cached,
                "cached_tokens_details": {
                    "text_tokens": cached,
                    "audio_tokens": 0,
                    "image_tokens": 0,
                },
            },
            "output_token_details": {"text_tokens": text, "audio_tokens": audio},
        }


def _copy(item: Item) -> Json:
    copied = dict(item.value)
    if "content" in copied:
        copied["content"] = [dict(part) for part in copied["content"]]
    return copied
