"""What Deepgram's messages are made of, read with distrust."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any, Final

import orjson

from voice_agent.core.speech import Transcript, Word
from voice_agent.engines.stt.deepgram.provider_clock import ProviderClock

LARGEST: Final = 2**20
"""Characters of a message that is still read; real ones have a few thousand."""
_SHORTEST_WORD: Final = 0.01
_ROUNDING: Final = 0.02
"""Times are told in hundredths of a second."""

Fields = Mapping[str, Any]


class Malformed(ValueError):
    """A message that is not the protocol; says what is wrong, never what it contains."""


def read(message: str | bytes) -> Fields:
    """The fields of a message.

    Raises:
        Malformed: it is not a JSON object in a text frame.
    """
    if isinstance(message, bytes):
        raise Malformed("binary")
    if len(message) > LARGEST:
        raise Malformed("too large")
    try:
        fields = orjson.loads(message)
    except orjson.JSONDecodeError:
        raise Malformed("no JSON") from None
    if not isinstance(fields, dict):
        raise Malformed("no object")
    return fields


def text(fields: Fields, name: str) -> str:
    """A string that must be there."""
    value = fields.get(name)
    if not isinstance(value, str):
        raise Malformed(f"{name} is no text")
    return value


def number(fields: Fields, name: str) -> float:
    """A finite number that must be there."""
    value = fields.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or not isfinite(value):
        raise Malformed(f"{name} is no number")
    return float(value)


def whole(fields: Fields, name: str) -> int | None:
    """A whole number, None where it is missing."""
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise Malformed(f"{name} is no whole number")
    return value


def flag(fields: Fields, name: str) -> bool:
    """A truth value; missing is false."""
    value = fields.get(name)
    if value is not None and not isinstance(value, bool):
        raise Malformed(f"{name} is no truth value")
    return bool(value)


def share(fields: Fields, name: str) -> float | None:
    """A probability within 0 to 1, None where it is missing."""
    return None if fields.get(name) is None else min(max(number(fields, name), 0.0), 1.0)


@dataclass(frozen=True, slots=True)
class Segment:
    """Text of a range of sound; all times are Deepgram's (s)."""

    text: str
    start: float
    end: float
    confidence: float = 1.0
    words: tuple[Word, ...] = ()

    @property
    def last_word_end(self) -> float:
        """Where the last word ends, else the range."""
        return self.words[-1].end if self.words else self.end

    def after(self, moment: float) -> "Segment":
        """What of it was not yet delivered when everything up to `moment` was."""
        if self.start >= moment - _ROUNDING:
            return self
        words = tuple(word for word in self.words if (word.start + word.end) / 2 >= moment)
        if words and len(words) == len(self.words):
            return self
        return replace(self, text=" ".join(w.text for w in words), words=words)


def words(fields: Fields) -> tuple[Word, ...]:
    """The words with their times; none where any of them has no proper time."""
    listed = fields.get("words")
    if not isinstance(listed, list):
        return ()
    try:
        return tuple(_word(word) for word in listed)
    except Malformed:
        return ()


def _word(fields: Any) -> Word:
    if not isinstance(fields, dict):
        raise Malformed("a word is no object")
    start, end = number(fields, "start"), number(fields, "end")
    if start < 0 or end < start:
        raise Malformed("a word's times are out of order")
    confidence = share(fields, "confidence")
    name = "punctuated_word" if isinstance(fields.get("punctuated_word"), str) else "word"
    return Word(text(fields, name), start, end, 1.0 if confidence is None else confidence)


def transcript(
    segments: tuple[Segment, ...],
    clock: ProviderClock,
    *,
    final: bool,
    ends_turn: bool = False,
    completeness: float | None = None,
) -> Transcript:
    """The text of all segments together, on the caller's clock; there is at least one."""
    spoken = [segment for segment in segments if segment.text] or list(segments)
    heard = tuple(_on_caller_clock(word, clock) for s in spoken for word in s.words)
    start, end = clock.start(spoken[0].start), clock.end(spoken[-1].end)
    return Transcript(
        text=" ".join(s.text.strip() for s in spoken if s.text),
        final=final,
        start=min((start, *(word.start for word in heard))),
        end=max((start, end, *(word.end for word in heard))),
        confidence=min(s.confidence for s in spoken),
        completeness=completeness,
        words=heard,
        ends_turn=ends_turn,
    )


def _on_caller_clock(word: Word, clock: ProviderClock) -> Word:
    start = clock.start(word.start)
    return replace(word, start=start, end=max(clock.end(word.end), start + _SHORTEST_WORD))
