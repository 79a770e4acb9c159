"""Understanding by tables: sentence patterns with scores, no model, a fraction of a millisecond."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Final

from voice_agent.engines.nlu.entities import find_entities
from voice_agent.engines.nlu.language import Language, load_language
from voice_agent.engines.nlu.near_sound import repaired
from voice_agent.engines.nlu.patterns import Pattern, Vocabulary, spaced
from voice_agent.engines.nlu.phrases import Phrases
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
    levels: tuple[tuple[float, Pattern], ...]
    cues: tuple[tuple[float, Pattern], ...]

    def score(self, said: str, tokens: Sequence[str], words: AbstractSet[str]) -> float:
        """Confidence of the surest pattern, else of all cues together."""
        for confidence, pattern in self.levels:
            if pattern.found_in(said, words):
                return confidence
        doubt = 1.0
        for weight, cue in self.cues:
            if cue.found_in(said, words):
                doubt *= 1 - weight
        return (1 - doubt) * min(1.0, _USUAL_WORDS / max(len(tokens), 1))


class TableUnderstander:
    """The first tier: instant, explainable, and sure only of what its tables hold."""

    def __init__(self, language: Language | None = None) -> None:
        """`language` is English unless told otherwise."""
        self._language = language or load_language()

    def understand(self, text: str, context: Context) -> Understanding:
        """Intent, confidence, entities and other likely intents; the same for the same input."""
        today = context.now.replace(hour=0, minute=0, second=0, microsecond=0)
        return _understand(text, replace(context, now=today), self._language)


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
    words = frozenset(tokens)
    scores = ((rule.name, rule.score(said, tokens, words)) for rule in _intents(language))
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
    scores = (("certain", CERTAIN), ("likely", LIKELY), ("hint", HINT))
    levels = tuple(
        (score, pattern)
        for level, score in scores
        for pattern in vocabulary.compile(rules.get(level, ()))
    )
    cues = rules.get("cues", {})
    weights = tuple(cues.items()) if isinstance(cues, dict) else ()
    named = vocabulary.compile(_cue(word, vocabulary) for word, _ in weights)
    return _Intent(name, levels, tuple(zip((weight for _, weight in weights), named, strict=True)))


def _cue(word: str, vocabulary: Vocabulary) -> str:
    return f"{{{word}}}" if word in vocabulary.classes else word


def _agrees(
    intent: str, confidence: float, tokens: Sequence[str], language: Language
) -> bool | None:
    """The yes or no of an answer: its whole sense, else the word it opens with."""
    if confidence >= LIKELY and intent in {"affirm", "deny"}:
        return intent == "affirm"
    table = _polarity(language)
    at = 0
    while end := table["skipped"].end(tokens, at):
        at = end
    if table["yes_although_no"].end(tokens, at):
        return True
    if table["no"].end(tokens, at):
        return False
    return True if table["yes"].end(tokens, at) else None


@cache
def _polarity(language: Language) -> Mapping[str, Phrases[str]]:
    return {name: Phrases.of(words) for name, words in language.table("polarity").items()}
