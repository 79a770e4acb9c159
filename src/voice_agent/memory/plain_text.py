"""Texts from calls made harmless: short, on one line, without marks and without numbers. Pure."""

import re
import unicodedata
from typing import Final

_BRACKETS: Final = str.maketrans("<＜﹤>＞﹥", "‹‹‹›››")
_DIGITS: Final = r"\d+(?:[.,:/]\d+)*"
_TIME: Final = re.compile(r"\d{1,2}:\d{2}")
_NUMBER: Final = "‹number›"
_SPOKEN_GAP: Final = r"(?:[\s,.\-–/]|\b(?:and|dash|slash|dot)\b)+"


def plain(text: str, longest: int) -> str:
    """`text` on one line of at most `longest` characters.

    Control and invisible characters are gone, angle brackets cannot close a quotation.
    """
    # Cut beforehand: this runs beside live calls, and texts may be of any length.
    known = text[: longest * 4].encode("utf-8", "replace").decode()
    composed = unicodedata.normalize("NFC", known)
    visible = "".join(" " if _invisible(letter) else letter for letter in composed)
    line = " ".join(visible.translate(_BRACKETS).split())
    return line if len(line) <= longest else f"{line[: longest - 1].rstrip()}…"


def _invisible(letter: str) -> bool:
    return unicodedata.category(letter)[0] in "CZ" and letter != " "


class NumberMask:
    """Leaves out what could be a card, account or telephone number, written or spoken.

    That is three or more digits in a row, or three or more words for numbers.
    """

    def __init__(self, words: frozenset[str]) -> None:
        """`words` are the language's words for numbers and what repeats them (double)."""
        known = "|".join(sorted(map(re.escape, words), key=len, reverse=True))
        word = rf"\b(?:{known})\b" if known else r"(?!)"
        unit = rf"(?:{_DIGITS}|{word})"
        self._runs = re.compile(rf"{unit}(?:{_SPOKEN_GAP}{unit})*", re.IGNORECASE)

    def __call__(self, text: str) -> str:
        """`text` with each long number replaced by one sign."""
        return self._runs.sub(_mask, text)


def _mask(run: re.Match[str]) -> str:
    found = run.group()
    if _TIME.fullmatch(found):
        return found
    digits = sum(letter.isdigit() for letter in found)
    words = len(re.findall(r"[^\W\d_]+", found))
    return _NUMBER if digits + words >= 3 else found
