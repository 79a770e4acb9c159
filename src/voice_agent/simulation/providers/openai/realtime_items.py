"""The conversation of a Realtime session: its items, and what the model is given of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from voice_agent.core.chat import Message, Role, ToolCall
from voice_agent.simulation.providers.answers import loads_object
from voice_agent.simulation.providers.openai.realtime_checks import (
    Check,
    Invalid,
    Json,
    anything,
    fields,
    listed,
    one_of,
    tagged,
    text,
    whole,
)

_COMMON: Final[Mapping[str, Check]] = {
    "id": text,
    "object": text,
    "status": one_of("completed", "incomplete", "in_progress"),
    "type": anything,
}
_TEXT: Final = fields({"type": anything, "text": text}, required=("text",))


def _message(role: str, content: Check) -> Check:
    return fields(
        {**_COMMON, "role": one_of(role), "content": listed(content)},
        required=("role", "content"),
    )


_MESSAGES: Final[Mapping[str, Check]] = {
    "user": _message("user", tagged({"input_text": _TEXT})),
    "system": _message("system", tagged({"input_text": _TEXT})),
    "assistant": _message("assistant", tagged({"output_text": _TEXT})),
}


def _any_message(value: Any, place: str) -> None:
    one_of(*_MESSAGES)(value.get("role"), f"{place}.role")
    _MESSAGES[value["role"]](value, place)


_ITEM: Final = tagged(
    {
        "message": _any_message,
        "function_call": fields(
            {**_COMMON, "call_id": text, "name": text, "arguments": text},
            required=("name", "arguments"),
        ),
        "function_call_output": fields(
            {**_COMMON, "call_id": text, "output": text}, required=("call_id", "output")
        ),
    }
)


@dataclass(slots=True)
class Item:
    """One item; `value` is how the vendor writes it.

    `audio` is its length in seconds, `words` with their ends in seconds for what was spoken,
    `cut` the moment after which the caller heard nothing. `waiting`: its text is not known yet.
    """

    value: Json
    audio: float = 0.0
    words: list[tuple[str, float]] = field(default_factory=list)
    cut: float | None = None
    waiting: bool = False

    @property
    def id(self) -> str:
        """Its name."""
        return str(self.value["id"])

    @property
    def spoken(self) -> bool:
        """Whether it is sound of the assistant."""
        content = self.value.get("content") or ()
        return self.value.get("role") == "assistant" and any(
            part["type"] == "output_audio" for part in content
        )

    def text(self) -> str:
        """What it says, as far as it was heard."""
        if self.cut is not None:
            return " ".join(word for word, end in self.words if end <= self.cut)
        parts = self.value.get("content") or ()
        return " ".join(part.get("text") or part.get("transcript") or "" for part in parts)


class Conversation:
    """The items in order."""

    def __init__(self) -> None:
        self.items: list[Item] = []

    @property
    def last(self) -> str | None:
        """The id of the newest item."""
        return self.items[-1].id if self.items else None

    def checked(self, value: Any, new_id: str, place: str = "item") -> Item:
        """An item of the client's, not yet added.

        Raises:
            Invalid: the vendor would not take it.
        """
        _ITEM(value, place)
        item = Item({"id": new_id, "object": "realtime.item", "status": "completed", **value})
        if any(item.id == known.id for known in self.items):
            raise Invalid(f"Item with id '{item.id}' already exists.", param=f"{place}.id")
        if value["type"] == "function_call_output" and value["call_id"] not in self._calls():
            raise Invalid(
                f"Tool call ID '{value['call_id']}' not found in conversation.",
                code="invalid_tool_call_id",
                param=f"{place}.call_id",
            )
        if value["type"] == "function_call":
            item.value.setdefault("call_id", f"call_{new_id}")
        return item

    def insert(self, item: Item, after: str | None) -> str | None:
        """Add an item after another, None for the end; returns the id of the one before.

        Raises:
            Invalid: there is no such item.
        """
        if after is None:
            previous = self.last
            self.items.append(item)
            return previous
        if after == "root":
            self.items.insert(0, item)
            return None
        self.items.insert(self.items.index(self.find(after, "previous_item_id")) + 1, item)
        return after

    def find(self, item_id: Any, param: str = "item_id") -> Item:
        """The item of that name.

        Raises:
            Invalid: there is none.
        """
        for item in self.items:
            if item.id == item_id:
                return item
        raise Invalid(
            f"Item with item_id '{item_id}' not found.", code="item_not_found", param=param
        )

    def truncate(self, item_id: Any, content_index: Any, audio_end_ms: Any) -> None:
        """The caller heard an item only up to a moment.

        Raises:
            Invalid: it is not sound of the assistant, or is shorter than that.
        """
        whole(0, 2**31)(audio_end_ms, "audio_end_ms")
        item = self.find(item_id)
        if not item.spoken:
            raise Invalid("Only model output audio messages can be truncated.", param="item_id")
        if content_index != 0 or isinstance(content_index, bool):
            raise Invalid(f"Content index {content_index} not found.", param="content_index")
        if audio_end_ms > round(item.audio * 1000):
            raise Invalid(
                f"Audio content of {round(item.audio * 1000)}ms is already shorter than "
                f"{audio_end_ms}ms",
                param="audio_end_ms",
            )
        item.cut = audio_end_ms / 1000
        item.audio = item.cut
        item.value["content"][0].pop("transcript", None)

    def messages(self) -> tuple[Message, ...]:
        """The conversation as a language model takes it."""
        merged: list[Message] = []
        for message in self._messages():
            before = merged[-1] if merged else None
            if message.tool_calls and before and before.role is Role.ASSISTANT:
                calls = before.tool_calls + message.tool_calls
                merged[-1] = replace(before, tool_calls=calls)
            else:
                merged.append(message)
        return tuple(merged)

    def _messages(self) -> Iterator[Message]:
        for item in self.items:
            value = item.value
            match value["type"]:
                case "message":
                    interrupted = item.cut is not None
                    yield Message(Role(value["role"]), item.text(), interrupted=interrupted)
                case "function_call":
                    arguments = loads_object(value["arguments"])
                    call = ToolCall(value["call_id"], value["name"], arguments)
                    yield Message(Role.ASSISTANT, "", tool_calls=(call,))
                case "function_call_output":
                    yield Message(Role.TOOL, value["output"], call_id=value["call_id"])

    def _calls(self) -> set[str]:
        return {
            item.value["call_id"] for item in self.items if item.value["type"] == "function_call"
        }
