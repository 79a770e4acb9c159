"""What an agent's words ask for, so that the recogniser can listen for that kind of answer.

Works on the text alone: any language model's question is understood, not only our own.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Final

from voice_agent.core.speech import Expectation
from voice_agent.engines.nlu.language import Language, load_language
from voice_agent.engines.nlu.patterns import Pattern, Vocabulary, spaced
from voice_agent.engines.nlu.spoken_numbers import number_words
from voice_agent.engines.nlu.tokens import tokenise

_SENTENCE: Final = re.compile(r"[^.?!]*(?:[.](?=\w)[^.?!]*)*[.?!]*")
_LOOKED_AT: Final = 600
"""Characters at the end of a text that are searched for a question."""


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked: `kind` is ask, confirm, offer_person, anything_else, yes_no or "".

    `text` is the sentence that asks.
    """

    kind: str = ""
    parameter: str = ""
    expectation: Expectation = Expectation.ANYTHING
    text: str = ""


NO_QUESTION: Final = Question()


def expectation_of(agent_text: str) -> Expectation:
    """The kind of answer that an agent's words (English) call for; never raises."""
    return question_of(agent_text, load_language()).expectation


@lru_cache(maxsize=2048)
def question_of(agent_text: str, language: Language) -> Question:
    """The question that an agent's words end with; a statement gives `NO_QUESTION`."""
    for sentence in reversed(list(_sentences(agent_text[-_LOOKED_AT:]))):
        question = _ask(sentence, language)
        if question is not None:
            return replace(question, text=sentence)
    return NO_QUESTION


def _sentences(text: str) -> Iterable[str]:
    return (piece.strip() for piece in _SENTENCE.findall(text) if piece.strip())


def _ask(sentence: str, language: Language) -> Question | None:
    tokens = tokenise(sentence, language)
    said, words = spaced(tokens), frozenset(tokens)
    asks = sentence.endswith("?")
    for question, patterns, only_questions in _rules(language):
        if (asks or not only_questions) and any(
            pattern.found_in(said, words) for pattern in patterns
        ):
            return question if asks or question.kind == "ask" else None
    return NO_QUESTION if asks else None


@cache
def _rules(language: Language) -> tuple[tuple[Question, tuple[Pattern, ...], bool], ...]:
    table = language.table("questions")
    vocabulary = Vocabulary(table["classes"], frozenset(number_words(language).units))
    rules = []
    for entry in table["question"]:
        parameter = entry.get("parameter", "")
        question = Question(entry["kind"], parameter, Expectation(entry["expectation"]))
        patterns = vocabulary.compile(entry["patterns"])
        rules.append((question, patterns, bool(entry.get("only_questions", False))))
    return tuple(rules)
