"""The caller's mood, from the words alone; neutral unless the words are plain about it.

Most sentences of a business call have no mood, and a voice that answers to one that is not there
is worse than one that stays as it is. So one clear word is needed, or two hints; what is denied,
belittled or felt by somebody else does not count.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from voice_agent.core.speech import Emotion
from voice_agent.engines.nlu.language import Language, load_language
from voice_agent.engines.nlu.phrases import Phrases
from voice_agent.engines.nlu.tokens import tokenise

ENOUGH: Final = 1.0
"""What a mood's words must weigh together."""
_WEIGHTS: Final = {"clear": 1.0, "feelings": 1.0, "hints": 0.5}
_WITH_WEIGHT: Final = 1.5
_BELITTLED: Final = 0.5
_SHOUTED: Final = 1.3
_MOODS: Final = (
    Emotion.ANGRY,
    Emotion.FRUSTRATED,
    Emotion.SAD,
    Emotion.CONFUSED,
    Emotion.HAPPY,
)
"""The first of equals is believed: a missed complaint costs more than a missed joy."""
_REACH: Final = 3
"""Words over which "not" and "she is" hold."""


@dataclass(frozen=True)
class _Lexicon:
    words: dict[Emotion, dict[str, Phrases[str]]]
    intensifiers: Phrases[str]
    diminishers: Phrases[str]
    negations: frozenset[str]
    others: frozenset[str]
    denied_happiness: Emotion


def emotion_of(text: str, language: Language | None = None) -> Emotion:
    """The mood of what the caller said; `Emotion.NEUTRAL` when unsure."""
    language = language or load_language()
    words = tokenise(text, language)
    scores = _scores(words, _lexicon(language))
    loud = _SHOUTED if _shouted(text) else 1.0
    mood = max(_MOODS, key=lambda each: scores[each])
    return mood if scores[mood] * loud >= ENOUGH else Emotion.NEUTRAL


@cache
def _lexicon(language: Language) -> _Lexicon:
    table = language.table("emotions")
    return _Lexicon(
        {mood: {kind: Phrases.of(table[mood][kind]) for kind in _WEIGHTS} for mood in _MOODS},
        Phrases.of(table["intensifiers"]),
        Phrases.of(table["diminishers"]),
        frozenset(table["negations"]),
        frozenset(table["others"]),
        Emotion(table["denied_happiness"]),
    )


def _scores(words: Sequence[str], lexicon: _Lexicon) -> dict[Emotion, float]:
    scores = dict.fromkeys(_MOODS, 0.0)
    for mood, kinds in lexicon.words.items():
        for kind, phrases in kinds.items():
            for _, start, _ in phrases.find(words):
                if kind == "feelings" and _reaches(words, start, lexicon.others):
                    continue
                weight = _WEIGHTS[kind] * _emphasis(words, start, lexicon)
                if kind != "clear" or mood is Emotion.HAPPY:
                    weight *= not _reaches(words, start, lexicon.negations)
                scores[mood] += weight
                if not weight and mood is Emotion.HAPPY and kind != "hints":
                    scores[lexicon.denied_happiness] += _WEIGHTS[kind]
    return scores


def _reaches(words: Sequence[str], start: int, reaching: frozenset[str]) -> bool:
    return any(word in reaching for word in words[max(0, start - _REACH) : start])


def _emphasis(words: Sequence[str], start: int, lexicon: _Lexicon) -> float:
    if lexicon.diminishers.before(words, start):
        return _BELITTLED
    return _WITH_WEIGHT if lexicon.intensifiers.before(words, start) else 1.0


def _shouted(text: str) -> bool:
    """Typed in capitals or with several exclamation marks."""
    letters = [char for char in text if char.isalpha()]
    return text.count("!") > 1 or (len(letters) > 8 and all(map(str.isupper, letters)))
