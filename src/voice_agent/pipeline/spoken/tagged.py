"""A text with speech tags: its words as they are to be said, and markup that reads as they do.

written  Your code is <say-as interpret-as="digits">1042</say-as>, ok?
plain    Your code is one zero four two, ok?            tags read, then said by the rules
spoken   Your code is one zero four two, ok?            and found again, word by word
markup   Your code is <say-as interpret-as="digits">1042</say-as>, ok?
"""

import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from voice_agent.engines.tts.ssml_parser import parse, pieces, span_of
from voice_agent.engines.tts.ssml_spans import (
    Break,
    Phoneme,
    SayAs,
    Span,
    Text,
    plain_text,
    to_ssml,
)
from voice_agent.pipeline.spoken import render
from voice_agent.pipeline.spoken.speech_tags import SPEECH_TAG

_AROUND: Final = ("emphasis", "prosody")
"""Elements around other elements; the others hold characters only."""
_SPELLED: Final = frozenset(("digits", "characters", "telephone"))
_MARKS: Final = ",.?!"


@dataclass(frozen=True, slots=True)
class TaggedRendering:
    """What is said, the way back, and how; `still_open` are tags that the text left open."""

    spoken: str
    offsets: tuple[int, ...]
    markup: str
    still_open: tuple[str, ...]


def render_tagged(text: str, language: str = "en", opened: Sequence[str] = ()) -> TaggedRendering:
    """As `render`, for a text with speech tags; `opened` are tags from the text before it.

    The plain reading of `markup` is `spoken`; it is empty where it would say nothing more.
    """
    reader = _Reader(text)
    reader.read(opened)
    rendering = render("".join(reader.plain), language)
    offsets = [reader.source_end(offset) for offset in rendering.offsets]
    offsets[-1:] = [len(text)] * bool(offsets)
    words = _placed(rendering.spoken.split(), rendering.offsets, "".join(reader.plain))
    markup = to_ssml(_joined(_groups(reader.root.children, words)))
    if not offsets or "<" not in markup or plain_text(parse(markup)) != rendering.spoken:
        markup = ""
    return TaggedRendering(rendering.spoken, tuple(offsets), markup, reader.still_open)


@dataclass(slots=True)
class _Element:
    """An element and the stretch of the plain text that it covers."""

    name: str
    attributes: Mapping[str, str]
    tag: str
    start: int
    end: int = 0
    children: "list[_Element]" = field(default_factory=list)
    span: Span | None = None


class _Reader:
    """Reads the tags and writes the plain text, with where each of its characters ends."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._apart = False
        self.plain: list[str] = []
        self._ends: list[int] = []
        self.root = _Element("", {}, "", 0)
        self._stack = [self.root]

    def read(self, opened: Sequence[str]) -> None:
        for tag in opened:
            if match := SPEECH_TAG.fullmatch(tag):
                self._open(match)
        position = 0
        while match := SPEECH_TAG.search(self._text, position):
            self._write(position, match.start())
            position = self._take(match)
        self._write(position, len(self._text))
        for element in self._stack:
            element.end = len(self.plain)

    @property
    def still_open(self) -> tuple[str, ...]:
        return tuple(element.tag for element in self._stack[1:])

    def source_end(self, offset: int) -> int:
        return self._ends[offset - 1] if offset else 0

    def _take(self, match: re.Match[str]) -> int:
        """Read the tag, with its content where that is only characters; returns where it ends."""
        name = match["name"].lower()
        if match["close"]:
            self._close(name, match.end())
        elif name == "break":
            self._apart = True
            self._leaf(span_of(name, _attributes(match), ())[0])
            self._touch(match.end())
        elif name in _AROUND and not match[0].endswith("/>"):
            self._open(match)
        elif name != "speak" and (end := self._end_of(name, match)):
            return self._say(match, end)
        return match.end()

    def _end_of(self, name: str, match: re.Match[str]) -> re.Match[str] | None:
        tags = SPEECH_TAG.finditer(self._text, match.end())
        return next((tag for tag in tags if tag["close"] and tag["name"].lower() == name), None)

    def _open(self, match: re.Match[str]) -> None:
        name = match["name"].lower()
        element = _Element(name, _attributes(match), match[0], len(self.plain))
        self._stack[-1].children.append(element)
        self._stack.append(element)

    def _close(self, name: str, at: int) -> None:
        if name not in [element.name for element in self._stack]:
            return
        while self._stack[-1].name != name:
            self._stack.pop().end = len(self.plain)
        self._stack.pop().end = len(self.plain)
        self._touch(at)

    def _leaf(self, span: Span) -> None:
        here = len(self.plain)
        self._stack[-1].children.append(_Element("", {}, "", here, here, span=span))

    def _say(self, match: re.Match[str], end: re.Match[str]) -> int:
        content = SPEECH_TAG.sub("", self._text[match.end() : end.start()])
        spans = span_of(match["name"].lower(), _attributes(match), (Text(content),))
        span = next((one for one in spans if not isinstance(one, Text)), None)
        if span is None:
            self._write(match.end(), end.start())
            return end.end()
        self._space()
        start = len(self.plain)
        self._write_said(span, plain_text((span,)), match.end(), end.start())
        self._apart = True
        self._stack[-1].children.append(_Element("", {}, "", start, len(self.plain), span=span))
        self._touch(end.end())
        return end.end()

    def _write(self, start: int, end: int) -> None:
        if end > start and self._text[start].isalnum():
            self._space()
        if end > start:
            self._apart = False
        self.plain += self._text[start:end]
        self._ends += range(start + 1, end + 1)

    def _space(self) -> None:
        if (
            self.plain
            and not self.plain[-1].isspace()
            and (self._apart or self.plain[-1].isalnum())
        ):
            self.plain.append(" ")
            self._ends.append(self._ends[-1])

    def _write_said(self, span: Span, said: str, start: int, end: int) -> None:
        """The words in place of the characters; spelled ones are complete one by one."""
        words = said.split()
        written = [i + 1 for i in range(start, end) if self._text[i].isalnum()]
        spelled = isinstance(span, SayAs) and span.kind in _SPELLED and len(written) == len(words)
        for index, word in enumerate(words):
            done = written[index] if spelled else start
            last = index + 1 == len(words)
            piece = word if last else word + " "
            self.plain += piece
            self._ends += [end if last else done] * len(piece)

    def _touch(self, end: int) -> None:
        """A tag right behind a word belongs to it."""
        if self.plain and not self.plain[-1].isspace():
            self._ends[-1] = max(self._ends[-1], end)


def _attributes(match: re.Match[str]) -> Mapping[str, str]:
    return next(pieces(match[0])).attributes


_Placed = tuple[str, int]


def _placed(words: Sequence[str], offsets: Sequence[int], plain: str) -> list[_Placed]:
    """The spoken words with where in the plain text each begins."""
    placed: list[_Placed] = []
    before = 0
    for word, offset in zip(words, offsets, strict=True):
        start = before
        while start < len(plain) and not plain[start].isalnum():
            start += 1
        placed.append((word, start))
        before = offset
    return placed


_Group = list[Span]
"""Spans without a space between them."""


def _groups(elements: Sequence[_Element], words: Sequence[_Placed]) -> list[_Group]:
    groups: list[_Group] = []
    starts = [start for _, start in words]
    done = 0
    for element in elements:
        first = max(done, bisect_left(starts, element.start))
        groups += _text(words[done:first])
        done = max(first, bisect_left(starts, element.end))
        groups += _marked(element, words[first:done])
    return groups + _text(words[done:])


def _text(words: Sequence[_Placed]) -> list[_Group]:
    return [[Text(" ".join(word for word, _ in words))]] if words else []


def _marked(element: _Element, words: Sequence[_Placed]) -> list[_Group]:
    if isinstance(element.span, Break):
        return [[element.span]]
    if not words:
        return []
    if element.span is None:
        inside = _joined(_groups(element.children, words))
        return [span_of(element.name, element.attributes, tuple(inside))]
    return [_leaf(element.span, " ".join(word for word, _ in words))]


def _leaf(span: Span, said: str) -> _Group:
    bare = said.rstrip(_MARKS)
    tail: _Group = [Text(said[len(bare) :])] if bare != said else []
    match span:
        case Phoneme(alphabet, sounds):
            return [Phoneme(alphabet, sounds, bare), *tail]
        case SayAs() if plain_text((span,)) == bare:
            return [span, *tail]
        case _:
            return [Text(said)]


def _joined(groups: Sequence[_Group]) -> list[Span]:
    spans: list[Span] = []
    for group in groups:
        if spans:
            spans.append(Text(" "))
        spans += group
    return spans
