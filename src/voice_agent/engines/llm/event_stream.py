"""Server-sent events out of bytes, chopped anywhere.

Lines end with CR, LF or CRLF and with nothing else: U+2028 is a letter here. What is not a
line of the format is kept as `stray`, for servers that break off with a bare JSON error.
"""

import re
from dataclasses import dataclass
from typing import Final

from voice_agent.core.errors import ProviderGarbage

LARGEST_EVENT: Final = 2**20
"""Bytes of one event."""

_LINE_END: Final = re.compile(rb"\r\n|\r|\n")
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_FIELDS: Final = frozenset({"event", "data", "id", "retry"})


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event: its name ("" for none), its data lines, and lines of no known field."""

    name: str
    data: str
    stray: str = ""


class EventStreamDecoder:
    """Turns the bytes of one response into events."""

    def __init__(self, provider: str, *, largest: int = LARGEST_EVENT) -> None:
        """`provider` is named in errors; an event may have `largest` bytes."""
        self._provider = provider
        self._largest = largest
        self._pending = b""
        self._after_return = False
        self._at_start = True
        self._name = ""
        self._data: list[str] = []
        self._stray: list[str] = []
        self._size = 0

    def feed(self, data: bytes) -> list[ServerEvent]:
        """Take the next bytes and give the events they complete.

        Raises:
            ProviderGarbage: an event is larger than allowed.
        """
        lines = self._lines(data)
        events = [event for line in lines if (event := self._take(line)) is not None]
        self._measure(len(self._pending))
        return events

    def flush(self) -> list[ServerEvent]:
        """The stream is over: the event that lacks only its blank line, if any."""
        line, self._pending = self._pending, b""
        events = [self._take(line), self._end()]
        return [event for event in events if event is not None]

    def _lines(self, data: bytes) -> list[bytes]:
        """Whole lines; a CR at the end of a chunk ends its line, and an LF after it is its own."""
        if self._after_return and data:
            data = data.removeprefix(b"\n")
            self._after_return = False
        self._after_return = self._after_return or data.endswith(b"\r")
        *lines, self._pending = _LINE_END.split(self._pending + data)
        return lines

    def _take(self, raw: bytes) -> ServerEvent | None:
        if self._at_start:
            raw, self._at_start = raw.removeprefix(_BYTE_ORDER_MARK), False
        if not raw:
            return self._end()
        self._size += len(raw)
        self._measure(0)
        line = raw.decode("utf-8", "replace")
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._name = value
        elif name and name not in _FIELDS:
            self._stray.append(line)
        return None

    def _end(self) -> ServerEvent | None:
        event = ServerEvent(self._name, "\n".join(self._data), "\n".join(self._stray))
        had_any = bool(self._data or self._stray)
        self._forget()
        return event if had_any else None

    def _forget(self) -> None:
        self._name = ""
        self._data = []
        self._stray = []
        self._size = 0

    def _measure(self, more: int) -> None:
        if self._size + more > self._largest:
            raise ProviderGarbage(
                f"an event of more than {self._largest} bytes", provider=self._provider
            )
