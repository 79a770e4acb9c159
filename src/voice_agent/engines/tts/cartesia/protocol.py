"""Cartesia's messages as values: clauses to JSON, JSON to what a clause sounds like.

A clause is one context with one message. A cancelled context's sound may still come for a
while; whoever cancelled no longer listens, and its id is never used again.
"""

from base64 import b64decode
from collections.abc import Mapping
from math import isfinite
from typing import Any, Final

import orjson

from voice_agent.core.errors import (
    ProviderError,
    ProviderGarbage,
    ProviderMisconfigured,
    ProviderThrottled,
    ProviderUnavailable,
)
from voice_agent.core.speech import SpeechRequest
from voice_agent.engines.hosted import refusal
from voice_agent.engines.tts.cartesia.options import NAME, CartesiaOptions, output_format
from voice_agent.engines.tts.clause_assembler import sayable
from voice_agent.engines.tts.clause_events import (
    ClauseEvent,
    Failed,
    Sound,
    TimedText,
    WordTimes,
)
from voice_agent.engines.tts.clause_events import Final as Ended
from voice_agent.engines.tts.socket_seating import SocketRules
from voice_agent.engines.tts.ssml import for_cartesia

RULES: Final = SocketRules(
    seats=24,
    until_final=False,
    # The vendor closes after 300 s and knows no keep-alive; a clause must not meet that close.
    longest_idle=270.0,
)
SOCKET_PATH: Final = "/tts/websocket"
_LONGEST_DETAIL: Final = 300
_LONGEST_CLAUSE: Final = 3600.0
"""A time beyond this (s) is nonsense."""
_PREVIEW: Final = {"container": "mp3", "sample_rate": 44100, "bit_rate": 128000}
_WRONG_SETUP: Final = frozenset(("voice_not_found", "model_not_found", "quota_exceeded"))
_THROTTLED: Final = frozenset(("concurrency_limited", "rate_limited"))


def clause_text(request: SpeechRequest, model: str) -> str:
    """What is sent of a clause: its markup in the vendor's dialect, else its plain text."""
    return for_cartesia(request.markup, model) if request.markup else sayable(request.text)


def opening(
    context: str, text: str, request: SpeechRequest, options: CartesiaOptions
) -> tuple[str]:
    """The one message that speaks a clause."""
    fields = {
        "context_id": context,
        **_common(text, request, options),
        "output_format": output_format(request.format),
        "continue": False,
        "add_timestamps": True,
        # The clause is whole: nothing is gained by waiting for more of it.
        "max_buffer_delay_ms": 0,
    }
    return (orjson.dumps(fields).decode(),)


def cancel(context: str) -> str:
    """The message that stops a clause."""
    return orjson.dumps({"context_id": context, "cancel": True}).decode()


def preview_body(request: SpeechRequest, options: CartesiaOptions) -> dict[str, Any]:
    """The request for an MP3 file."""
    return {**_common(sayable(request.text), request, options), "output_format": _PREVIEW}


def receive(message: str | bytes) -> list[ClauseEvent]:
    """What one message says; unknown types say nothing. Never raises."""
    fields = _object(message)
    if fields is None:
        return [Failed("", ProviderGarbage("a message that is no JSON object", provider=NAME))]
    context = _text(fields, "context_id")
    match fields.get("type"):
        case "chunk":
            return [_sound(context, fields.get("data"))]
        case "timestamps":
            words = _words(fields.get("word_timestamps"))
            return [WordTimes(context, words)] if words else []
        case "done":
            return [Ended(context)]
        case "error":
            return [Failed(context, _error(fields))]
        case _:
            return []


def closed(code: int | None, reason: str) -> ProviderError:
    """Why a socket that closed did so."""
    said = f", {reason[:_LONGEST_DETAIL]}" if reason else ""
    return ProviderUnavailable(f"the socket closed ({code or 'no goodbye'}{said})", provider=NAME)


def http_refusal(status: int, body: bytes, retry_after: float | None) -> ProviderError:
    """The error for an HTTP answer that is none; its body is JSON, or text in older versions."""
    fields = _object(body)
    if fields is None:
        said = body[:_LONGEST_DETAIL].decode("utf-8", "replace")
        return refusal(NAME, status, said, retry_after=retry_after)
    return _refused(status, fields, retry_after)


def _common(text: str, request: SpeechRequest, options: CartesiaOptions) -> dict[str, Any]:
    return {
        "model_id": options.model,
        "transcript": text,
        "voice": options.voice_field(options.voice_for(request)),
        **options.language_fields(request),
        **options.generation(request),
    }


def _error(fields: Mapping[str, Any]) -> ProviderError:
    status = fields.get("status_code")
    return _refused(status if isinstance(status, int) else 500, fields, None)


def _refused(status: int, fields: Mapping[str, Any], retry_after: float | None) -> ProviderError:
    """Reads both shapes: `title` and `message`, or one `error` of "Title: Message"."""
    name = _text(fields, "error_code")
    sentences = [_text(fields, "title"), _text(fields, "message")]
    said = ": ".join(filter(None, sentences)) or _text(fields, "error") or name
    said = said[:_LONGEST_DETAIL]
    if name in _WRONG_SETUP:
        return ProviderMisconfigured(f"HTTP {status}: {said}", provider=NAME)
    if name in _THROTTLED:
        return ProviderThrottled(said, provider=NAME, retry_after=retry_after)
    return refusal(NAME, status, said, retry_after=retry_after)


def _sound(context: str, data: object) -> ClauseEvent:
    if not isinstance(data, str):
        return Failed(context, ProviderGarbage("sound that is no text", provider=NAME))
    try:
        return Sound(context, b64decode(data, validate=True))
    except ValueError:
        return Failed(context, ProviderGarbage("sound that is no base64", provider=NAME))


def _words(timestamps: object) -> tuple[TimedText, ...]:
    if not isinstance(timestamps, dict):
        return ()
    words, starts, ends = (timestamps.get(name) for name in ("words", "start", "end"))
    if not (isinstance(words, list) and isinstance(starts, list) and isinstance(ends, list)):
        return ()
    if not len(words) == len(starts) == len(ends):
        return ()
    timed = (
        TimedText(word, _seconds(start), _seconds(end))
        for word, start, end in zip(words, starts, ends, strict=True)
        if isinstance(word, str)
    )
    return tuple(TimedText(t.text, t.start, max(t.start, t.end)) for t in timed)


def _seconds(value: object) -> float:
    if not isinstance(value, int | float) or not isfinite(value):
        return 0.0
    return min(max(float(value), 0.0), _LONGEST_CLAUSE)


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _object(message: str | bytes) -> Mapping[str, Any] | None:
    try:
        fields = orjson.loads(message)
    except orjson.JSONDecodeError:
        return None
    return fields if isinstance(fields, dict) else None
