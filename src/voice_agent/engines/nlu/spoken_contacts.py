"""Addresses, telephone numbers and names as they are said or typed."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from voice_agent.engines.nlu.phrases import word_at
from voice_agent.engines.nlu.spoken_codes import skip_example
from voice_agent.engines.nlu.spoken_numbers import NumberWords, find_numbers, read_number

_TYPED_EMAIL: Final = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{2,63}){1,4}")
_TYPED_PHONE: Final = re.compile(r"(?<![\w.])\+?\d[\d\s().-]{5,18}\d(?!\w)")
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d|\d\d?[./-]\d\d?[./-]\d{4}")

Found = tuple[str, int, int]
"""A value and the words that say it."""


def typed_email(text: str) -> str:
    """The first address written as one, "" when none."""
    match = _TYPED_EMAIL.search(text)
    return match[0].rstrip(".") if match else ""


def typed_phone(text: str, table: Mapping[str, Any]) -> tuple[str, str] | None:
    """The first number written like a telephone number: digits with any plus, and as written."""
    for match in _TYPED_PHONE.finditer(text):
        digits = re.sub(r"\D", "", match[0])
        if table["least"] <= len(digits) <= table["most"] and not _DATE.fullmatch(match[0]):
            return ("+" if match[0].startswith("+") else "") + digits, match[0]
    return None


def find_phones(
    tokens: Sequence[str], words: NumberWords, table: Mapping[str, Any]
) -> tuple[Found, ...]:
    """Runs of digits as long as a telephone number."""
    found: list[Found] = []
    for run in find_numbers(tokens, words):
        if table["least"] <= len(run.digits) <= table["most"]:
            plus = word_at(tokens, run.start - 1) in table["plus"]
            found.append((("+" if plus else "") + run.digits, run.start - plus, run.end))
    return tuple(found)


def find_email(tokens: Sequence[str], words: NumberWords, table: Mapping[str, Any]) -> Found | None:
    """As in "john dot smith at gmail dot com"."""
    for at, word in enumerate(tokens):
        sign = table["sign"].end(tokens, at + 1) or at + 1
        if word in table["at"] and (domain := _domain(tokens, sign, words, table)):
            start, local = _local(tokens, at, words, table)
            if local:
                return f"{local}@{domain[0]}", start, domain[1]
    return None


def _domain(
    tokens: Sequence[str], at: int, words: NumberWords, table: Mapping[str, Any]
) -> tuple[str, int] | None:
    written = ""
    end = at
    while end < len(tokens) and end - at < 12:
        word = tokens[end]
        if word in table["dot"]:
            written += "."
        elif written.endswith(".") or not written or "." not in written:
            written += _written(tokens, end, words, table)
        else:
            break
        end += 1
        last = written.rsplit(".", 1)[-1]
        if (
            "." in written[1:]
            and last in table["domains"]
            and word_at(tokens, end) not in table["dot"]
        ):
            return (written, end) if not written.startswith(".") else None
    return None


def _local(
    tokens: Sequence[str], at: int, words: NumberWords, table: Mapping[str, Any]
) -> tuple[int, str]:
    start = at
    while start > 0 and at - start < 20 and not _bounds(tokens, start - 1, table):
        start -= 1
    written = ""
    here = start
    while here < at:
        run = read_number(tokens[:at], here, words)
        if run and run.start == here:
            written, here = written + run.digits, run.end
            continue
        written += "." if tokens[here] in table["dot"] else _written(tokens, here, words, table)
        here = skip_example(tokens, here + 1, table)
    return start, written.strip(".")


def _bounds(tokens: Sequence[str], at: int, table: Mapping[str, Any]) -> bool:
    """A word that cannot belong to an address, unless it is spelled or joined into one."""
    if tokens[at] in table["at"]:
        return True
    joined = word_at(tokens, at + 1) in table["dot"] or word_at(tokens, at - 1) in table["dot"]
    letters = len(tokens[at]) == len(word_at(tokens, at - 1)) == len(word_at(tokens, at + 1)) == 1
    return tokens[at] in table["boundaries"] and not joined and not letters


def _written(tokens: Sequence[str], at: int, words: NumberWords, table: Mapping[str, Any]) -> str:
    word = tokens[at]
    digit = words.digit(word) if len(word) > 1 or word.isdecimal() else None
    joiners: Mapping[str, str] = table["joiners"]
    return joiners.get(word, word if digit is None else str(digit))
