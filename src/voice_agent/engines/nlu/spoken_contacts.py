"""Addresses, telephone numbers and names as they are said or typed."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from voice_agent.engines.nlu.phrases import word_at
from voice_agent.engines.nlu.spoken_numbers import NumberWords, find_numbers, read_number

_TYPED_EMAIL: Final = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{2,63}){1,4}")
_TYPED_PHONE: Final = re.compile(r"(?<![\w.])\+?\d[\d\s().-]{5,18}\d(?!\w)")
_MAX_NAME_WORDS: Final = 4

Found = tuple[str, int, int]
"""A value and the words that say it."""


def typed_email(text: str) -> str:
    """The first address written as one, "" when none."""
    match = _TYPED_EMAIL.search(text)
    return match[0].rstrip(".") if match else ""


def typed_phone(text: str, table: Mapping[str, Any]) -> str:
    """The first number written like a telephone number, digits with a leading plus if any."""
    for match in _TYPED_PHONE.finditer(text):
        digits = re.sub(r"\D", "", match[0])
        if table["least"] <= len(digits) <= table["most"]:
            return ("+" if match[0].startswith("+") else "") + digits
    return ""


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
        if word in table["at"] and (domain := _domain(tokens, at + 1, words, table)):
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
        here += 1
    return start, written.strip(".")


def _bounds(tokens: Sequence[str], at: int, table: Mapping[str, Any]) -> bool:
    """A word that cannot belong to an address, unless it is spelled or joined into one."""
    joined = word_at(tokens, at + 1) in table["dot"] or word_at(tokens, at - 1) in table["dot"]
    return tokens[at] in table["boundaries"] and not joined


def _written(tokens: Sequence[str], at: int, words: NumberWords, table: Mapping[str, Any]) -> str:
    word = tokens[at]
    digit = words.digit(word) if len(word) > 1 or word.isdecimal() else None
    joiners: Mapping[str, str] = table["joiners"]
    return joiners.get(word, word if digit is None else str(digit))


def find_name(tokens: Sequence[str], table: Mapping[str, Any], *, expected: bool) -> Found | None:
    """A person's name: after words that announce one, or the whole answer when asked for."""
    openers = table["before"] if expected else table["sure"]
    for at in range(len(tokens)):
        after = openers.end(tokens, at)
        if after and (name := _name_at(tokens, after, table)):
            return name
    if not expected:
        return None
    start = next((at for at in range(len(tokens)) if _may_name(tokens[at], table)), len(tokens))
    name = _name_at(tokens, start, table)
    return name if name and name[2] == len(tokens) else None


def _name_at(tokens: Sequence[str], at: int, table: Mapping[str, Any]) -> Found | None:
    end = at
    while end < len(tokens) and _may_name(tokens[end], table):
        end += 1
    words = tokens[at:end]
    spelled = len(words) > 1 and all(len(word) == 1 for word in words)
    if spelled:
        return "".join(words).capitalize(), at, end
    if not words or len(words) > _MAX_NAME_WORDS:
        return None
    return " ".join(word.capitalize() for word in words), at, end


def _may_name(word: str, table: Mapping[str, Any]) -> bool:
    single_letter = len(word) == 1 and word.isalpha()
    return single_letter or (word.replace("'", "").isalpha() and word not in table["never"])
