"""The instant tier: whole utterances that can only mean one thing, `instant.toml`."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from voice_agent.core.understanding import Intent
from voice_agent.engines.nlu.language import Language, load_language
from voice_agent.engines.nlu.patterns import Pattern, Vocabulary, spaced
from voice_agent.engines.nlu.questions import question_of
from voice_agent.engines.nlu.spoken_entities import spoken_entities
from voice_agent.engines.nlu.spoken_numbers import number_words
from voice_agent.engines.nlu.tiers import NO_GUESS, Guess, Utterance
from voice_agent.engines.nlu.tokens import tokenise

CERTAIN: Final = 1.0


@dataclass(frozen=True)
class _Instant:
    """Patterns by the words one of which they need; those that need none apart."""

    by_word: Mapping[str, tuple[tuple[Intent, Pattern], ...]]
    always: tuple[tuple[Intent, Pattern], ...]
    asked: Mapping[str, Intent]
    padding: frozenset[str]

    def candidates(self, words: Iterable[str]) -> Iterable[tuple[Intent, Pattern]]:
        """Patterns that might fit."""
        yield from self.always
        for word in words:
            yield from self.by_word.get(word, ())


class RegexTier:
    """Answers at once, with certainty, or not at all."""

    name = "regex"
    threshold = CERTAIN
    paid = False

    def __init__(self, language: Language | None = None) -> None:
        """`language` is English unless told otherwise; its table is read here."""
        self._language = language or load_language()
        _instant(self._language)

    def price(self, utterance: Utterance) -> float | None:
        """Nothing."""
        del utterance
        return 0.0

    async def guess(self, utterance: Utterance) -> Guess:
        """The one intent whose patterns fit; never raises."""
        intent = instant_intent(utterance, self._language)
        return NO_GUESS if intent is None else Guess(intent, CERTAIN)


def instant_intent(utterance: Utterance, language: Language) -> Intent | None:
    """The intent, None when no pattern fits or two intents' do."""
    table = _instant(language)
    tokens = tokenise(utterance.text, language)
    said, words = spaced(tokens), frozenset(tokens)
    found = {intent for intent, pattern in table.candidates(words) if pattern.found_in(said, words)}
    if len(found) == 1:
        return found.pop()
    return None if found else _answer(utterance, tokens, table, language)


def _answer(
    utterance: Utterance, tokens: Sequence[str], table: _Instant, language: Language
) -> Intent | None:
    """The value that was asked for and nothing else."""
    if not utterance.previous_agent_text:
        return None
    question = question_of(utterance.previous_agent_text, language)
    intent = table.asked.get(question.parameter)
    if intent is None:
        return None
    found = spoken_entities(utterance.text, utterance.now, utterance.previous_agent_text, language)
    told = {at for entity in found for at in range(*entity.span)}
    rest = (word for at, word in enumerate(tokens) if at not in told)
    return intent if told and all(word in table.padding for word in rest) else None


@cache
def _instant(language: Language) -> _Instant:
    table = language.table("instant")
    words = number_words(language)
    numbers = (words.zeros, words.soft_zeros, words.units, words.teens, words.tens, words.scales)
    said = frozenset(word for each in (*numbers, words.repeats) for word in each)
    vocabulary = Vocabulary(table["classes"], said)
    by_word: defaultdict[str, list[tuple[Intent, Pattern]]] = defaultdict(list)
    always: list[tuple[Intent, Pattern]] = []
    for name, patterns in table["intent"].items():
        for pattern in vocabulary.compile(patterns):
            entry = (Intent(name), pattern)
            key = min(pattern.needs, key=len, default=None)
            for word in key or ():
                by_word[word].append(entry)
            if key is None:
                always.append(entry)
    return _Instant(
        {word: tuple(entries) for word, entries in by_word.items()},
        tuple(always),
        {name: Intent(intent) for name, intent in table["asked"].items()},
        frozenset(table["answers"]["padding"]),
    )
