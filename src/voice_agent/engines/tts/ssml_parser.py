"""SSML from anybody, read without an XML parser.

There is nothing here that could load a document type, expand an entity or fetch anything: tags
are found by one expression, and whatever does not fit is read as plain words. Nothing raises.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from html import unescape
from typing import Final

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
    Sub,
    Text,
    plain_text,
)

LARGEST: Final = 8192
"""Bytes; a clause has a few hundred."""
DEEPEST: Final = 16
MOST_ELEMENTS: Final = 500
SPEECH_TAGS: Final = ("break", "emphasis", "prosody", "say-as", "phoneme", "sub")
"""The elements that change how something is said; of all others only the words are kept."""

_NAME: Final = r"[A-Za-z][A-Za-z0-9:._-]{0,40}"
_ATTRIBUTE: Final = re.compile(
    r"""([A-Za-z][A-Za-z0-9:._-]{0,40})\s*=\s*(?:"([^"<]{0,500})"|'([^'<]{0,500})')"""
)
_PIECE: Final = re.compile(
    rf"""
    <(?P<close>/?)(?P<name>{_NAME})
        (?P<attributes>(?:\s+{_NAME}\s*=\s*(?:"[^"<]{{0,500}}"|'[^'<]{{0,500}}'))*)
        \s*(?P<empty>/?)>
    | <!--.*?--> | <\?.*?\?>
    | <!\[CDATA\[(?P<data>.*?)\]\]>
    | (?P<broken><[/!?A-Za-z])
    | (?P<text>[^<]+|<)
    """,
    re.VERBOSE | re.DOTALL,
)
_ENTITY: Final = re.compile(r"&(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{0,30});")
_KNOWN_ENTITIES: Final = ("&amp;", "&lt;", "&gt;", "&quot;", "&apos;")
_ANY_TAG: Final = re.compile(r"<[/!?A-Za-z][^<>]*>")
_SECONDS: Final = re.compile(r"\+?(\d{1,6}(?:\.\d{0,6})?|\.\d{1,6})(ms|s)")
_PERCENT: Final = re.compile(r"([+-]?)(\d{1,4}(?:\.\d{0,4})?)%")
_DECIBELS: Final = re.compile(r"([+-]?\d{1,2}(?:\.\d{0,2})?)dB")
_SEMITONES: Final = re.compile(r"([+-]?\d{1,2}(?:\.\d{0,2})?)st")

_STRENGTHS: Final = {
    "none": 0.0,
    "x-weak": 0.1,
    "weak": 0.2,
    "medium": 0.4,
    "strong": 0.7,
    "x-strong": 1.2,
}
_RATES: Final = {"x-slow": 0.6, "slow": 0.8, "medium": 1.0, "fast": 1.2, "x-fast": 1.5}
_PITCHES: Final = {"x-low": 0.7, "low": 0.85, "medium": 1.0, "high": 1.15, "x-high": 1.3}
_VOLUMES: Final = {"x-soft": 0.5, "soft": 0.75, "medium": 1.0, "loud": 1.3, "x-loud": 1.6}
_KINDS: Final = {
    **{str(kind): kind for kind in SayAsKind},
    "number": SayAsKind.CARDINAL,
    "spell-out": SayAsKind.CHARACTERS,
    "verbatim": SayAsKind.CHARACTERS,
}
_ALPHABETS: Final = ("ipa", "cmu-arpabet")


class Tag(Enum):
    """What a piece of SSML is."""

    TEXT = "text"
    OPEN = "open"
    CLOSE = "close"
    EMPTY = "empty"
    BROKEN = "broken"
    """Something that begins like a tag and is none."""
    ASIDE = "aside"
    """A comment or an instruction, of which nothing is kept."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One tag or run of text, and where it stands; `text` is as written."""

    tag: Tag
    start: int
    end: int
    text: str = ""
    name: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)


def pieces(ssml: str) -> Iterator[Piece]:
    """The text cut at its tags; together they cover all of it."""
    for match in _PIECE.finditer(ssml):
        start, end = match.span()
        if match["name"]:
            yield Piece(_kind(match), start, end, match[0], _local(match["name"]), _read(match))
        elif match["data"] is not None:
            yield Piece(Tag.TEXT, start, end, match["data"].replace("&", "&amp;"))
        elif match["text"]:
            yield Piece(Tag.TEXT, start, end, match["text"])
        else:
            yield Piece(Tag.BROKEN if match["broken"] else Tag.ASIDE, start, end, match[0])


def parse(ssml: str) -> tuple[Span, ...]:
    """The spans of an SSML fragment or document; what is malformed becomes its plain words."""
    if len(ssml) <= LARGEST and len(ssml.encode("utf-8", "replace")) <= LARGEST:
        tree = _tree(ssml)
        if tree is not None:
            return tree
    return (Text(without_tags(ssml)),)


def without_tags(ssml: str) -> str:
    """The words between whatever looks like a tag."""
    words = _ANY_TAG.sub(" ", _ANY_TAG.sub(" ", ssml))
    return " ".join(_decoded(words).split())


def span_of(name: str, attributes: Mapping[str, str], children: tuple[Span, ...]) -> list[Span]:
    """What an element means; its children alone where it means nothing."""
    reader = _ELEMENTS.get(name)
    return reader(attributes, children) if reader else list(children)


@dataclass(slots=True)
class _Open:
    name: str
    attributes: Mapping[str, str]
    children: list[Span] = field(default_factory=list)

    def add(self, spans: list[Span]) -> None:
        for span in spans:
            last = self.children[-1] if self.children else None
            if isinstance(span, Text) and isinstance(last, Text):
                self.children[-1] = Text(last.text + span.text)
            elif span != Text(""):
                self.children.append(span)


def _tree(ssml: str) -> tuple[Span, ...] | None:
    """None where the tags do not nest, or are too many or too deep."""
    stack, elements = [_Open("", {})], 0
    for piece in pieces(ssml):
        elements += piece.tag in {Tag.OPEN, Tag.EMPTY}
        if not _take(piece, stack) or elements > MOST_ELEMENTS or len(stack) > DEEPEST + 1:
            return None
    return tuple(stack[0].children) if len(stack) == 1 else None


def _take(piece: Piece, stack: list[_Open]) -> bool:
    """Add a piece to the innermost element; false where it does not fit."""
    match piece.tag:
        case Tag.TEXT:
            stack[-1].add([Text(_decoded(piece.text))])
        case Tag.OPEN:
            stack.append(_Open(piece.name, piece.attributes))
        case Tag.EMPTY:
            stack[-1].add(span_of(piece.name, piece.attributes, ()))
        case Tag.CLOSE:
            if len(stack) == 1 or stack[-1].name != piece.name:
                return False
            done = stack.pop()
            stack[-1].add(span_of(done.name, done.attributes, tuple(done.children)))
        case Tag.BROKEN:
            return False
        case Tag.ASIDE:
            pass
    return True


def _kind(match: re.Match[str]) -> Tag:
    if match["close"]:
        return Tag.CLOSE
    return Tag.EMPTY if match["empty"] else Tag.OPEN


def _local(name: str) -> str:
    return name.rpartition(":")[2].lower()


def _read(match: re.Match[str]) -> dict[str, str]:
    return {
        _local(name): _decoded(double or single)
        for name, double, single in _ATTRIBUTE.findall(match["attributes"])
    }


def _decoded(text: str) -> str:
    return _ENTITY.sub(_character, text) if "&" in text else text


def _character(match: re.Match[str]) -> str:
    """Only the five entities of XML and printable characters by number; no others exist."""
    known = match[0] in _KNOWN_ENTITIES or match[0][1] == "#"
    char = unescape(match[0]) if known else ""
    return char if char.isprintable() else " "


def _break(attributes: Mapping[str, str], children: tuple[Span, ...]) -> list[Span]:
    return [Break(_pause(attributes)), *children]


def _pause(attributes: Mapping[str, str]) -> float:
    time = _SECONDS.fullmatch(attributes.get("time", "").strip())
    if time:
        return min(float(time[1]) / (1000 if time[2] == "ms" else 1), LONGEST_BREAK)
    return _STRENGTHS.get(attributes.get("strength", "").strip(), _STRENGTHS["medium"])


def _emphasis(attributes: Mapping[str, str], children: tuple[Span, ...]) -> list[Span]:
    name = attributes.get("level", "")
    return [Emphasis(Level(name) if name in set(Level) else Level.MODERATE, children)]


def _prosody(attributes: Mapping[str, str], children: tuple[Span, ...]) -> list[Span]:
    rate = _factor(attributes.get("rate", ""), _RATES)
    pitch = _factor(attributes.get("pitch", ""), _PITCHES)
    volume = _factor(attributes.get("volume", ""), _VOLUMES)
    if rate is None and pitch is None and volume is None:
        return list(children)
    return [Prosody(children, rate, pitch, volume)]


def _factor(value: str, names: Mapping[str, float]) -> float | None:
    value = value.strip()
    if value in names:
        return names[value]
    if percent := _PERCENT.fullmatch(value):
        share = float(percent[2]) / 100
        factor = {"+": 1 + share, "-": 1 - share}.get(percent[1], share)
    elif decibels := _DECIBELS.fullmatch(value):
        factor = 10 ** (float(decibels[1]) / 20)
    elif semitones := _SEMITONES.fullmatch(value):
        factor = 2 ** (float(semitones[1]) / 12)
    else:
        return None
    return round(min(max(factor, 0.25), 4.0), 4)


def _say_as(attributes: Mapping[str, str], children: tuple[Span, ...]) -> list[Span]:
    kind = _KINDS.get(attributes.get("interpret-as", "").strip().lower())
    text = plain_text(children)
    if kind is None or not text:
        return list(children)
    order = attributes.get("format", "").strip().lower()
    known = order if re.fullmatch("(?!.*(.).*\\1)[mdy]{1,3}", order) else ""
    return _spaced(SayAs(kind, text, known), children)


def _phoneme(attributes: Mapping[str, str], children: tuple[Span, ...]) -> list[Span]:
    alphabet = attributes.get("alphabet", "ipa").strip().lower()
    sounds, text = attributes.get("ph", "").strip(), plain_text(children)
    if alphabet not in _ALPHABETS or not sounds or not text:
        return list(children)
    return _spaced(Phoneme(alphabet, sounds, text), children)


def _sub(attributes: Mapping[str, str], children: tuple[Span, ...]) -> list[Span]:
    alias = attributes.get("alias", "").strip()
    return _spaced(Sub(alias, plain_text(children)), children) if alias else list(children)


def _spaced(span: Span, children: tuple[Span, ...]) -> list[Span]:
    """An element without the spaces at its edges, and those around it."""
    first, last = plain_text((Text("."), *children)), plain_text((*children, Text(".")))
    before = [Text(" ")] if first.startswith(". ") else []
    return [*before, span, Text(" ")] if last.endswith(" .") else [*before, span]


_ELEMENTS: Final[dict[str, Callable[[Mapping[str, str], tuple[Span, ...]], list[Span]]]] = {
    "break": _break,
    "emphasis": _emphasis,
    "prosody": _prosody,
    "say-as": _say_as,
    "phoneme": _phoneme,
    "sub": _sub,
}
