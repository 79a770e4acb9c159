"""What an utterance tells, each word read once: the likeliest of `find_entities`' readings.

`find_entities` offers every parameter a value might fill, because a dialogue that asked for one
takes what it asked for. Without such a question the same words are one thing only.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Final

from voice_agent.core.understanding import Entity
from voice_agent.engines.nlu.entities import entity_tables, find_entities
from voice_agent.engines.nlu.language import Language
from voice_agent.engines.nlu.questions import Question, question_of
from voice_agent.engines.nlu.tokens import tokenise
from voice_agent.engines.nlu.understanding import Context

_LONGEST_PURPOSE: Final = 8
"""Words."""
_PRIORITY: Final = (
    "email",
    "confirmation_number",
    "phone",
    "order_id",
    "rating",
    "date",
    "time",
    "name",
    "department",
    "purpose",
)
"""Of two readings of the same words the earlier kind is believed."""


def spoken_entities(
    text: str, now: datetime, previous_agent_text: str, language: Language
) -> tuple[Entity, ...]:
    """The entities of an utterance that answers `previous_agent_text`, in the order said."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return _spoken_entities(text, today, previous_agent_text, language)


@lru_cache(maxsize=1024)
def _spoken_entities(
    text: str, today: datetime, previous_agent_text: str, language: Language
) -> tuple[Entity, ...]:
    question = question_of(previous_agent_text, language)
    found = find_entities(text, Context(today, question.expectation), language)
    likeliest = _likeliest(found, question)
    if question.parameter == "purpose" and not any(e.name == "purpose" for e in likeliest):
        likeliest += _whole_purpose(tokenise(text, language), likeliest, language)
    return tuple(sorted(likeliest, key=lambda entity: entity.span))


def _whole_purpose(
    tokens: Sequence[str], others: Sequence[Entity], language: Language
) -> list[Entity]:
    """What was answered to "what is it for?": everything before a date or a time."""
    dropped = entity_tables(language)["purpose"]["lead"]
    start = next((at for at, word in enumerate(tokens) if word not in dropped), len(tokens))
    end = min((entity.span[0] for entity in others if entity.span[1]), default=len(tokens))
    said = tokens[start:end]
    while said and said[-1] in dropped:
        said = said[:-1]
    if not 0 < len(said) <= _LONGEST_PURPOSE:
        return []
    return [Entity("purpose", " ".join(said), " ".join(said), span=(start, start + len(said)))]


def _likeliest(found: Sequence[Entity], question: Question) -> list[Entity]:
    ranked = sorted(found, key=lambda entity: _rank(entity, question))
    kept: list[Entity] = []
    for entity in ranked:
        if not any(_overlap(entity, other) for other in kept):
            kept.append(entity)
    return kept


def _rank(entity: Entity, question: Question) -> tuple[int, int]:
    asked = 0 if entity.name == question.parameter else 1
    return asked, _PRIORITY.index(entity.name) if entity.name in _PRIORITY else len(_PRIORITY)


def _overlap(one: Entity, other: Entity) -> bool:
    return one.span[0] < other.span[1] and other.span[0] < one.span[1]
