"""Any Unicode text as a small alphabet, with the way back to the source.

What comes out holds ASCII, letters of other scripts with their marks, and the few symbols in
`KEPT`; everything else (emoji, controls, ornaments) became a space or nothing.
"""

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

KEPT: Final = "€£¥¢₹°–—…×÷±≈≤≥≠→•№"
"""The symbols besides ASCII that rules know how to say."""

_DROPPED: Final = "\u00ad\u200b\u200c\u200d\u2060\ufeff®™©"
_AS_IS: Final = {
    **dict.fromkeys("‘’‚‛′´＇", "'"),
    **dict.fromkeys("“”„‟«»″", '"'),
    **dict.fromkeys("‐‑‒−﹣－", "-"),
    **dict.fromkeys("―─━", "—"),
    **dict.fromkeys("◦▪●■▸‣·∙", "•"),
    **dict.fromkeys("⁄∕", "/"),
    **dict.fromkeys("\u2028\u2029\u0085\r\v\f", "\n"),
    **dict.fromkeys("。｡", ". "),
    **dict.fromkeys("、，､؛،", ", "),
    "\u20b9": "₹",
    "²": " squared",
    "³": " cubed",
    "؟": "? ",
    "।": ". ",
    "∞": " infinity ",
    "√": " root ",
    "\t": " ",
    "¿": " ",
    "¡": " ",
}


@dataclass(frozen=True, slots=True)
class Characters:
    """Text and, for each of its characters, where that ends in the source (None: same places)."""

    text: str
    ends: tuple[int, ...] | None = None

    def source_end(self, index: int) -> int:
        """The source offset right after the character before `index`."""
        if index <= 0 or self.ends is None:
            return max(index, 0)
        return self.ends[min(index, len(self.ends)) - 1]


def simplify(source: str) -> Characters:
    """Reduce `source` to the alphabet that the rules are written in."""
    if source.isascii() and source.isprintable():
        return Characters(source)
    pieces: list[str] = []
    ends: list[int] = []
    after_letter = False
    for index, char in enumerate(source):
        for part in _simple(char):
            mark = _is_mark(part)
            if after_letter or not mark:
                pieces.append(part)
                ends.append(index + 1)
                after_letter = mark or part.isalpha()
    return Characters("".join(pieces), tuple(ends))


@lru_cache(maxsize=4096)
def _is_mark(char: str) -> bool:
    return unicodedata.category(char)[0] == "M"


@lru_cache(maxsize=4096)
def _simple(char: str) -> str:
    if char in _AS_IS:
        return _AS_IS[char]
    if char in KEPT or "\x20" <= char <= "\x7e" or char == "\n":
        return char
    if char in _DROPPED or "\ufe00" <= char <= "\ufe0f":
        return ""
    return _fraction(char) or "".join(_known(part) for part in unicodedata.normalize("NFKC", char))


def _fraction(char: str) -> str:
    if unicodedata.category(char) != "No" or "⁄" not in unicodedata.normalize("NFKC", char):
        return ""
    return " " + unicodedata.normalize("NFKC", char).replace("⁄", "/") + " "


def _known(char: str) -> str:
    if char in _AS_IS:
        return _AS_IS[char]
    if "\x20" <= char <= "\x7e" or char in KEPT:
        return char
    kind = unicodedata.category(char)
    if kind[0] == "N":
        return _digits(char)
    return char if kind[0] in "LM" else " "


def _digits(char: str) -> str:
    digit = unicodedata.decimal(char, None)
    if digit is not None:
        return str(digit)
    value = unicodedata.numeric(char, 0.0)
    return f" {int(value)} " if value == int(value) else f" {value:.3f} "
