"""Understanding by tables: sentence patterns with scores, no model, a fraction of a millisecond."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

from voice_agent.engines.nlu.entities import find_entities
from voice_agent.engines.nlu.language import Language, load_language
from voice_agent.engines.nlu.near_sound import repaired
from voice_agent.engines.nlu.patterns import Vocabulary, spaced
from voice_agent.engines.nlu.phrases import phrase_at, starts_with
from voice_agent.engines.nlu.spoken_numbers import number_words
from voice_agent.engines.nlu.tokens import tokenise
from voice_agent.engines.nlu.understanding import Context, Understanding

CERTAIN: Final = 0.95
LIKELY: Final = 0.8
HINT: Final = 0.5
_LEAST: Final = 0.3
_USUAL_WORDS: Final = 12
"""Cues spread over a longer utterance count less."""


@dataclass(frozen=True)
class _Intent:
    name: str
    levels: tuple[tuple[float, re.Pattern[str]], ...]
    cues: tuple[tuple[float, re.Pattern[str]], ...]

    def score(self, said: str, words: int) -> float:
        for confidence, pattern in self.levels:
            if pattern.search(said):
                return confidence
        doubt = 1.0
        for weight, cue in self.cues:
            if cue.search(said):
                doubt *= 1 - weight
        return (1 - doubt) * min(1.0, _USUAL_WORDS / max(words, 1))


class TableUnderstander:
    """The first tier: instant, explainable, and sure only of what its tables hold."""

    def __init__(self, language: Language | None = None) -> None:
        """`language` is English unless told otherwise."""
        self._language = language or load_language()

    def understand(self, text: str, context: Context) -> Understanding:
        """Intent, confidence, entities and other likely intents; the same for the same input."""
        return _understand(text, context, self._language)


@lru_cache(maxsize=2048)
def _understand(text: str, context: Context, language: Language) -> Understanding:
    tokens = repaired(tokenise(text, language), language)
    ranked = _ranked(tokens, language)
    intent, confidence = ranked[0] if ranked else ("", 0.0)
    return Understanding(
        intent=intent,
        confidence=confidence,
        entities=find_entities(text, context, language),
        alternatives=tuple(ranked[1:4]),
        agrees=_agrees(intent, confidence, tokens, language),
    )


def _ranked(tokens: Sequence[str], language: Language) -> list[tuple[str, float]]:
    said = spaced(tokens)
    if not said:
        return []
    scores = ((rule.name, rule.score(said, len(tokens))) for rule in _intents(language))
    return sorted((s for s in scores if s[1] >= _LEAST), key=lambda s: s[1], reverse=True)


@cache
def _intents(language: Language) -> tuple[_Intent, ...]:
    table = language.table("intents")
    vocabulary = _vocabulary(language)
    return tuple(_intent(name, rules, vocabulary) for name, rules in table["intent"].items())


def _vocabulary(language: Language) -> Vocabulary:
    words = number_words(language)
    tables = (words.zeros, words.soft_zeros, words.units, words.teens, words.tens, words.scales)
    numbers = frozenset(word for table in (*tables, words.repeats) for word in table)
    return Vocabulary(language.table("intents")["classes"], numbers)


def _intent(
    name: str, rules: Mapping[str, list[str] | dict[str, float]], vocabulary: Vocabulary
) -> _Intent:
    levels = (("certain", CERTAIN), ("likely", LIKELY), ("hint", HINT))
    compiled = ((score, vocabulary.compile(list(rules.get(key, ())))) for key, score in levels)
    cues = rules.get("cues", {})
    weights = cues.items() if isinstance(cues, dict) else ()
    named = ((weight, vocabulary.compile([_cue(word, vocabulary)])) for word, weight in weights)
    return _Intent(
        name,
        tuple((score, pattern) for score, pattern in compiled if pattern),
        tuple((weight, pattern) for weight, pattern in named if pattern),
    )


def _cue(word: str, vocabulary: Vocabulary) -> str:
    return f"{{{word}}}" if word in vocabulary.classes else word


def _agrees(
    intent: str, confidence: float, tokens: Sequence[str], language: Language
) -> bool | None:
    """The yes or no of an answer: its whole sense, else the word it opens with."""
    if confidence >= LIKELY and intent in {"affirm", "deny"}:
        return intent == "affirm"
    table = language.table("polarity")
    at = 0
    while end := phrase_at(tokens, at, table["skipped"]):
        at = end
    if any(starts_with(tokens, at, phrase) for phrase in table["yes_although_no"]):
        return True
    if phrase_at(tokens, at, table["no"]):
        return False
    return True if phrase_at(tokens, at, table["yes"]) else None
