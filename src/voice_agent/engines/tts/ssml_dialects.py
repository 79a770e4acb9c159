"""Neutral markup in the words of each provider; what one cannot say is kept by meaning.

No text can become a tag: angle and square brackets of the words are taken out everywhere,
because a provider that does not decode `&lt;` would read it aloud.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from voice_agent.engines.tts.say_as import SayAsKind, read_as
from voice_agent.engines.tts.ssml_parser import parse
from voice_agent.engines.tts.ssml_spans import (
    Break,
    Emphasis,
    Level,
    Phoneme,
    Prosody,
    SayAs,
    Span,
    Spans,
    Sub,
    Text,
    plain_text,
    printable,
)

ELEVENLABS_LONGEST_BREAK: Final = 3.0
"""Seconds."""
MOST_BREAKS: Final = 4
"""More of them in one clause make ElevenLabs' voices unsteady; the rest become commas."""

_WITH_PHONEMES: Final = frozenset(
    ("eleven_flash_v2", "eleven_turbo_v2", "eleven_monolingual_v1", "eleven_english_v1")
)
_AUDIO_TAGS: Final = ("eleven_v3", "eleven_v4")
_WITH_CARTESIA_TAGS: Final = re.compile(r"sonic-(?:3|latest)(?![0-9])")
_BRACKETS: Final = str.maketrans({"<": " ", ">": " ", "[": " ", "]": " ", "{": " ", "}": " "})
_SHORTEST_PAUSE: Final = 0.15
"""A break below this (s) is no more than the space between two words."""
_SPELLED: Final = (SayAsKind.DIGITS, SayAsKind.CHARACTERS)
_WEIGHTS: Final = {Level.STRONG: 1.3, Level.MODERATE: 1.15, Level.REDUCED: 0.85, Level.NONE: 1.0}
"""Loudness by which Cartesia's voices give weight to words."""


def for_elevenlabs(markup: str, model: str) -> str:
    """The text for ElevenLabs; its `<break>` and `<phoneme>` need SSML parsing switched on.

    Models of the third generation on know no such tags, but `[pause]` and capitals.
    """
    tagged = model.startswith(_AUDIO_TAGS)
    writer = _ElevenTags() if tagged else _ElevenSsml(phonemes=model in _WITH_PHONEMES)
    return _tidy("".join(writer.write(parse(markup))))


def for_cartesia(markup: str, model: str) -> str:
    """The text for Cartesia; models before Sonic 3 get words and punctuation only."""
    if not _WITH_CARTESIA_TAGS.match(model):
        return _tidy("".join(_Plain().write(parse(markup))))
    return _tidy("".join(_Cartesia().write(parse(markup))))


def words(text: str) -> str:
    """Text that no provider takes for a tag."""
    return printable(text).translate(_BRACKETS).replace("&", " and ")


def _tidy(text: str) -> str:
    """Single spaces, none before a comma or a full stop, no comma twice."""
    text = re.sub(r"\s+", " ", text).strip()
    text = re.sub(r" (?=[,.?!;:](?:\s|$|<|\[))", "", text)
    return re.sub(r"([,.?!;:…])(?:,)+", r"\1", text).lstrip(", ")


class _Plain:
    """Words and punctuation: a break is a comma."""

    def write(self, spans: Spans) -> Iterator[str]:
        for span in spans:
            yield from self.span(span)

    def span(self, span: Span) -> Iterator[str]:
        match span:
            case Text(text):
                yield words(text)
            case Break(seconds):
                yield self.pause(seconds)
            case Emphasis(level, children):
                yield from self.weighted(level, children)
            case Prosody(children):
                yield from self.paced(span, children)
            case SayAs(kind, text, order):
                yield self.read(kind, text, order)
            case Phoneme(text=text):
                yield self.sounded(span)
            case Sub():
                yield words(plain_text((span,)))

    def pause(self, seconds: float) -> str:
        return " , " if seconds >= _SHORTEST_PAUSE else " "

    def weighted(self, _level: Level, children: Spans) -> Iterator[str]:
        yield from self.write(children)

    def paced(self, _span: Prosody, children: Spans) -> Iterator[str]:
        yield from self.write(children)

    def read(self, kind: SayAsKind, text: str, order: str) -> str:
        return words(read_as(kind, text, order))

    def sounded(self, span: Phoneme) -> str:
        return words(span.text)


class _ElevenSsml(_Plain):
    """Flash, Turbo and Multilingual."""

    def __init__(self, *, phonemes: bool) -> None:
        self._phonemes = phonemes
        self._breaks = 0

    def pause(self, seconds: float) -> str:
        if seconds < _SHORTEST_PAUSE or self._breaks >= MOST_BREAKS:
            return super().pause(seconds)
        self._breaks += 1
        return f' <break time="{min(seconds, ELEVENLABS_LONGEST_BREAK):.2f}s" /> '

    def sounded(self, span: Phoneme) -> str:
        if not self._phonemes or '"' in span.sounds:
            return words(span.text)
        sounds = words(span.sounds).strip()
        return f'<phoneme alphabet="{span.alphabet}" ph="{sounds}">{words(span.text)}</phoneme>'


class _ElevenTags(_Plain):
    """The third and fourth generation: audio tags."""

    def pause(self, seconds: float) -> str:
        if seconds < 0.3:
            return super().pause(seconds)
        length = "short " if seconds < 0.7 else "long " if seconds > 1.5 else ""
        return f" [{length}pause] "

    def weighted(self, level: Level, children: Spans) -> Iterator[str]:
        said = "".join(self.write(children))
        # Capitals would make a tag another tag.
        yield said.upper() if level is Level.STRONG and "[" not in said else said


@dataclass(frozen=True, slots=True)
class _State:
    speed: float = 1.0
    volume: float = 1.0


class _Cartesia(_Plain):
    """Sonic 3: a tag holds for all that follows, so each is taken back at its end."""

    def __init__(self) -> None:
        self._now = _State()

    def pause(self, seconds: float) -> str:
        return f' <break time="{round(seconds * 1000)}ms"/> ' if seconds >= 0.05 else " "

    def weighted(self, level: Level, children: Spans) -> Iterator[str]:
        yield from self._within(
            _State(self._now.speed, self._now.volume * _WEIGHTS[level]), children
        )

    def paced(self, span: Prosody, children: Spans) -> Iterator[str]:
        now = self._now
        inside = _State(now.speed * (span.rate or 1), now.volume * (span.volume or 1))
        yield from self._within(inside, children)

    def read(self, kind: SayAsKind, text: str, order: str) -> str:
        if kind in _SPELLED and any(map(str.isalnum, text)):
            return f"<spell>{words(text).strip()}</spell>"
        return super().read(kind, text, order)

    def _within(self, inside: _State, children: Spans) -> Iterator[str]:
        outside = self._now
        yield self._change(inside)
        yield from self.write(children)
        yield self._change(outside)

    def _change(self, state: _State) -> str:
        before, self._now = self._now, state
        tags = ""
        if _speed(state) != _speed(before):
            tags += f'<speed ratio="{_speed(state)}"/>'
        if _volume(state) != _volume(before):
            tags += f'<volume ratio="{_volume(state)}"/>'
        return tags


def _speed(state: _State) -> str:
    return f"{min(max(state.speed, 0.6), 1.5):.3g}"


def _volume(state: _State) -> str:
    return f"{min(max(state.volume, 0.5), 2.0):.3g}"
