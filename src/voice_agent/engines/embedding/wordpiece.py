"""WordPiece: text into the vocabulary's word pieces, as BERT's uncased models were taught.

Text is cleaned of control characters, lowered, stripped of accents, split at spaces,
punctuation and Chinese characters; each word is then covered greedily, longest piece first.
"""

import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

LONGEST_WORD: Final = 100
"""Characters; a longer word becomes the unknown piece."""
_CHINESE: Final = (
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B820, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)


class WordPiece:
    """A vocabulary and the rules by which it covers text."""

    def __init__(self, vocabulary: Mapping[str, int]) -> None:
        """`vocabulary` holds the pieces (continuations begin with ##) and their numbers.

        Raises:
            KeyError: one of [UNK], [CLS] and [SEP] is missing.
        """
        self._numbers = vocabulary
        self._unknown = vocabulary["[UNK]"]
        self._first, self._last = vocabulary["[CLS]"], vocabulary["[SEP]"]
        self._cover = lru_cache(maxsize=20_000)(self._covered)

    @classmethod
    def from_file(cls, path: Path) -> "WordPiece":
        """A vocabulary file: one piece per line, numbered from 0.

        Raises:
            OSError: it cannot be read.
        """
        pieces = path.read_text(encoding="utf-8").split("\n")
        return cls({piece: number for number, piece in enumerate(pieces) if piece})

    def encode(self, text: str, most: int = 256) -> list[int]:
        """Piece numbers between [CLS] and [SEP], `most` in all; the rest is cut off."""
        numbers = [self._first]
        for word in words(text):
            numbers.extend(self._cover(word))
            if len(numbers) >= most:
                break
        return [*numbers[: most - 1], self._last]

    def _covered(self, word: str) -> tuple[int, ...]:
        if len(word) > LONGEST_WORD:
            return (self._unknown,)
        numbers: list[int] = []
        start = 0
        while start < len(word):
            end = self._piece_end(word, start)
            if end == start:
                return (self._unknown,)
            numbers.append(self._numbers[_piece(word, start, end)])
            start = end
        return tuple(numbers)

    def _piece_end(self, word: str, start: int) -> int:
        for end in range(len(word), start, -1):
            if _piece(word, start, end) in self._numbers:
                return end
        return start


def words(text: str) -> Iterator[str]:
    """The words and signs of a text, lower case and without accents."""
    spread = "".join(map(_spread, text))
    bare = unicodedata.normalize("NFD", spread.lower())
    for chunk in bare.split(" "):
        yield from _split_at_signs(chunk)


def _piece(word: str, start: int, end: int) -> str:
    return ("##" if start else "") + word[start:end]


@lru_cache(maxsize=4096)
def _spread(sign: str) -> str:
    """A character as it goes on: nothing, a space, itself, or itself between spaces."""
    if sign in "\t\n\r" or unicodedata.category(sign) == "Zs":
        return " "
    if sign in "\0\ufffd" or unicodedata.category(sign).startswith("C"):
        return ""
    return f" {sign} " if _is_chinese(sign) else sign


def _is_chinese(sign: str) -> bool:
    return any(first <= ord(sign) <= last for first, last in _CHINESE)


def _split_at_signs(chunk: str) -> Iterator[str]:
    word = ""
    for sign in chunk:
        kind = _kind(sign)
        if kind == "mark":
            continue
        if kind == "letter":
            word += sign
            continue
        if word:
            yield word
        word = ""
        if kind == "sign":
            yield sign
    if word:
        yield word


@lru_cache(maxsize=4096)
def _kind(sign: str) -> str:
    category = unicodedata.category(sign)
    if category == "Mn":
        return "mark"
    if sign.isspace():
        return "space"
    # ASCII signs such as $ and ^ split words, though Unicode does not call them punctuation.
    ascii_sign = sign.isascii() and sign.isprintable() and not sign.isalnum()
    return "sign" if ascii_sign or category.startswith("P") else "letter"
