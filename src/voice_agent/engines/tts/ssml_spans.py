"""How something is to be said, as a tree of values that no provider's dialect has touched.

Your code is <say-as interpret-as="digits">1042</say-as>. <break time="300ms"/> Right?
└── Text ──┘└────────────── SayAs ──────────────────────┘│└───── Break ───────┘└ Text
                                                       Text
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias
from xml.sax.saxutils import escape as _escape_text
from xml.sax.saxutils import quoteattr

from voice_agent.engines.tts.say_as import SayAsKind, read_as

LONGEST_BREAK: Final = 10.0
"""Seconds; a longer silence on a telephone is a broken line."""

_UNPRINTABLE: Final = re.compile(r"[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Level(StrEnum):
    """How much weight words get."""

    STRONG = "strong"
    MODERATE = "moderate"
    REDUCED = "reduced"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Text:
    """Plain words."""

    text: str


@dataclass(frozen=True, slots=True)
class Break:
    """A silence of so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class SayAs:
    """Characters that are to be read in a certain way."""

    kind: SayAsKind
    text: str
    format: str = ""
    """Order of a date's parts (`mdy`, `dmy`, `ymd`), "" where the writing shows it."""


@dataclass(frozen=True, slots=True)
class Phoneme:
    """A word with its sounds; `alphabet` is `ipa` or `cmu-arpabet`."""

    alphabet: str
    sounds: str
    text: str


@dataclass(frozen=True, slots=True)
class Sub:
    """Something written that is said as `alias`."""

    alias: str
    text: str


@dataclass(frozen=True, slots=True)
class Emphasis:
    """Words with more or less weight than those around them."""

    level: Level
    children: "tuple[Span, ...]"


@dataclass(frozen=True, slots=True)
class Prosody:
    """Words at another pace, pitch or loudness: factors of the voice's own, None for unchanged."""

    children: "tuple[Span, ...]"
    rate: float | None = None
    pitch: float | None = None
    volume: float | None = None


Span: TypeAlias = Text | Break | SayAs | Phoneme | Sub | Emphasis | Prosody
Spans: TypeAlias = Sequence[Span]


def plain_text(spans: Spans) -> str:
    """What an engine without markup says: words only, single spaces."""
    return " ".join(_words(spans).split())


def to_ssml(spans: Spans) -> str:
    """The spans as an SSML fragment, without a root element; everything is escaped."""
    return "".join(_element(span) for span in spans)


def escape(text: str) -> str:
    """Text as SSML that says just this, whatever it looks like."""
    return _escape_text(printable(text))


def printable(text: str) -> str:
    """The text without the characters that no XML may hold."""
    return _UNPRINTABLE.sub(" ", text)


def _words(spans: Spans) -> str:
    return "".join(_words_of(span) for span in spans)


def _words_of(span: Span) -> str:
    match span:
        case Text(text) | Phoneme(text=text):
            return text
        case Break():
            return " "
        case SayAs(kind, text, order):
            return read_as(kind, text, order)
        case Sub(alias, text):
            return alias if alias.strip() else text
        case Emphasis(children=children) | Prosody(children=children):
            return _words(children)


def _element(span: Span) -> str:
    match span:
        case Text(text):
            return escape(text)
        case Emphasis(level, children):
            return _tag("emphasis", level=level) + to_ssml(children) + "</emphasis>"
        case Prosody(children, rate, pitch, volume):
            tag = _tag("prosody", rate=_factor(rate), pitch=_factor(pitch), volume=_factor(volume))
            return tag + to_ssml(children) + "</prosody>"
        case _:
            return _leaf(span)


def _leaf(span: Break | SayAs | Phoneme | Sub) -> str:
    match span:
        case Break(seconds):
            return _tag("break", time=f"{round(seconds * 1000)}ms", closed=True)
        case SayAs(kind, text, order):
            return _tag("say-as", interpret_as=kind, format=order) + escape(text) + "</say-as>"
        case Phoneme(alphabet, sounds, text):
            return _tag("phoneme", alphabet=alphabet, ph=sounds) + escape(text) + "</phoneme>"
        case Sub(alias, text):
            return _tag("sub", alias=alias) + escape(text) + "</sub>"


def _tag(name: str, *, closed: bool = False, **attributes: str) -> str:
    written = "".join(
        f" {key.replace('_', '-')}={quoteattr(printable(value))}"
        for key, value in attributes.items()
        if value
    )
    return f"<{name}{written}{'/' if closed else ''}>"


def _factor(value: float | None) -> str:
    return "" if value is None else f"{value * 100:g}%"
