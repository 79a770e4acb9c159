"""Text to words: lower case, contractions opened, hesitations dropped.

Typed text and any recogniser's spelling end up in one form, so that every later table is
written once.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

from voice_agent.engines.nlu.language import Language

MAX_WORDS: Final = 80
"""Words that are looked at; a caller's sentence has fewer, a pasted page is cut here."""

_MAX_CHARS: Final = 4000
_THOUSANDS: Final = re.compile(r"(?<=\d),(?=\d{3}\b)")
_MOMENT: Final = r"\d{1,4}[:/-]\d{1,2}(?:[/-]\d{1,4})?(?!\d)"
_WORD: Final = r"[^\W\d_]+(?:'[^\W\d_]+)*"


@dataclass(frozen=True)
class _Rewriting:
    words: Mapping[str, str]
    endings: tuple[tuple[str, str], ...]
    fillers: frozenset[str]
    phrases: re.Pattern[str]
    replacements: Mapping[str, str]
    tokens: re.Pattern[str]
    halves: tuple[tuple[re.Pattern[str], str], ...]


@cache
def _rewriting(language: Language) -> _Rewriting:
    table = language.table("words")
    phrases = dict(table["phrases"])
    longest_first = sorted(phrases, key=len, reverse=True)
    return _Rewriting(
        words=dict(table["contractions"]),
        endings=tuple(table["endings"].items()),
        fillers=frozenset(table["fillers"]),
        phrases=re.compile(r"(?<!\S)(?:" + "|".join(map(re.escape, longest_first)) + r")(?!\S)"),
        replacements=phrases,
        tokens=re.compile(rf"\d+(?:{'|'.join(table['ordinal_endings'])})\b|{_MOMENT}|\d+|{_WORD}"),
        halves=tuple((_dotted(half), half) for half in table["halves"]),
    )


def _dotted(half: str) -> re.Pattern[str]:
    """As in "p.m.", "p m"."""
    letters = r"(?:\.\s?|\s)".join(half)
    return re.compile(rf"(?<![^\W\d_]){letters}\b\.?")


def plain(text: str) -> str:
    """Lower-case text with compatibility forms and typographic marks folded."""
    folded = unicodedata.normalize("NFKC", text[:_MAX_CHARS]).lower()
    if not folded.isascii():
        folded = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in folded)
    return folded.replace("\u2019", "'").replace("\u2018", "'").replace("\u2010", "-")


@lru_cache(maxsize=4096)
def tokenise(text: str, language: Language) -> tuple[str, ...]:
    """At most `MAX_WORDS` normalised words of `text`."""
    rules = _rewriting(language)
    spelled = _THOUSANDS.sub("", plain(text))
    for dotted, half in rules.halves:
        spelled = dotted.sub(half, spelled)
    words = [_open(word, rules) for word in rules.tokens.findall(spelled)[: 2 * MAX_WORDS]]
    said = rules.phrases.sub(lambda match: rules.replacements[match[0]], " ".join(words))
    kept = (word for word in said.split() if word not in rules.fillers)
    return tuple(kept)[:MAX_WORDS]


def _open(word: str, rules: _Rewriting) -> str:
    if word in rules.words:
        return rules.words[word]
    for ending, instead in rules.endings:
        if word.endswith(ending) and len(word) > len(ending):
            return word.removesuffix(ending) + instead
    return word
