"""An utterance without the values that belong to a person, so that it may be kept and shown."""

from collections.abc import Mapping
from typing import Final

from voice_agent.core.understanding import Understanding
from voice_agent.engines.nlu.language import Language, load_language
from voice_agent.engines.nlu.spoken_numbers import find_numbers, number_words
from voice_agent.engines.nlu.tokens import tokenise

_LONG: Final = 5
"""Digits of a number that may be anybody's, whatever it is."""
_UNKNOWN: Final = "number"
_PERSONAL: Final = frozenset({"email", "phone", "name", "confirmation_number", "order_id"})


def impersonal(text: str, found: Understanding, language: Language | None = None) -> str:
    """The words with personal values exchanged for the language's samples of them."""
    language = language or load_language()
    samples: Mapping[str, str] = language.table("names")["samples"]
    words = list(tokenise(text, language))
    spans = {
        (run.start, run.end): _UNKNOWN
        for run in find_numbers(words, number_words(language))
        if len(run.digits) >= _LONG
    }
    spans |= {e.span: e.name for e in found.entities if e.name in _PERSONAL and e.span[1]}
    before = len(words)
    for start, end in sorted(spans, reverse=True):
        if end <= before:
            words[start:end] = samples[spans[start, end]].split()
            before = start
    return " ".join("number" if _long_number(word) else word for word in words)


def _long_number(word: str) -> bool:
    return sum(char.isdecimal() for char in word) >= _LONG
