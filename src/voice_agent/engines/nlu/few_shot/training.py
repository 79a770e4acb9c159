"""Teaching: features of the examples, the fit, and a reject rule judged by cross-validation."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Final, cast

import numpy as np
import numpy.typing as npt

from voice_agent.core.errors import ConfigurationError
from voice_agent.engines.embedding.vectors import SentenceEmbedder
from voice_agent.engines.nlu.few_shot.examples import OUT_OF_SCOPE, Example
from voice_agent.engines.nlu.few_shot.lexicon import Lexicon, normalised
from voice_agent.engines.nlu.few_shot.logistic import CONSTANT, Floats, Labels, fit, softmax
from voice_agent.engines.nlu.few_shot.model import FewShotModel, Knowledge, RejectRule

RIDGE: Final = 0.1
WORDS: Final = np.float32(0.5)
"""What words and letters weigh against the sentence vector."""
FOLDS: Final = 4
FALSE_REJECTIONS: Final = 0.04
"""Share of utterances in scope that the rule may turn away in cross-validation, where each has
lost its neighbours among the examples; in use it is half of that."""
_LEAST_EXAMPLES: Final = 4
_SHARPNESS: Final = tuple(np.round(np.arange(0.6, 3.01, 0.1), 2).tolist())
_BIASES: Final = (-2.0, -1.5, -1.0, -0.75, -0.5, -0.25, 0.0, 0.25)
_PROBABILITIES: Final = (0.0, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4)
_MARGINS: Final = (0.0, 0.02, 0.05)
_NEARNESSES: Final = (-1.0, 0.3, 0.35, 0.4, 0.45)

_Truths = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class _Material:
    """The examples as numbers."""

    intents: tuple[str, ...]
    labels: Labels
    lexicon: Lexicon
    words: Floats
    vectors: Floats
    alike: Floats

    @property
    def in_scope(self) -> _Truths:
        return np.not_equal(self.labels, self.intents.index(OUT_OF_SCOPE))


def train(examples: Sequence[Example], embedder: SentenceEmbedder | None) -> FewShotModel:
    """A model of the examples, the same for the same examples; takes some seconds.

    Raises:
        ConfigurationError: an intent has too few examples, or out_of_scope is missing.
    """
    material = _prepare(examples, embedder)
    shares = fit(material.alike, material.labels, len(material.intents), RIDGE)
    knowledge = Knowledge(
        intents=material.intents,
        lexicon=material.lexicon,
        words=_half(WORDS * (material.words.T @ shares)),
        vectors=_half(material.vectors.T @ shares),
        constant=_half(CONSTANT * shares.sum(axis=0)),
        examples=_half(material.vectors[material.in_scope]),
        embedder=embedder.name if embedder else "",
        rule=_calibrated(material),
    )
    return FewShotModel(knowledge, embedder)


def _prepare(examples: Sequence[Example], embedder: SentenceEmbedder | None) -> _Material:
    known = dict.fromkeys((normalised(example.text), example.intent) for example in examples)
    texts = [text for text, _ in known]
    intents = tuple(sorted({intent for _, intent in known}))
    labels = np.array([intents.index(intent) for _, intent in known], np.int64)
    _check(intents, labels)
    lexicon = Lexicon.of(texts)
    lexicon = replace(lexicon, rarity=_half(lexicon.rarity))
    words = lexicon.matrix(texts)
    vectors = embedder.embed(texts) if embedder else np.zeros((len(texts), 0), np.float32)
    alike = vectors @ vectors.T + WORDS * (words @ words.T) + CONSTANT
    return _Material(intents, labels, lexicon, words, vectors, alike)


def _check(intents: Sequence[str], labels: Labels) -> None:
    if OUT_OF_SCOPE not in intents:
        raise ConfigurationError(f"There are no examples of {OUT_OF_SCOPE}.")
    counts = np.bincount(labels, minlength=len(intents))
    few = [i for i, count in zip(intents, counts, strict=True) if count < _LEAST_EXAMPLES]
    if few:
        raise ConfigurationError(
            f"These intents have fewer than {_LEAST_EXAMPLES} examples: {', '.join(few)}."
        )


def _half(values: Floats) -> Floats:
    """As it will be read back from the file."""
    return values.astype(np.float16).astype(np.float32)


def _folds(count: int) -> Iterator[tuple[_Truths, _Truths]]:
    """(taught, judged) for each fold; every example is judged once."""
    fold = np.random.default_rng(17).permutation(count) % FOLDS
    for number in range(FOLDS):
        yield fold != number, fold == number


def _calibrated(material: _Material) -> RejectRule:
    """The rule that is right most often on examples it was not taught, and rejects few."""
    scores, nearness = _judged(material)
    strange = material.intents.index(OUT_OF_SCOPE)
    sharpness = min(_SHARPNESS, key=lambda s: _surprise(scores * np.float32(s), material.labels))
    best, best_merit = RejectRule(sharpness=sharpness), -1.0
    for bias in _BIASES:
        biased = scores.copy()
        biased[:, strange] += bias
        chances = softmax(biased * np.float32(sharpness))
        for limits in product(_PROBABILITIES, _MARGINS, _NEARNESSES):
            rule = RejectRule(*limits, bias, sharpness)
            merit = _merit(_decided(chances, nearness, rule, strange), material.labels, strange)
            if merit > best_merit:
                best, best_merit = rule, merit
    return best


def _judged(material: _Material) -> tuple[Floats, Floats]:
    """Scores and nearness of each example by models that were not taught it."""
    scores = np.zeros((len(material.labels), len(material.intents)), np.float32)
    nearness = np.ones(len(material.labels), np.float32)
    for taught, judged in _folds(len(material.labels)):
        shares = fit(
            material.alike[np.ix_(taught, taught)],
            material.labels[taught],
            len(material.intents),
            RIDGE,
        )
        scores[judged] = material.alike[np.ix_(judged, taught)] @ shares
        if material.vectors.shape[1]:
            known = material.vectors[taught & material.in_scope]
            nearness[judged] = (material.vectors[judged] @ known.T).max(axis=1)
    return scores, nearness


def _surprise(scores: Floats, labels: Labels) -> float:
    chances = softmax(scores)[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(chances, 1e-9)).mean())


def _decided(chances: Floats, nearness: Floats, rule: RejectRule, strange: int) -> Labels:
    """`FewShotModel._decide` for all rows at once."""
    ordered = np.partition(chances, -2, axis=1)
    first, second = ordered[:, -1], ordered[:, -2]
    refused = (
        (first < rule.probability) | (first - second < rule.margin) | (nearness < rule.nearness)
    )
    return cast("Labels", np.where(refused, strange, chances.argmax(axis=1)))


def _merit(decided: Labels, labels: Labels, strange: int) -> float:
    """Mean of the shares right in and out of scope, less a fine for turning too many away."""
    inside = labels != strange
    right = decided == labels
    rejected = float((decided[inside] == strange).mean())
    balance = float(right[inside].mean() + right[~inside].mean()) / 2
    return balance - 4 * max(0.0, rejected - FALSE_REJECTIONS)
