"""How words sound, in the phones of the acoustic model (ARPAbet without stress)."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from voice_agent.core.errors import ConfigurationError

Lexicon = Mapping[str, tuple[str, ...]]
"""Pronunciations of each word, commonest first; phones separated by spaces."""

_GRAPHEMES: Final = {
    "tion": "SH AH N", "sion": "ZH AH N", "ough": "AO", "igh": "AY", "tch": "CH", "sch": "SH",
    "eigh": "EY", "dge": "JH", "ch": "CH", "sh": "SH", "th": "TH", "ph": "F", "gh": "G",
    "wh": "W", "ck": "K", "qu": "K W", "ng": "NG", "kn": "N", "wr": "R", "zh": "ZH", "kh": "K",
    "ee": "IY", "ea": "IY", "oo": "UW", "ou": "AW", "ow": "OW", "oa": "OW", "ai": "EY",
    "ay": "EY", "ei": "EY", "ey": "IY", "ie": "IY", "oi": "OY", "oy": "OY", "au": "AO",
    "aw": "AO", "eu": "Y UW", "ew": "Y UW", "ue": "UW", "ui": "UW", "ar": "AA R", "er": "ER",
    "ir": "ER", "or": "AO R", "ur": "ER", "a": "AE", "b": "B", "c": "K", "d": "D", "e": "EH",
    "f": "F", "g": "G", "h": "HH", "i": "IH", "j": "JH", "k": "K", "l": "L", "m": "M",
    "n": "N", "o": "AA", "p": "P", "q": "K", "r": "R", "s": "S", "t": "T", "u": "AH", "v": "V",
    "w": "W", "x": "K S", "y": "Y", "z": "Z",
}  # fmt: skip
_LAST_LETTERS: Final = {"a": "AH", "i": "IY", "o": "OW", "u": "UW", "y": "IY", "e": ""}
_SOFT: Final = {"c": "S", "g": "JH"}
_LONGEST: Final = max(map(len, _GRAPHEMES))


def read_lexicon(path: Path) -> dict[str, tuple[str, ...]]:
    """Read a dictionary in the Sphinx format: `word phones` or `word(2) phones`.

    Raises:
        ConfigurationError: it cannot be read.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except OSError as error:
        raise ConfigurationError(f"the pronunciations cannot be read: {error}") from None
    lexicon: dict[str, tuple[str, ...]] = {}
    for line in lines:
        entry, _, phones = line.partition(" ")
        word = entry.partition("(")[0]
        lexicon[word] = (*lexicon.get(word, ()), phones.strip())
    return lexicon


def guess(word: str) -> str:
    """Phones of an unknown word by its letters, or "" when it has none; rough by nature."""
    letters = "".join(letter for letter in word.lower() if "a" <= letter <= "z")
    phones: list[str] = []
    at = 0
    while at < len(letters):
        size = next(n for n in range(_LONGEST, 0, -1) if letters[at : at + n] in _GRAPHEMES)
        phones += _sound(letters, at, size).split()
        at += size
    return " ".join(phone for n, phone in enumerate(phones) if n == 0 or phone != phones[n - 1])


def _sound(letters: str, at: int, size: int) -> str:
    piece, following = letters[at : at + size], letters[at + size : at + size + 1]
    if not following and at > 0 and piece in _LAST_LETTERS:
        return _LAST_LETTERS[piece]
    if piece in _SOFT and following and following in "eiy":
        return _SOFT[piece]
    return _GRAPHEMES[piece]


def dictionary(words: Iterable[str], lexicon: Lexicon) -> str:
    """A dictionary in the Sphinx format for `words`; unknown ones are guessed or left out."""
    lines: list[str] = []
    for word in sorted(set(words)):
        variants = lexicon.get(word) or tuple(filter(None, (guess(word),)))
        lines += (
            f"{word if number == 1 else f'{word}({number})'} {phones}"
            for number, phones in enumerate(variants, 1)
        )
    return "\n".join([*lines, ""])
