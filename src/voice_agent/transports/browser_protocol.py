"""The browser's voice socket as values: messages in, events out; intents in, messages out.

Pure: no socket, no clock, no task. Sound is binary (PCM16 little-endian, 16 kHz, mono), all
else is JSON text.

    GREETING ──hello──► OPEN ──hangup──► CLOSED
                          └── socket gone ──┘ (`closed`)

    message    GREETING   OPEN                       CLOSED
    hello      event      error                      ignored
    (binary)   error      AudioReceived              ignored
    played     error      MarkReached(heard=True)    ignored
    key        error      KeyReceived                ignored
    hangup     error      LineClosed(clean=True)     ignored
    others     ignored    ignored                    ignored

What is malformed raises `BrowserMessageError`, is counted and changes nothing; no input raises
anything else. A browser drops pending marks with its sound, so `clear` reports them as not
heard at once; one that crossed the clear on its way is then unknown, ignored and counted.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import orjson

from voice_agent.core.audio import WIDEBAND, AudioFrame
from voice_agent.core.call import Disposition
from voice_agent.core.errors import ProtocolError
from voice_agent.core.events import CallEvent
from voice_agent.core.ports import (
    AudioReceived,
    KeyReceived,
    LineClosed,
    MarkReached,
    TransportEvent,
)

VERSION: Final = 1
MAX_MESSAGE: Final = 64 * 1024
"""Longest message taken, in bytes (characters for text): two seconds of sound."""
MAX_PENDING_MARKS: Final = 1024
"""Marks remembered while their report is awaited; the oldest are forgotten beyond it."""

_KEYS: Final = frozenset("0123456789*#")


class BrowserMessageError(ProtocolError):
    """The page sent something malformed or out of place."""


@dataclass(frozen=True, slots=True)
class HelloReceived:
    """The page speaks our version."""


Event = HelloReceived | TransportEvent


class State(StrEnum):
    """Where the connection is in its life."""

    GREETING = "greeting"
    OPEN = "open"
    CLOSED = "closed"


class BrowserProtocol:
    """One page's voice connection, from `hello` to `hangup`."""

    def __init__(self) -> None:
        self.state = State.GREETING
        self.malformed = 0
        self.ignored = 0
        self._samples = 0
        self._marks: dict[str, None] = {}

    def receive(self, message: str | bytes) -> list[Event]:
        """Take one message: text, or sound.

        Raises:
            BrowserMessageError: it is malformed or out of place; the connection may go on.
        """
        try:
            return self._receive(message)
        except BrowserMessageError:
            self.malformed += 1
            raise

    def closed(self, *, left: bool = False) -> list[Event]:
        """The socket is gone; `left` when the page went on purpose, as by being closed."""
        if self.state is State.CLOSED:
            return []
        self.state = State.CLOSED
        return [LineClosed(clean=left)]

    def mark(self, name: str) -> str:
        """The message that asks to be told when all sound before it was played."""
        while len(self._marks) >= MAX_PENDING_MARKS:
            del self._marks[next(iter(self._marks))]
        self._marks[name] = None
        return dump({"type": "mark", "name": name})

    def clear(self) -> tuple[str, list[MarkReached]]:
        """The message that drops sound not played yet, and the marks that go with it."""
        dropped = [MarkReached(name, heard=False) for name in self._marks]
        self._marks.clear()
        return dump({"type": "clear"}), dropped

    def _receive(self, message: str | bytes) -> list[Event]:
        if len(message) > MAX_MESSAGE:
            raise BrowserMessageError("the message is too long")
        return self._sound(message) if isinstance(message, bytes) else self._text(message)

    def _sound(self, data: bytes) -> list[Event]:
        if self.state is State.CLOSED:
            self.ignored += 1
            return []
        if self.state is State.GREETING:
            raise BrowserMessageError("sound came before hello")
        if not data or len(data) % 2:
            raise BrowserMessageError("sound must be whole 16-bit samples")
        frame = AudioFrame(data, WIDEBAND, self._samples / WIDEBAND.rate)
        self._samples += len(data) // 2
        return [AudioReceived(frame)]

    def _text(self, text: str) -> list[Event]:
        message = load(text)
        kind = message.get("type")
        if not isinstance(kind, str):
            raise BrowserMessageError("the message has no type")
        if self.state is State.CLOSED or kind not in _KINDS:
            self.ignored += 1
            return []
        if (kind == "hello") is (self.state is State.OPEN):
            raise BrowserMessageError(f"{kind} is out of place")
        return self._known(kind, message)

    def _known(self, kind: str, message: Mapping[str, Any]) -> list[Event]:
        match kind:
            case "hello":
                return self._hello(message)
            case "played":
                return self._played(message)
            case "key":
                return [_key(message)]
        self.state = State.CLOSED
        return [LineClosed(clean=True)]

    def _hello(self, message: Mapping[str, Any]) -> list[Event]:
        version = message.get("version")
        if isinstance(version, bool) or version != VERSION:
            raise BrowserMessageError(f"only version {VERSION} is spoken here")
        self.state = State.OPEN
        return [HelloReceived()]

    def _played(self, message: Mapping[str, Any]) -> list[Event]:
        name = message.get("mark")
        if not isinstance(name, str):
            raise BrowserMessageError("played names no mark")
        if name not in self._marks:
            self.ignored += 1
            return []
        del self._marks[name]
        return [MarkReached(name, heard=True)]


_KINDS: Final = frozenset({"hello", "played", "key", "hangup"})


def ready(call_id: str) -> str:
    """The answer to `hello`."""
    audio = {"encoding": WIDEBAND.encoding.value, "rate": WIDEBAND.rate}
    return dump({"type": "ready", "call_id": call_id, "format": audio})


def event(happened: CallEvent) -> str:
    """Something that happened in the call, for the page to show."""
    return dump({"type": "event", **happened.as_dict()})


def ended(disposition: Disposition) -> str:
    """The call is over; the last message."""
    return dump({"type": "ended", "disposition": disposition.value})


def error(code: str, detail: str) -> str:
    """Something was wrong with what the page sent."""
    return dump({"type": "error", "code": code, "detail": detail})


def dump(message: Mapping[str, Any]) -> str:
    """JSON text of anything, best effort for values that JSON does not know."""
    return orjson.dumps(dict(message), default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def load(text: str) -> dict[str, Any]:
    """A JSON object.

    Raises:
        BrowserMessageError: it is not one.
    """
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise BrowserMessageError("the message is not JSON") from None
    if not isinstance(message, dict):
        raise BrowserMessageError("the message is not an object")
    return message


def _key(message: Mapping[str, Any]) -> KeyReceived:
    digit = message.get("digit")
    if not isinstance(digit, str) or digit not in _KEYS:
        raise BrowserMessageError("key has no digit")
    return KeyReceived(digit)
