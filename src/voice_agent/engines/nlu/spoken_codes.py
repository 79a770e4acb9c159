"""Identifiers as they are said: order numbers, confirmation codes, customer numbers."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from voice_agent.engines.nlu.phrases import Phrases, word_at
from voice_agent.engines.nlu.spoken_numbers import (
    NumberWords,
    SpokenNumber,
    find_numbers,
    read_number,
)

_NOTHING: Final = Phrases[str]({})
_CLOCK_LIKE: Final = re.compile(r"\d{1,2}:\d{2}")


@dataclass(frozen=True, slots=True)
class SpokenCode:
    """Letters (upper case) and digits said by the words `start` up to `end`."""

    value: str
    start: int
    end: int


def find_order_ids(
    tokens: Sequence[str], words: NumberWords, table: Mapping[str, Any], *, expected: bool
) -> tuple[SpokenNumber, ...]:
    """Numbers that name an order: of an order's length, or said where one was asked for."""
    as_digits = [_unclock(word) for word in tokens]
    found = find_numbers(as_digits, words, expected=expected)
    return tuple(run for run in found if _order_length(run, as_digits, table))


def _unclock(word: str) -> str:
    """Some recognisers write "ten forty two" as a time."""
    return word.replace(":", "") if _CLOCK_LIKE.fullmatch(word) else word


def _order_length(run: SpokenNumber, tokens: Sequence[str], table: Mapping[str, Any]) -> bool:
    """Fewer digits are taken only when they were called an order's."""
    long_enough = len(run.digits) >= table["least"] or table["before"].before(tokens, run.start)
    return bool(long_enough and len(run.digits) <= table["most"])


def find_codes(
    tokens: Sequence[str], words: NumberWords, table: Mapping[str, Any], *, expected: bool
) -> tuple[SpokenCode, ...]:
    """Codes of letters and digits after a word that announces one, or anywhere when expected."""
    found: list[SpokenCode] = []
    at = 0
    while at < len(tokens):
        code = _read_code(tokens, at, words, table)
        if code and _announced(code, tokens, table, expected=expected):
            found.append(code)
        at = code.end if code else at + 1
    return tuple(found)


def _announced(
    code: SpokenCode, tokens: Sequence[str], table: Mapping[str, Any], *, expected: bool
) -> bool:
    long_enough = table["least"] <= len(code.value) <= table["most"]
    digits = any(mark.isdigit() for mark in code.value)
    if table.get("not_after", _NOTHING).before(tokens, code.start):
        return False
    return long_enough and digits and (expected or table["before"].before(tokens, code.start))


def _read_code(
    tokens: Sequence[str], at: int, words: NumberWords, table: Mapping[str, Any]
) -> SpokenCode | None:
    parts: list[str] = []
    end = at
    while end < len(tokens):
        word = tokens[end]
        letter = _letter(tokens, end, table)
        run = None if letter and word != "o" else read_number(tokens, end, words)
        if run and run.start == end:
            parts.append(run.digits)
            end = run.end
        elif letter or (word in words.soft_zeros and parts):
            parts.append("0" if word in words.soft_zeros and parts else letter.upper())
            end = skip_example(tokens, end + 1, table)
        elif parts and word in table.get("between", ()):
            end += 1
        else:
            break
    return SpokenCode("".join(parts), at, end) if parts else None


def _letter(tokens: Sequence[str], at: int, table: Mapping[str, Any]) -> str:
    """The letter or letters a word stands for: its own, the alphabet's, a known prefix."""
    word = tokens[at]
    if len(word) == 1 and word.isalpha():
        return word
    if word in table.get("prefixes", _NOTHING):
        return word
    alphabet: Mapping[str, str] = table.get("alphabet", {})
    beside = (word_at(tokens, at - 1), word_at(tokens, at + 1))
    spelling = any(other in alphabet or (len(other) == 1 and other.isalpha()) for other in beside)
    return alphabet.get(word, "") if spelling else ""


def skip_example(tokens: Sequence[str], at: int, table: Mapping[str, Any]) -> int:
    """The place after "as in boy" where it follows the letter b; `at` when it does not."""
    letter = word_at(tokens, at - 1)
    example = table.get("spelled_with", _NOTHING).end(tokens, at) if len(letter) == 1 else 0
    return example + 1 if word_at(tokens, example)[:1] == letter and example else at


TYPED_CODE: Final = re.compile(r"\b(?=[a-z-]*\d)(?=\d*-?[a-z])[a-z\d]+(?:-[a-z\d]+)*\b")
"""A code as it is typed: "apt-1042", "c17"."""


def typed_code(text: str, least: int, no_code: Sequence[str]) -> str:
    """The first code written with both letters and digits, upper case, "" when none.

    Digits with one of the endings `no_code` ("25th", "3pm") are none.
    """
    for match in TYPED_CODE.finditer(text):
        ordinary = match[0].lstrip("0123456789") in no_code
        if len(match[0]) >= least and not ordinary:
            return match[0].upper()
    return ""
