"""Speech tags in a model's text: found, kept whole, and taken out of what people read.

A model's text is no XML: it has `AT&T`, `<3` and half a tag at the end. Only what looks like one
of the few elements of speech markup counts; the rest is left to the rules of the written word.
"""

import re
from collections.abc import Iterator
from typing import Final

from voice_agent.engines.tts.ssml_parser import SPEECH_TAGS
from voice_agent.pipeline.spoken.characters import Characters

LONGEST_TAG: Final = 200
"""Characters between the brackets."""
SHORT_ELEMENT: Final = 200
"""Characters up to which an element is spoken in one clause."""

_NAMES: Final = "|".join(sorted((*SPEECH_TAGS, "speak"), key=len, reverse=True))
SPEECH_TAG: Final = re.compile(
    rf"<(?P<close>/?)(?P<name>{_NAMES})(?=[\s/>])[^<>]{{0,{LONGEST_TAG}}}>", re.IGNORECASE
)
_UNFINISHED: Final = re.compile(
    rf"<(?:/?[A-Za-z-]{{0,8}}|/?(?:{_NAMES})[\s/][^<>]{{0,{LONGEST_TAG}}})\Z", re.IGNORECASE
)
_EMPTY: Final = ("break", "speak")


def has_speech_tags(text: str) -> bool:
    """Whether the text says how to say it."""
    return "<" in text and SPEECH_TAG.search(text) is not None


def keeps_together(text: str) -> int:
    """Where something begins that must not be cut at the end of `text`; -1 where it may be.

    That is a tag without its end, or an element that is still short.
    """
    if "<" not in text:
        return -1
    starts = [start for start in _open_elements(text) if len(text) - start <= SHORT_ELEMENT]
    if unfinished := _UNFINISHED.search(text):
        starts.append(unfinished.start())
    return min(starts, default=-1)


def _open_elements(text: str) -> list[int]:
    stack: list[tuple[str, int]] = []
    for tag in SPEECH_TAG.finditer(text):
        name = tag["name"].lower()
        if tag["close"]:
            inner = next((i for i in reversed(range(len(stack))) if stack[i][0] == name), None)
            del stack[len(stack) if inner is None else inner :]
        elif name not in _EMPTY and not tag[0].endswith("/>"):
            stack.append((name, tag.start()))
    return [start for _, start in stack]


def without_speech_tags(text: str) -> Characters:
    """What a person reads of the text, with the way back to the source."""
    if not has_speech_tags(text):
        return Characters(text)
    reader = SpeechTagFilter()
    kept = list(reader.read(text))
    return Characters("".join(char for char, _ in kept), tuple(end for _, end in kept))


class SpeechTagFilter:
    """Takes speech tags out of a stream of text, however it is cut."""

    def __init__(self) -> None:
        self._pending = ""
        self._last = " "
        self._apart = False
        self._tagged = False

    def push(self, delta: str) -> str:
        """The text that is certain to be no tag."""
        text = self._pending + delta
        unfinished = _UNFINISHED.search(text) if "<" in text else None
        cut = unfinished.start() if unfinished else len(text)
        self._pending = text[cut:]
        return "".join(char for char, _ in self.read(text[:cut]))

    def finish(self) -> str:
        """The rest, at the end of the text."""
        rest, self._pending = self._pending, ""
        return "".join(char for char, _ in self.read(rest))

    def read(self, text: str) -> Iterator[tuple[str, int]]:
        """The characters of `text` that are shown, each with where it ends."""
        position = 0
        for tag in SPEECH_TAG.finditer(text):
            yield from self._show(text[position : tag.start()], position)
            position = tag.end()
            self._tagged = True
            self._apart |= tag["name"].lower() == "break"
        yield from self._show(text[position:], position)

    def _show(self, text: str, at: int) -> Iterator[tuple[str, int]]:
        for index, char in enumerate(text):
            if self._tagged and char.isspace() and self._last.isspace():
                continue
            if self._apart and not char.isspace() and not self._last.isspace():
                yield " ", at + index
            self._apart = self._tagged = False
            self._last = char
            yield char, at + index + 1
