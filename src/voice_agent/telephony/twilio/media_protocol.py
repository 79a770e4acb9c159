"""Twilio Media Streams as values: text in, events out; intents in, text out.

No socket, no clock, no task. A shell passes every message to `receive` and sends what `play`,
`mark` and `clear` return. Message shapes follow Twilio's "Media Streams - WebSocket Messages".

    NEW ──connected──► CONNECTED ──start──► STREAMING ──stop──► STOPPED
                                                └── socket gone ──┘ (`closed`)

    message      NEW         CONNECTED   STREAMING                 STOPPED
    connected    event       error       error                     ignored
    start        error       event       error                     ignored
    media        error       error       AudioReceived             ignored
    mark         error       error       MarkReached               ignored
    dtmf         error       error       KeyReceived               ignored
    stop         error       error       LineClosed(clean=True)    ignored
    any other    ignored     ignored     ignored                   ignored
    intents      error       error       text                      error

What is malformed raises `MediaStreamError`, is counted and changes nothing; no input raises
anything else. A message for another stream, a track that is not the caller's, an unknown event
and the echo of a mark never sent are ignored and counted.

Marks: after a `clear` Twilio returns the pending marks as if they had been played. Every mark
remembers how many clears were sent before it; when that number has moved on by the time the
echo arrives, the mark is reported as not heard.

Times are given by `audio_clock.AudioClock`.
"""

import binascii
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import orjson

from voice_agent.core.audio import PHONE, AudioFormat, AudioFrame
from voice_agent.core.errors import ProtocolError
from voice_agent.core.ports import (
    AudioReceived,
    KeyReceived,
    LineClosed,
    MarkReached,
    TransportEvent,
)
from voice_agent.telephony.twilio.audio_clock import AudioClock, MediaCounts

MAX_MESSAGE: Final = 64 * 1024
"""Longest message taken, in bytes (characters for text)."""
MAX_PENDING_MARKS: Final = 1024
"""Marks remembered while their echo is awaited; the oldest are forgotten beyond it."""
MAX_NAME: Final = 256
"""Longest identifier taken (sids, mark names), in characters."""

_KEYS: Final = frozenset("0123456789*#ABCD")
_MEDIA_FORMAT: Final = (("encoding", "audio/x-mulaw"), ("sampleRate", PHONE.rate), ("channels", 1))


class MediaStreamError(ProtocolError):
    """Twilio's side sent something malformed, or an intent came outside the stream."""


@dataclass(frozen=True, slots=True)
class StreamConnected:
    """The socket speaks the protocol."""


@dataclass(frozen=True, slots=True)
class StreamStarted:
    """The call's sound begins; `parameters` are the custom ones from the TwiML."""

    call_sid: str
    stream_sid: str
    account_sid: str
    parameters: Mapping[str, str]
    format: AudioFormat = PHONE


Event = StreamConnected | StreamStarted | TransportEvent


class State(StrEnum):
    """Where the stream is in its life."""

    NEW = "new"
    CONNECTED = "connected"
    STREAMING = "streaming"
    STOPPED = "stopped"


class MediaProtocol:
    """One media stream, from `connected` to `stop`."""

    def __init__(self) -> None:
        self.state = State.NEW
        self.stream_sid = ""
        self.counts = MediaCounts()
        self._clock = AudioClock(self.counts)
        self._clears = 0
        self._marks: deque[tuple[str, int]] = deque(maxlen=MAX_PENDING_MARKS)
        self._media_head = ""

    @property
    def streaming(self) -> bool:
        """Whether intents are allowed now."""
        return self.state is State.STREAMING

    def receive(self, text: str | bytes) -> list[Event]:
        """Take one message.

        Raises:
            MediaStreamError: it is malformed or out of place; the stream may go on.
        """
        try:
            return self._receive(text)
        except MediaStreamError:
            self.counts.malformed += 1
            raise

    def closed(self) -> list[Event]:
        """The socket is gone: without a `stop` before, the line closed uncleanly."""
        if self.state is State.STOPPED:
            return []
        self.state = State.STOPPED
        return [LineClosed(clean=False)]

    def play(self, data: bytes) -> str:
        """The message that queues mu-law sound of any length at Twilio's end."""
        self._must_stream()
        if not data:
            raise MediaStreamError("there is no sound to play")
        return f'{self._media_head}{binascii.b2a_base64(data, newline=False).decode("ascii")}"}}}}'

    def mark(self, name: str) -> str:
        """The message that asks to be told when all sound before it was played."""
        self._must_stream()
        if not 0 < len(name) <= MAX_NAME:
            raise MediaStreamError("a mark's name has 1 to 256 characters")
        text = _dump({"event": "mark", "streamSid": self.stream_sid, "mark": {"name": name}})
        self._marks.append((name, self._clears))
        return text

    def clear(self) -> str:
        """The message that drops all sound not played yet."""
        self._must_stream()
        self._clears += 1
        return _dump({"event": "clear", "streamSid": self.stream_sid})

    def _must_stream(self) -> None:
        if self.state is not State.STREAMING:
            raise MediaStreamError(f"nothing can be sent while the stream is {self.state}")

    def _receive(self, text: str | bytes) -> list[Event]:
        message = _load(text)
        kind = message.get("event")
        if not isinstance(kind, str):
            raise MediaStreamError("the message has no event")
        if self.state is State.STREAMING:
            return self._in_stream(kind, message)
        if self.state is State.STOPPED or kind not in _KNOWN:
            self.counts.ignored += 1
            return []
        return self._before_stream(kind, message)

    def _before_stream(self, kind: str, message: dict[str, Any]) -> list[Event]:
        if self.state is State.NEW and kind == "connected":
            self.state = State.CONNECTED
            return [StreamConnected()]
        if self.state is State.CONNECTED and kind == "start":
            return [self._start(message)]
        raise MediaStreamError(f"{kind} came while the stream was {self.state}")

    def _start(self, message: dict[str, Any]) -> StreamStarted:
        start = _object(message, "start")
        audio = _object(start, "mediaFormat")
        if any(audio.get(key) != value for key, value in _MEDIA_FORMAT):
            raise MediaStreamError("the sound is not 8 kHz mono mu-law")
        started = StreamStarted(
            call_sid=_name(start, "callSid"),
            stream_sid=_name(start, "streamSid"),
            account_sid=_name(start, "accountSid"),
            parameters=_parameters(start),
        )
        if message.get("streamSid") != started.stream_sid:
            raise MediaStreamError("start names two different streams")
        self.stream_sid = started.stream_sid
        head = _dump({"event": "media", "streamSid": self.stream_sid})
        self._media_head = head[:-1] + ',"media":{"payload":"'
        self.state = State.STREAMING
        return started

    def _in_stream(self, kind: str, message: dict[str, Any]) -> list[Event]:
        if kind not in _KNOWN:
            self.counts.ignored += 1
            return []
        if kind in {"connected", "start"}:
            raise MediaStreamError(f"{kind} came twice")
        if message.get("streamSid") != self.stream_sid:
            self.counts.wrong_stream += 1
            return []
        if kind == "media":
            return self._media(message)
        if kind == "mark":
            return self._mark(message)
        if kind == "dtmf":
            return [_key(message)]
        self.state = State.STOPPED
        return [LineClosed(clean=True)]

    def _media(self, message: dict[str, Any]) -> list[Event]:
        media = message.get("media")
        if not isinstance(media, dict):
            raise MediaStreamError("media is not an object")
        if media.get("track") != "inbound":
            self.counts.ignored += 1
            return []
        payload = media.get("payload")
        if not isinstance(payload, str) or not payload:
            raise MediaStreamError("media has no payload")
        try:
            data = binascii.a2b_base64(payload, strict_mode=True)
        except ValueError:
            raise MediaStreamError("the payload is not base64") from None
        timestamp, chunk = _number(media, "timestamp"), _number(media, "chunk")
        start = self._clock.place(timestamp, chunk, len(data))
        return [] if start is None else [AudioReceived(AudioFrame(data, PHONE, start))]

    def _mark(self, message: dict[str, Any]) -> list[Event]:
        name = _name(_object(message, "mark"), "name")
        for sent in self._marks:
            if sent[0] == name:
                self._marks.remove(sent)
                return [MarkReached(name, heard=sent[1] == self._clears)]
        self.counts.ignored += 1
        return []


_KNOWN: Final = frozenset({"connected", "start", "media", "mark", "dtmf", "stop"})


def _load(text: str | bytes) -> dict[str, Any]:
    if len(text) > MAX_MESSAGE:
        raise MediaStreamError("the message is too long")
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise MediaStreamError("the message is not JSON") from None
    if not isinstance(message, dict):
        raise MediaStreamError("the message is not an object")
    return message


def _dump(message: dict[str, Any]) -> str:
    try:
        return orjson.dumps(message).decode()
    except orjson.JSONEncodeError:
        raise MediaStreamError("the name is not valid text") from None


def _object(message: dict[str, Any], key: str) -> dict[str, Any]:
    value = message.get(key)
    if not isinstance(value, dict):
        raise MediaStreamError(f"{key} is not an object")
    return value


def _name(message: dict[str, Any], key: str) -> str:
    value = message.get(key)
    if not isinstance(value, str) or not 0 < len(value) <= MAX_NAME:
        raise MediaStreamError(f"{key} is missing or not a name")
    return value


def _number(message: dict[str, Any], key: str) -> int:
    """Twilio writes numbers as strings of digits."""
    value = message.get(key)
    if not isinstance(value, str) or len(value) > 15 or not (value.isascii() and value.isdigit()):
        raise MediaStreamError(f"{key} is not a number in a string")
    return int(value)


def _parameters(start: dict[str, Any]) -> dict[str, str]:
    given = start.get("customParameters", {})
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        raise MediaStreamError("customParameters are not texts")
    return given


def _key(message: dict[str, Any]) -> KeyReceived:
    digit = _object(message, "dtmf").get("digit")
    if not isinstance(digit, str) or digit not in _KEYS:
        raise MediaStreamError("dtmf has no key")
    return KeyReceived(digit)
