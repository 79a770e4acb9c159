"""The browser's side of the voice socket, without a socket.

Sound is PCM16 16 kHz in binary messages both ways; everything else is JSON text. A mark is
reported as played when its turn comes and dropped by a clear.
"""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from voice_agent.core.audio import WIDEBAND, AudioFormat
from voice_agent.core.ports import ClearAudio, PlayAudio, SendMark, TransportCommand

VERSION: Final = 1
INVALID: Final = 1
"""Counts messages that are not of the protocol."""


class BrowserLine:
    """Builds and reads the messages of one voice socket.

    `call_id`, `disposition` and `trouble` are what the server said about the call.
    """

    format: AudioFormat = WIDEBAND
    echoes_cleared_marks = False

    def __init__(self) -> None:
        self.call_id = ""
        self.disposition = ""
        self.trouble = ""
        self.errors: Counter[int] = Counter()
        self.explanations: list[str] = []

    def opening(self) -> tuple[str, ...]:
        """`hello`."""
        return (json.dumps({"type": "hello", "version": VERSION}),)

    def audio(self, frame: bytes, at: float) -> bytes:  # noqa: ARG002
        """The sound itself; the socket has no time stamps."""
        return frame

    def mark(self, name: str) -> str:
        """Everything before the mark was played."""
        return json.dumps({"type": "played", "mark": name})

    def key(self, digit: str) -> str:
        """A pressed key."""
        return json.dumps({"type": "key", "digit": digit})

    def closing(self) -> str:
        """The caller hangs up."""
        return json.dumps({"type": "hangup"})

    def receive(self, message: str | bytes) -> TransportCommand | None:
        """Read one message; None when it asks for nothing to be done with sound."""
        if isinstance(message, bytes):
            if len(message) % 2 == 0:
                return PlayAudio(message)
            return self._drop("half a sample")
        try:
            value = json.loads(message)
        except (ValueError, RecursionError):
            return self._drop("a message that is no JSON")
        return self._read(value) if isinstance(value, dict) else self._drop("no object")

    def _read(self, value: Mapping[str, Any]) -> TransportCommand | None:
        match value:
            case {"type": "mark", "name": str(name)}:
                return SendMark(name)
            case {"type": "clear"}:
                return ClearAudio()
            case {"type": "ready", "call_id": str(call_id)}:
                self.call_id = call_id
            case {"type": "ended", "disposition": str(disposition)}:
                self.disposition = disposition
            case {"type": "error", "code": str(code)}:
                self.trouble = f"{code}: {value.get('detail', '')}"
            case {"type": "event"}:
                pass
            case _:
                return self._drop(f"unknown message {value.get('type')!r:.40}")
        return None

    def _drop(self, reason: str) -> TransportCommand | None:
        self.errors[INVALID] += 1
        if len(self.explanations) < 3:
            self.explanations.append(reason)
        return None
