"""ElevenLabs' messages as values: clauses to JSON, JSON to what a clause sounds like.

        {"text": " ", "context_id": …, "voice_settings": …}     opens the context
        {"text": "Hello there. ", "context_id": …, "flush": true}
        {"context_id": …, "close_context": true}                 ends it once all is said

All three go out at once. A context that is closed already needs no goodbye when the caller
interrupts, so nothing is ever sent for one that has ended, which would open it again.
"""

from base64 import b64decode
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, Final
from urllib.parse import quote, urlencode

import orjson

from voice_agent.core.audio import AudioFormat
from voice_agent.core.errors import (
    ProviderError,
    ProviderGarbage,
    ProviderMisconfigured,
    ProviderRejected,
    ProviderThrottled,
    ProviderUnavailable,
)
from voice_agent.core.speech import SpeechRequest
from voice_agent.engines.hosted import refusal
from voice_agent.engines.tts.clause_assembler import sayable
from voice_agent.engines.tts.clause_events import ClauseEvent, Failed, Sound, TimedText
from voice_agent.engines.tts.clause_events import Final as Ended
from voice_agent.engines.tts.elevenlabs.options import NAME, ElevenLabsOptions, output_format
from voice_agent.engines.tts.socket_seating import SocketRules
from voice_agent.engines.tts.ssml import for_elevenlabs

SEATS: Final = 4
"""Contexts on one socket; the vendor allows five and closes it at the sixth."""
RULES: Final = SocketRules(
    seats=SEATS,
    until_final=True,
    longest_idle=600.0,
    # Without a context: with one that was never opened it would poison that context.
    keep_alive='{"text":""}',
    keep_alive_every=15.0,
)
LONGEST_SILENCE: Final = 180
"""The vendor's longest `inactivity_timeout` (s)."""
LONGEST_LINE: Final = 16 * 2**20
"""Bytes of one line of a timed HTTP stream."""
_LONGEST_DETAIL: Final = 300
_LONGEST_CLAUSE: Final = 3600.0
"""A time beyond this (s) is nonsense."""
_ALIGNMENTS: Final = ("alignment", "normalizedAlignment", "normalized_alignment")
_PREVIEW: Final = "mp3_44100_128"

_THROTTLED: Final = frozenset(
    (
        "rate_limit_exceeded",
        "concurrent_limit_exceeded",
        "too_many_concurrent_requests",
        "system_busy",
    )
)
_WRONG_SETUP: Final = frozenset(
    (
        "voice_not_found",
        "voice_id_does_not_exist",
        "invalid_voice",
        "invalid_voice_id",
        "model_not_found",
        "invalid_model",
        "invalid_model_id",
        "model_id_does_not_exist",
        "unsupported_model",
        "model_not_supported",
        "invalid_api_key",
        "missing_permissions",
        "quota_exceeded",
        "voice_limit_reached",
        "authentication_required",
        "payment_required",
    )
)
_PASSING: Final = frozenset(
    ("max_active_conversations", "input_timeout_exceeded", "internal_error", "server_error")
)


def clause_text(request: SpeechRequest, model: str) -> str:
    """What is sent of a clause: its markup in the vendor's dialect, else its plain text."""
    return for_elevenlabs(request.markup, model) if request.markup else sayable(request.text)


def socket_path(request: SpeechRequest, options: ElevenLabsOptions) -> str:
    """Path and query of the socket on which a clause may be spoken."""
    language = options.language_code(request)
    query = {
        "model_id": options.model,
        "output_format": output_format(request.format),
        "auto_mode": "true",
        "sync_alignment": "true",
        "inactivity_timeout": str(LONGEST_SILENCE),
        "apply_text_normalization": options.text_normalization,
        **({"language_code": language} if language else {}),
        **({"enable_ssml_parsing": "true"} if request.markup else {}),
    }
    voice = quote(options.voice_for(request), safe="")
    return f"/v1/text-to-speech/{voice}/multi-stream-input?{urlencode(query)}"


def opening(context: str, text: str, settings: Mapping[str, float | bool]) -> tuple[str, str, str]:
    """The messages that speak a clause in a context of its own."""
    first = {"text": " ", "context_id": context, "voice_settings": dict(settings)}
    said = {"text": f"{text} ", "context_id": context, "flush": True}
    last = {"context_id": context, "close_context": True}
    return _json(first), _json(said), _json(last)


def http_path(request: SpeechRequest, options: ElevenLabsOptions) -> str:
    """Path and query of a timed HTTP stream."""
    voice = quote(options.voice_for(request), safe="")
    query = urlencode({"output_format": output_format(request.format)})
    return f"/v1/text-to-speech/{voice}/stream/with-timestamps?{query}"


def preview_path(voice: str) -> str:
    """Path and query of an MP3 file."""
    return f"/v1/text-to-speech/{quote(voice, safe='')}/stream?output_format={_PREVIEW}"


def http_body(text: str, request: SpeechRequest, options: ElevenLabsOptions) -> dict[str, Any]:
    """The request that speaks a clause over HTTP."""
    language = options.language_code(request)
    return {
        "text": text,
        "model_id": options.model,
        "voice_settings": options.settings(request),
        "apply_text_normalization": options.text_normalization,
        **({"language_code": language} if language else {}),
    }


def preview_body(
    text: str, voice: str, audio: AudioFormat, options: ElevenLabsOptions
) -> dict[str, Any]:
    """The request for an MP3 file."""
    return http_body(sayable(text), SpeechRequest(text, audio, voice), options)


def receive(message: str | bytes) -> list[ClauseEvent]:
    """What one message of a multi-context socket says; never raises."""
    fields = _object(message)
    if fields is None:
        return [Failed("", ProviderGarbage("a message that is no JSON object", provider=NAME))]
    context = _text(fields, "contextId", "context_id")
    if _text(fields, "error", "message") and not _is_set(fields, "audio"):
        return [Failed(context, _named_error(fields))]
    events: list[ClauseEvent] = []
    if _is_set(fields, "audio") or _alignment(fields):
        events.append(_sound(context, fields.get("audio"), _socket_letters(fields)))
    if fields.get("isFinal") is True or fields.get("is_final") is True:
        events.append(Ended(context))
    return events


def closed(code: int | None, reason: str) -> ProviderError:
    """Why a socket that closed did so."""
    said = reason[:_LONGEST_DETAIL]
    if code == 1009:
        return ProviderMisconfigured("voice and model do not go together (1009)", provider=NAME)
    if code == 1008:
        return ProviderRejected(f"it closed the socket: {said or 'no reason given'}", provider=NAME)
    return ProviderUnavailable(f"the socket closed ({code or 'no goodbye'})", provider=NAME)


def handshake_refusal(error: ProviderError) -> ProviderError:
    """The same error, or that of a wrong voice or model where the vendor's sentence names it."""
    if isinstance(error, ProviderRejected) and any(name in str(error) for name in _WRONG_SETUP):
        return ProviderMisconfigured(str(error), provider=NAME)
    return error


class TimedStream:
    """A timed HTTP stream: bytes cut anywhere in, events out."""

    def __init__(self) -> None:
        self._rest = b""
        self._latest = 0.0

    def take(self, data: bytes) -> list[ClauseEvent]:
        """The events of every line that `data` completes."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        events = [event for line in lines for event in self._line(line)]
        if len(self._rest) > LONGEST_LINE:
            self._rest = b""
            events.append(_garbage("", "a line without an end"))
        return events

    def finish(self) -> list[ClauseEvent]:
        """The stream ended; its last line needs no line end."""
        rest, self._rest = self._rest, b""
        return [*self._line(rest), Ended("")]

    def _line(self, line: bytes) -> list[ClauseEvent]:
        if not line.strip():
            return []
        fields = _object(line)
        if fields is None:
            return [_garbage("", "a line that is no JSON object")]
        if not _is_set(fields, "audio_base64") and not _alignment(fields):
            return []
        letters = _http_letters(fields)
        sound = _sound("", fields.get("audio_base64"), letters)
        if not isinstance(sound, Sound) or not letters:
            return [sound]
        # Times go on from one line to the next, or begin again; the text does not tell.
        goes_on = letters[0].start >= self._latest
        self._latest = letters[-1].start if goes_on else self._latest + letters[-1].start
        return [Sound("", sound.data, letters, from_clause_start=goes_on)]


def http_refusal(status: int, body: bytes, retry_after: float | None) -> ProviderError:
    """The error for an HTTP answer that is none; knows the old and the new shape of its body."""
    names, sentence = _detail(_object(body))
    said = sentence or body[:_LONGEST_DETAIL].decode("utf-8", "replace")
    if status < 500 and names & _WRONG_SETUP:
        return ProviderMisconfigured(f"HTTP {status}: {said}", provider=NAME)
    return refusal(NAME, status, said[:_LONGEST_DETAIL], retry_after=retry_after)


def _detail(fields: Mapping[str, Any] | None) -> tuple[frozenset[str], str]:
    detail = (fields or {}).get("detail")
    if isinstance(detail, dict):
        names = (detail.get(name) for name in ("status", "code", "type"))
        return frozenset(n for n in names if isinstance(n, str)), _text(detail, "message")
    if isinstance(detail, list):
        # Only what is wrong: the rest of the entry repeats what was to be spoken.
        wrong = [_text(entry, "msg") for entry in detail if isinstance(entry, dict)]
        return frozenset(), "; ".join(filter(None, wrong))
    return frozenset(), detail if isinstance(detail, str) else ""


def _named_error(fields: Mapping[str, Any]) -> ProviderError:
    name, message = _text(fields, "error"), _text(fields, "message")
    said = f"{name}: {message}".strip(": ")[:_LONGEST_DETAIL]
    code = fields.get("code")
    if name in _THROTTLED or code == 429:
        return ProviderThrottled(said, provider=NAME)
    if name in _WRONG_SETUP or code in (401, 402, 403, 404):
        return ProviderMisconfigured(said, provider=NAME)
    if code == 1008 and name not in _PASSING:
        return ProviderRejected(said, provider=NAME)
    return ProviderUnavailable(said, provider=NAME)


def _sound(context: str, audio: object, letters: tuple[TimedText, ...]) -> Sound | Failed:
    if audio is None or audio == "":
        return Sound(context, b"", letters)
    if not isinstance(audio, str):
        return _garbage(context, "sound that is no text")
    try:
        return Sound(context, b64decode(audio, validate=True), letters)
    except ValueError:
        return _garbage(context, "sound that is no base64")


def _socket_letters(fields: Mapping[str, Any]) -> tuple[TimedText, ...]:
    alignment = _alignment(fields)
    starts = _first(alignment, "charStartTimesMs", "charsStartTimesMs", "char_start_times_ms")
    lengths = _first(alignment, "charDurationsMs", "charsDurationsMs", "char_durations_ms")
    chars = _first(alignment, "chars", "characters")
    ends = [
        _number(start) + _number(length) for start, length in zip(starts, lengths, strict=False)
    ]
    return _letters(chars, starts, ends, unit=0.001)


def _http_letters(fields: Mapping[str, Any]) -> tuple[TimedText, ...]:
    alignment = _alignment(fields)
    starts = _first(alignment, "character_start_times_seconds")
    ends = _first(alignment, "character_end_times_seconds")
    return _letters(_first(alignment, "characters", "chars"), starts, ends, unit=1.0)


def _alignment(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """That of our own text, else of the text as the vendor wrote it out."""
    found = (fields.get(name) for name in _ALIGNMENTS)
    return next((alignment for alignment in found if isinstance(alignment, dict)), {})


def _letters(
    chars: Sequence[object], starts: Sequence[object], ends: Sequence[object], *, unit: float
) -> tuple[TimedText, ...]:
    if not len(chars) == len(starts) == len(ends):
        return ()
    letters = []
    for char, start, end in zip(chars, starts, ends, strict=True):
        if not isinstance(char, str):
            return ()
        begins, stops = _number(start) * unit, _number(end) * unit
        letters.append(TimedText(char, begins, max(begins, stops)))
    return tuple(letters)


def _number(value: object) -> float:
    usable = isinstance(value, int | float) and isfinite(value)
    return min(max(float(value), 0.0), _LONGEST_CLAUSE * 1000) if usable else 0.0  # type: ignore[arg-type]


def _first(fields: Mapping[str, Any], *names: str) -> Sequence[object]:
    return next((fields[name] for name in names if isinstance(fields.get(name), list)), ())


def _text(fields: Mapping[str, Any], *names: str) -> str:
    return next((fields[name] for name in names if isinstance(fields.get(name), str)), "")


def _is_set(fields: Mapping[str, Any], name: str) -> bool:
    return fields.get(name) not in (None, "")


def _garbage(context: str, what: str) -> Failed:
    return Failed(context, ProviderGarbage(what, provider=NAME))


def _object(message: str | bytes) -> Mapping[str, Any] | None:
    try:
        fields = orjson.loads(message)
    except orjson.JSONDecodeError:
        return None
    return fields if isinstance(fields, dict) else None


def _json(fields: Mapping[str, Any]) -> str:
    return orjson.dumps(fields).decode()
