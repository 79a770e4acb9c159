"""Whether a text ends a sentence or a clause here, seen from what stands before and behind."""

import re
from enum import Enum
from typing import Final

from voice_agent.pipeline.spoken.english_words import DOTTED, NOT_NAMES, TITLES


class Ending(Enum):
    """What the end of a text is."""

    NONE = "none"
    PAUSE = "pause"
    """A comma, colon, semicolon or dash."""
    SENTENCE = "sentence"
    """A full stop, question or exclamation mark, or the end of a line."""


_CLOSERS: Final = "*_`~\"')]}”’»"
_NEW_BLOCK: Final = re.compile(r"\n\s*$")
_LIST_NUMBER: Final = re.compile(r"(?:^|\n)[ \t]*\d{1,3}[.)]$")
_LAST_WORD: Final = re.compile(r"(?:[A-Za-z]\.)*[A-Za-z]+\.$")
_INITIAL: Final = re.compile(r"(?<![A-Za-z.'])[A-Z]\.$")
_IN_A_RANGE: Final = re.compile(
    r"(?:\d|\b[AaPp]\.?[Mm]\.?|\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun|Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct"
    r"|Nov|Dec)[a-z]{0,6}\.?)\s?[-–—]$"
)
_SHORT_DATES: Final = frozenset(
    [
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
        "mon",
        "tue",
        "tues",
        "wed",
        "thu",
        "thur",
        "thurs",
        "fri",
        "sat",
        "sun",
    ]
)
_BEFORE_DIGITS: Final = re.compile(r"[-–—+#$€£(]|\d")


def ending(text: str, following: str) -> Ending:
    """What `text` (with the white space after it) ends with; `following` is the next character."""
    bare = text.rstrip()
    if _NEW_BLOCK.search(text[len(bare) :]) and not _goes_on(text[len(bare) :], following):
        return Ending.SENTENCE
    bare = bare.rstrip(_CLOSERS)
    mark = bare[-1:]
    if mark in {"。", "！", "？", "!", "?"}:
        return Ending.SENTENCE
    if mark == "…" or bare.endswith("..."):
        return Ending.PAUSE if following.islower() else Ending.SENTENCE
    if mark == ".":
        return Ending.SENTENCE if _full_stop(bare, following) else Ending.NONE
    return Ending.PAUSE if _pause(bare, following) else Ending.NONE


def _goes_on(space: str, following: str) -> bool:
    return following.islower() and space.count("\n") == 1


def _pause(bare: str, following: str) -> bool:
    mark = bare[-1:]
    if mark in {"，", "、", "；"}:
        return True
    if mark in {",", ";", ":"}:
        return not _BEFORE_DIGITS.match(following)
    spaced = mark == "—" or bare[-2:] in {" -", " –", "--"}
    return spaced and not _BEFORE_DIGITS.match(following) and not _IN_A_RANGE.search(bare[-16:])


def _full_stop(bare: str, following: str) -> bool:
    if _INITIAL.search(bare):
        return NOT_NAMES.search(bare[:-2]) is not None
    word = _LAST_WORD.search(bare[-24:])
    if not word:
        return not _LIST_NUMBER.search(bare)
    name = word.group()[:-1].lower()
    if name in _SHORT_DATES:
        return not (following.isdigit() or following.islower())
    if name in DOTTED or "." in name:
        may_end = name in DOTTED or name[-1] == "m"
        return following.isupper() and may_end and name not in TITLES
    return name not in TITLES and not (following.islower() and len(name) < 5)


_MARKS: Final = re.compile(r"```|`|\*\*|\*|\[|\]\(|\)|\n[ \t]*\n")


def inside_markup(text: str) -> bool:
    """Whether emphasis, code, a link or a table's row is still open at the end of `text`."""
    if text[-1:] != "\n" and text[text.rfind("\n") + 1 :].lstrip().startswith("|"):
        return True
    opened: set[str] = set()
    for match in _MARKS.finditer(text):
        _turn(opened, match, text)
    return bool(opened) or text.rfind("[") > text.rfind("]")


def _turn(opened: set[str], match: re.Match[str], text: str) -> None:
    mark = match.group()
    if "```" in opened or mark == "```":
        opened ^= {mark} & {"```"}
    elif mark[0] == "\n":
        opened.clear()
    elif mark == "](":
        opened.add(mark)
    elif mark == ")":
        opened.discard("](")
    elif mark in opened:
        opened.discard(mark)
    elif mark != "[" and _opens(match, text):
        opened.add(mark)


def _opens(match: re.Match[str], text: str) -> bool:
    before, after = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
    return bool(after.strip()) and not before.isalnum() and before not in {".", ",", "!", "?"}
