"""The two WebSockets' messages, as values: text to intents, sound to JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from voice_agent.simulation.providers.elevenlabs.rules import wrong_setting

POLICY: Final = 1008
"""The WebSocket close code of nearly every refusal."""
SCHEDULE: Final = (120, 160, 250, 290)
SETTINGS_CHANGED: Final = (
    "voice_settings field must be provided in the first message and then either be not "
    "provided or not change."
)
_FLAGS: Final = ("flush", "close_context", "close_socket", "try_trigger_generation")


class Violation(Exception):
    """The client broke a rule; the socket says why and closes."""

    def __init__(self, message: str, error: str, code: int = POLICY) -> None:
        super().__init__(message)
        self.message = message
        self.error = error
        self.code = code

    def event(self, context_id: str | None = None) -> dict[str, Any]:
        """What goes out before the close."""
        event = {"message": self.message, "error": self.error, "code": self.code}
        return event | ({"contextId": context_id} if context_id else {})


@dataclass(frozen=True, slots=True)
class ClientMessage:
    """One message; `text` None where it carries none."""

    text: str | None
    context_id: str | None
    flush: bool
    close_context: bool
    close_socket: bool
    try_trigger: bool
    settings: Mapping[str, Any] | None
    schedule: tuple[int, ...]
    key: str


def parse(raw: str | bytes) -> ClientMessage:
    """Read a message.

    Raises:
        Violation: it is none.
    """
    fields = _object(raw)
    text, context = fields.get("text"), fields.get("context_id")
    if not isinstance(text, str | None) or not isinstance(context, str | None):
        raise Violation("text and context_id must be strings", "invalid_message")
    flags = {name: fields.get(name) or False for name in _FLAGS}
    if not all(isinstance(flag, bool) for flag in flags.values()):
        raise Violation(f"{', '.join(_FLAGS)} must be booleans", "invalid_message")
    settings = fields.get("voice_settings")
    if wrong := wrong_setting(settings):
        raise Violation(wrong, "invalid_voice_settings")
    return ClientMessage(
        text,
        context,
        flush=flags["flush"],
        close_context=flags["close_context"],
        close_socket=flags["close_socket"],
        try_trigger=flags["try_trigger_generation"],
        settings=settings,
        schedule=_schedule(fields),
        key=_key(fields),
    )


@dataclass(frozen=True, slots=True)
class Glyph:
    """One character and how long it sounds (s)."""

    text: str
    seconds: float


def alignment(glyphs: Sequence[Glyph], durations: str) -> dict[str, Any]:
    """Characters of one chunk; `durations` is the spelling of that field."""
    starts, place = [], 0.0
    for glyph in glyphs:
        starts.append(round(place * 1000))
        place += glyph.seconds
    ends = [*starts[1:], round(place * 1000)]
    return {
        "chars": [glyph.text for glyph in glyphs],
        "charStartTimesMs": starts,
        durations: [end - start for start, end in zip(starts, ends, strict=True)],
    }


def normalized(glyphs: Sequence[Glyph]) -> list[Glyph]:
    """The same with the space that the vendor's normaliser puts in front."""
    if not glyphs or glyphs[0].text == " ":
        return list(glyphs)
    lead = min(0.02, glyphs[0].seconds / 3)
    return [Glyph(" ", lead), Glyph(glyphs[0].text, glyphs[0].seconds - lead), *glyphs[1:]]


@dataclass(slots=True)
class Speller:
    """Names the fields; with `drifting` every other message differs from the schema."""

    drifting: bool
    context_id: str | None = None
    _count: int = 0

    def audio(self, data: str | None, glyphs: Sequence[Glyph] | None) -> dict[str, Any]:
        """A chunk; both may be missing."""
        odd = self._odd()
        durations = "charsDurationsMs" if odd else "charDurationsMs"
        shown = glyphs is not None and len(glyphs) > 0
        return {
            "audio": data,
            "isFinal": None,
            "alignment": alignment(glyphs or (), durations) if shown else None,
            "normalizedAlignment": alignment(normalized(glyphs or ()), durations)
            if shown
            else None,
            **self._context(odd=odd),
        }

    def final(self) -> dict[str, Any]:
        """The end of a context or stream."""
        odd = self._odd()
        return {
            "audio": None,
            "is_final" if odd else "isFinal": True,
            "alignment": None,
            "normalizedAlignment": None,
            **self._context(odd=odd),
        }

    def _odd(self) -> bool:
        self._count += 1
        return self.drifting and self._count % 2 == 0

    def _context(self, *, odd: bool) -> dict[str, str]:
        if self.context_id is None:
            return {}
        return {"context_id" if odd else "contextId": self.context_id}


def _object(raw: str | bytes) -> Mapping[str, Any]:
    if isinstance(raw, bytes):
        raise Violation("binary messages are not supported", "invalid_message")
    try:
        fields = orjson.loads(raw)
    except ValueError:
        raise Violation("the message is not JSON", "invalid_message") from None
    if not isinstance(fields, dict):
        raise Violation("the message is not an object", "invalid_message")
    return fields


def _schedule(fields: Mapping[str, Any]) -> tuple[int, ...]:
    config = fields.get("generation_config") or fields.get("generator_config")
    schedule = config.get("chunk_length_schedule") if isinstance(config, dict) else None
    if not schedule:
        return ()
    if not isinstance(schedule, list) or not all(
        isinstance(length, int | float) and 50 <= length <= 500 for length in schedule
    ):
        raise Violation("chunk_length_schedule values must be 50 to 500", "invalid_message")
    return tuple(round(length) for length in schedule)


def _key(fields: Mapping[str, Any]) -> str:
    bearer = str(fields.get("authorization") or "").removeprefix("Bearer ")
    return str(fields.get("xi_api_key") or fields.get("xi-api-key") or bearer)
