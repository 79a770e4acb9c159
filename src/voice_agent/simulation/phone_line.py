"""The far side of a Twilio Media Stream, without a socket.

`PhoneLine` writes the messages Twilio writes and reads what the agent sends as strictly as
Twilio does: what Twilio would drop with a debugger warning is dropped and counted here.
`PlayoutBuffer` is Twilio's buffer between the agent and the caller's ear.

Message shapes, strings for numbers and error numbers follow Twilio's Media Streams
reference (WebSocket messages; errors 31950 and 31951).
"""

import binascii
import json
from base64 import b64decode, b64encode
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from voice_agent.core.audio import PHONE, AudioFormat
from voice_agent.core.errors import ProtocolError
from voice_agent.core.ports import ClearAudio, PlayAudio, SendMark, TransportCommand

FRAME_SECONDS: Final = 0.02
"""What one tick of any phone carries, in seconds."""

MALFORMED: Final = 31950
"""Twilio's number for a message that is binary or no JSON."""
INVALID: Final = 31951
"""Twilio's number for JSON that is no message of the protocol, or of another stream."""

_EXPLAINED: Final = 3
"""How many dropped messages are described one by one."""


class _Dropped(ProtocolError):
    """Why a message from the agent is ignored; never leaves this module."""

    def __init__(self, number: int, reason: str) -> None:
        super().__init__(reason)
        self.number = number


@dataclass(frozen=True, slots=True)
class LineIdentity:
    """Who is connected, in Twilio's identifiers."""

    account_sid: str
    call_sid: str
    stream_sid: str


class PhoneLine:
    """Builds and reads the messages of one Media Stream."""

    format: AudioFormat = PHONE
    echoes_cleared_marks = True

    def __init__(self, identity: LineIdentity, parameters: Mapping[str, str]) -> None:
        """`parameters` are the TwiML stream's, handed on in `start`."""
        self.identity = identity
        self._parameters = dict(parameters)
        self._sequence = 0
        self._chunk = 0
        self._media_head = (
            f'{{"event":"media","streamSid":"{identity.stream_sid}","sequenceNumber":"'
        )
        self._silence = self.format.silence(FRAME_SECONDS)
        self._silence_text = b64encode(self._silence).decode()
        self.errors: Counter[int] = Counter()
        self.explanations: list[str] = []

    def opening(self) -> tuple[str, ...]:
        """`connected` and `start`."""
        start = {
            "accountSid": self.identity.account_sid,
            "streamSid": self.identity.stream_sid,
            "callSid": self.identity.call_sid,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": self._parameters,
        }
        connected = {"event": "connected", "protocol": "Call", "version": "1.0.0"}
        return json.dumps(connected), self._message("start", {"start": start})

    def audio(self, frame: bytes, at: float) -> str:
        """A `media` message; `at` is seconds since the stream started."""
        self._sequence += 1
        self._chunk += 1
        text = self._silence_text if frame == self._silence else b64encode(frame).decode()
        return (
            f'{self._media_head}{self._sequence}","media":{{"track":"inbound","chunk":"'
            f'{self._chunk}","timestamp":"{round(at * 1000)}","payload":"{text}"}}}}'
        )

    def mark(self, name: str) -> str:
        """The echo of a mark."""
        return self._message("mark", {"mark": {"name": name}})

    def key(self, digit: str) -> str:
        """A pressed key."""
        return self._message("dtmf", {"dtmf": {"track": "inbound_track", "digit": digit}})

    def closing(self) -> str:
        """`stop`."""
        ids = {"accountSid": self.identity.account_sid, "callSid": self.identity.call_sid}
        return self._message("stop", {"stop": ids})

    def receive(self, message: str | bytes) -> TransportCommand | None:
        """Read one message of the agent; None when Twilio would drop it."""
        try:
            return self._command(_json_object(message))
        except _Dropped as dropped:
            self.errors[dropped.number] += 1
            if len(self.explanations) < _EXPLAINED:
                self.explanations.append(f"{dropped.number}: {dropped}")
            return None

    def _message(self, event: str, body: Mapping[str, Any]) -> str:
        self._sequence += 1
        head = {"event": event, "sequenceNumber": str(self._sequence)}
        return json.dumps({**head, **body, "streamSid": self.identity.stream_sid})

    def _command(self, message: Mapping[str, Any]) -> TransportCommand:
        event = message.get("event")
        if event not in ("media", "mark", "clear"):
            raise _Dropped(INVALID, f"unknown event {event!r:.40}")
        if message.get("streamSid") != self.identity.stream_sid:
            raise _Dropped(INVALID, f"{event} for another stream: {message.get('streamSid')!r:.60}")
        if event == "clear":
            return ClearAudio()
        body = message.get(event)
        return _media(body) if event == "media" else _mark(body)


def _json_object(message: str | bytes) -> Mapping[str, Any]:
    if isinstance(message, bytes):
        raise _Dropped(MALFORMED, "a binary message")
    try:
        value = json.loads(message)
    except (ValueError, RecursionError):
        raise _Dropped(MALFORMED, "a message that is no JSON") from None
    if not isinstance(value, dict):
        raise _Dropped(INVALID, "a message that is no object")
    return value


def _media(body: Any) -> PlayAudio:
    payload = body.get("payload") if isinstance(body, dict) else None
    if not isinstance(payload, str):
        raise _Dropped(INVALID, "media without a payload")
    try:
        return PlayAudio(b64decode(payload, validate=True))
    except (binascii.Error, ValueError):
        raise _Dropped(INVALID, "media whose payload is no base64") from None


def _mark(body: Any) -> SendMark:
    name = body.get("name") if isinstance(body, dict) else None
    if not isinstance(name, str):
        raise _Dropped(INVALID, "a mark without a name")
    return SendMark(name)


@dataclass(frozen=True, slots=True)
class Played:
    """What one tick brought to the ear.

    `data` has the asked length; its last `missing` bytes are silence because the buffer was
    empty. `marks` were reached, in order.
    """

    data: bytes
    missing: int
    marks: tuple[str, ...] = ()


class PlayoutBuffer:
    """Sound and marks waiting to be played, first in first out, without a limit."""

    def __init__(self, audio: AudioFormat) -> None:
        """`audio` says what silence is."""
        self._silence = audio.silence(FRAME_SECONDS)
        self._items: deque[bytes | str] = deque()
        self._offset = 0
        self.waiting = 0
        self.received = 0
        self.cleared = 0

    def put(self, data: bytes) -> None:
        """Queue sound."""
        if data:
            self._items.append(data)
            self.waiting += len(data)
            self.received += len(data)

    def mark(self, name: str) -> tuple[str, ...]:
        """Queue a mark behind the sound; returns it at once when nothing is before it."""
        if not self._items:
            return (name,)
        self._items.append(name)
        return ()

    def clear(self) -> tuple[str, ...]:
        """Drop all sound; returns the marks that waited, in order."""
        marks = tuple(item for item in self._items if isinstance(item, str))
        self._items.clear()
        self._offset = 0
        self.cleared += self.waiting
        self.waiting = 0
        return marks

    def pop(self, count: int) -> Played:
        """Play `count` bytes; a mark is reached when the last byte before it is taken."""
        if not self._items:
            return Played(self._silent(count), count)
        parts: list[bytes] = []
        marks: list[str] = []
        wanted = count
        while self._items:
            head = self._items[0]
            if isinstance(head, str):
                marks.append(head)
                self._items.popleft()
            elif wanted:
                parts.append(taken := self._take(head, wanted))
                wanted -= len(taken)
            else:
                break
        self.waiting -= count - wanted
        return Played(b"".join(parts) + self._silent(wanted), wanted, tuple(marks))

    def _take(self, head: bytes, wanted: int) -> bytes:
        taken = head[self._offset : self._offset + wanted]
        self._offset += len(taken)
        if self._offset == len(head):
            self._items.popleft()
            self._offset = 0
        return taken

    def _silent(self, count: int) -> bytes:
        if count <= len(self._silence):
            return self._silence[:count]
        return (self._silence * (count // len(self._silence) + 1))[:count]
