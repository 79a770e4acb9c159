"""SSML written by our own code: everything is escaped, nothing can be left open."""

from typing import Self

from voice_agent.engines.tts.say_as import SayAsKind
from voice_agent.engines.tts.ssml_spans import (
    LONGEST_BREAK,
    Break,
    Emphasis,
    Level,
    Phoneme,
    Prosody,
    SayAs,
    Span,
    Text,
    to_ssml,
)


class Ssml:
    """Collects spans in order; words are separated by the caller's own spaces."""

    def __init__(self) -> None:
        self._spans: list[Span] = []

    def text(self, words: str) -> Self:
        """Plain words."""
        return self._add(Text(words))

    def pause(self, seconds: float) -> Self:
        """A silence, at most `LONGEST_BREAK`."""
        return self._add(Break(min(max(seconds, 0.0), LONGEST_BREAK)))

    def emphasis(self, words: str, level: Level = Level.MODERATE) -> Self:
        """Words with another weight."""
        return self._add(Emphasis(level, (Text(words),)))

    def prosody(
        self,
        words: str,
        *,
        rate: float | None = None,
        pitch: float | None = None,
        volume: float | None = None,
    ) -> Self:
        """Words at another pace, pitch or loudness, as factors of the voice's own."""
        return self._add(Prosody((Text(words),), rate, pitch, volume))

    def say_as(self, kind: SayAsKind, characters: str) -> Self:
        """Characters read in a certain way."""
        return self._add(SayAs(kind, characters))

    def phoneme(self, word: str, sounds: str, alphabet: str = "ipa") -> Self:
        """A word with its sounds."""
        return self._add(Phoneme(alphabet, sounds, word))

    def build(self) -> str:
        """The SSML fragment."""
        return to_ssml(self._spans)

    def _add(self, span: Span) -> Self:
        self._spans.append(span)
        return self
