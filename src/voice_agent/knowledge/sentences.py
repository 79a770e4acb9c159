"""Where sentences end."""

import re
from collections.abc import Iterator
from typing import Final

LONGEST: Final = 1000
"""Characters; what goes on for longer is no sentence and is broken between words."""

_END: Final = re.compile(r"[.!?…]+[\"'”’)\]»]*(?=\s)|[。！？]+[”’）」』]*")
_NEXT: Final = re.compile(r"\s*[\"'“‘(\[«¿¡]*(\w)")
_LAST_WORD: Final = re.compile(r"[^\s(\[\"'“‘]+$")
_ABBREVIATIONS: Final = frozenset(
    [
        "mr",
        "mrs",
        "ms",
        "dr",
        "prof",
        "st",
        "no",
        "nos",
        "approx",
        "vs",
        "inc",
        "ltd",
        "co",
        "corp",
        "dept",
        "est",
        "fig",
        "vol",
        "sec",
        "min",
        "max",
        "tel",
        "ext",
        "jan",
        "feb",
        "mar",
        "apr",
        "jun",
        "jul",
        "aug",
        "sep",
        "sept",
        "oct",
        "nov",
        "dec",
        "e.g",
        "i.e",
        "cf",
        "al",
        "ave",
        "blvd",
        "rd",
    ]
)
_INITIALS: Final = re.compile(r"(?:[A-Za-z]\.)*[A-Z]")


def split_sentences(text: str) -> list[str]:
    """The sentences of a paragraph in order; together they are the paragraph's words."""
    flat = " ".join(text.split())
    return [piece for sentence in _split(flat) for piece in _broken(sentence)]


def closed(text: str) -> str:
    """The text as a sentence: with a full stop where it has no end of its own."""
    tidy = text.strip()
    return tidy if not tidy or tidy[-1] in '.!?…:;。！？"”’)' else f"{tidy}."


def _split(flat: str) -> Iterator[str]:
    start = 0
    for end in _END.finditer(flat):
        if _is_end(flat, start, end):
            yield flat[start : end.end()].strip()
            start = end.end()
    if flat[start:].strip():
        yield flat[start:].strip()


def _is_end(flat: str, start: int, end: re.Match[str]) -> bool:
    if end[0] != ".":
        following = _NEXT.match(flat, end.end())
        return end[0][0] in "。！？" or following is None or not following[1].islower()
    following = _NEXT.match(flat, end.end())
    if following is not None and following[1].islower():
        return False
    word = _LAST_WORD.search(flat, max(start, end.start() - 20), end.start())
    if word is None:
        return True
    return word[0].lower() not in _ABBREVIATIONS and not _INITIALS.fullmatch(word[0])


def _broken(sentence: str) -> Iterator[str]:
    while len(sentence) > LONGEST:
        space = sentence.rfind(" ", LONGEST // 2, LONGEST)
        cut = space if space > 0 else LONGEST
        yield sentence[:cut].strip()
        sentence = sentence[cut:].strip()
    if sentence:
        yield sentence
