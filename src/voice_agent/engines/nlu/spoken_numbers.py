"""Numbers as they are said: "one oh four two", "ten forty two", "double seven".

A run of number words becomes a string of digits, because callers read identifiers, not
quantities: neighbouring groups are written side by side ("ten" "forty two" is 1042), while
words with a scale are added up ("one thousand and forty two" is 1042 too).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from voice_agent.engines.nlu.language import Language

_MAX_SCALED: Final = 9_999_999


@dataclass(frozen=True, slots=True)
class SpokenNumber:
    """Digits said by the words `start` up to `end`; `groups` counts what was said as one."""

    digits: str
    start: int
    end: int
    groups: int = 1

    @property
    def value(self) -> int:
        """The digits as an integer."""
        return int(self.digits)


@dataclass(frozen=True)
class NumberWords:
    """The number words of a language."""

    zeros: Mapping[str, int]
    soft_zeros: Mapping[str, int]
    units: Mapping[str, int]
    teens: Mapping[str, int]
    tens: Mapping[str, int]
    scales: Mapping[str, int]
    repeats: Mapping[str, int]
    homophones: Mapping[str, int]
    ordinals: Mapping[str, int]
    joiners: frozenset[str]
    one_before_scale: frozenset[str]
    usual_length: int

    def digit(self, word: str) -> int | None:
        """The single digit a word says for certain."""
        for table in (self.units, self.zeros, self.soft_zeros):
            if word in table:
                return table[word]
        return int(word) if len(word) == 1 and word.isdecimal() else None

    def certain(self, word: str) -> bool:
        """Whether a word can only be (part of) a number."""
        tables = (self.units, self.zeros, self.soft_zeros, self.teens, self.tens, self.repeats)
        return word.isdecimal() or any(word in table for table in tables)


@cache
def number_words(language: Language) -> NumberWords:
    """The table `numbers.toml` of a language."""
    table = dict(language.table("numbers"))
    for name in ("joiners", "one_before_scale"):
        table[name] = frozenset(table[name])
    return NumberWords(**table)


def find_numbers(
    tokens: Sequence[str], words: NumberWords, *, expected: bool = False
) -> tuple[SpokenNumber, ...]:
    """All runs of number words, in order; `expected` also trusts sound-alikes at the start."""
    found: list[SpokenNumber] = []
    at = 0
    while at < len(tokens):
        run = read_number(tokens, at, words)
        if run is not None:
            found.append(run)
        at = run.end if run else at + 1
    return _with_leading_sounds(tokens, found, words) if expected else tuple(found)


def read_number(tokens: Sequence[str], start: int, words: NumberWords) -> SpokenNumber | None:
    """The run of number words that begins at `start`."""
    groups: list[str] = []
    at = start
    while group := _read_group(tokens, at, words, said="".join(groups)):
        digits, at = group
        _append(groups, digits)
    if not groups or all(word in words.soft_zeros for word in tokens[start:at]):
        return None
    return _without_exclamation(
        SpokenNumber("".join(groups), start, at, len(groups)), tokens, words
    )


def read_small(tokens: Sequence[str], at: int, words: NumberWords) -> tuple[int, int] | None:
    """A number below one hundred at `at`: its value and where it ends."""
    if at >= len(tokens):
        return None
    word = tokens[at]
    if word.isdecimal():
        return (int(word), at + 1) if len(word) <= 2 else None
    if word in words.tens:
        unit = words.units.get(tokens[at + 1]) if at + 1 < len(tokens) else None
        return (words.tens[word] + unit, at + 2) if unit else (words.tens[word], at + 1)
    small = words.teens.get(word, words.units.get(word))
    return (small, at + 1) if small is not None else None


def read_ordinal(tokens: Sequence[str], at: int, words: NumberWords) -> tuple[int, int] | None:
    """An ordinal below one hundred at `at` ("twenty fifth", "25th"): value and end."""
    if at >= len(tokens):
        return None
    word = tokens[at]
    if word[:-2].isdecimal() and word[-2:].isalpha():
        return int(word[:-2]), at + 1
    if word in words.ordinals:
        return words.ordinals[word], at + 1
    if word in words.tens and at + 1 < len(tokens):
        unit = words.ordinals.get(tokens[at + 1], 0)
        return (words.tens[word] + unit, at + 2) if 0 < unit < 10 else None
    return None


Group = tuple[str, int]


def _read_group(tokens: Sequence[str], at: int, words: NumberWords, *, said: str) -> Group | None:
    if at >= len(tokens):
        return None
    word = tokens[at]
    if word in words.repeats:
        return _read_repeated(tokens, at, words)
    if scaled := _read_scaled(tokens, at, words):
        return scaled
    if word.isdecimal() or word in words.zeros or word in words.soft_zeros:
        return (word if word.isdecimal() else "0"), at + 1
    if small := read_small(tokens, at, words):
        return str(small[0]), small[1]
    return _read_sound(tokens, at, words, said)


def _read_repeated(tokens: Sequence[str], at: int, words: NumberWords) -> Group | None:
    """As in "double seven"."""
    after = tokens[at + 1] if at + 1 < len(tokens) else ""
    digit = words.digit(after)
    if digit is None:
        digit = words.homophones.get(after)
    return None if digit is None else (str(digit) * words.repeats[tokens[at]], at + 2)


def _read_scaled(tokens: Sequence[str], at: int, words: NumberWords) -> Group | None:
    """A quantity with "hundred" or "thousand" in it."""
    total, current, end = 0, *_scaled_start(tokens, at, words)
    if not current or end >= len(tokens) or tokens[end] not in words.scales:
        return None
    while end < len(tokens) and tokens[end] in words.scales:
        scale = words.scales[tokens[end]]
        end += 1
        total, current = (total + current * scale, 0) if scale >= 1000 else (total, current * scale)
        joined = end + 1 if end < len(tokens) and tokens[end] in words.joiners else end
        small = read_small(tokens, joined, words)
        if small and not (joined == end and _goes_on_in_digits(tokens, small, words)):
            current, end = current + small[0], small[1]
        if total + current > _MAX_SCALED:
            return None
    return str(total + current), end


def _goes_on_in_digits(tokens: Sequence[str], small: tuple[int, int], words: NumberWords) -> bool:
    """As in "eight hundred five five five": said digit by digit, not 805."""
    after = tokens[small[1]] if small[1] < len(tokens) else ""
    return small[0] < 10 and words.digit(after) is not None


def _scaled_start(tokens: Sequence[str], at: int, words: NumberWords) -> tuple[int, int]:
    if tokens[at] in words.one_before_scale:
        return 1, at + 1
    if tokens[at] in words.scales:
        return 1, at
    small = read_small(tokens, at, words)
    return small or (0, at)


def _read_sound(tokens: Sequence[str], at: int, words: NumberWords, said: str) -> Group | None:
    """A word that sounds like a digit, where only a digit makes sense."""
    if not said or tokens[at] not in words.homophones:
        return None
    after = at
    while after < len(tokens) and tokens[after] in words.homophones:
        after += 1
    short = len(said) + (after - at) <= words.usual_length
    if after == len(tokens):
        fits = short
    else:
        one_by_one = words.digit(tokens[at - 1]) is not None and _is_digit(tokens[after], words)
        fits = words.certain(tokens[after]) and (len(said) < words.usual_length or one_by_one)
    return (str(words.homophones[tokens[at]]), at + 1) if fits else None


def _is_digit(word: str, words: NumberWords) -> bool:
    return words.digit(word) is not None


def _append(groups: list[str], digits: str) -> None:
    """Write a group beside the others; "one thousand oh five" fills the thousand's zeros."""
    if groups and digits == "0" and len(groups) == 1 and _round_thousand(groups[0]):
        groups[0] = groups[0][:-2]
    groups.append(digits)


def _round_thousand(digits: str) -> bool:
    return len(digits) >= 4 and digits.endswith("000")


def _without_exclamation(
    run: SpokenNumber, tokens: Sequence[str], words: NumberWords
) -> SpokenNumber:
    """As in "Oh, ten forty two" is not 01042."""
    leading = tokens[run.start] in words.soft_zeros
    if leading and len(run.digits) == words.usual_length + 1:
        return SpokenNumber(run.digits[1:], run.start + 1, run.end, run.groups - 1)
    return run


def _with_leading_sounds(
    tokens: Sequence[str], found: Sequence[SpokenNumber], words: NumberWords
) -> tuple[SpokenNumber, ...]:
    if not found:
        return _only_sounds(tokens, words)
    first = found[0]
    lead = tokens[: first.start]
    sounds = lead and all(word in words.homophones for word in lead)
    if not sounds or len(lead) + len(first.digits) > words.usual_length:
        return tuple(found)
    digits = "".join(str(words.homophones[word]) for word in lead) + first.digits
    whole = SpokenNumber(digits, 0, first.end, first.groups + len(lead))
    return (whole, *found[1:])


def _only_sounds(tokens: Sequence[str], words: NumberWords) -> tuple[SpokenNumber, ...]:
    if len(tokens) < 3 or not all(word in words.homophones for word in tokens):
        return ()
    digits = "".join(str(words.homophones[word]) for word in tokens)
    return (SpokenNumber(digits, 0, len(tokens), len(tokens)),)
