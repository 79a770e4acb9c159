"""The language model of what our callers say: templates mixed with general English.

Pure. Sentences drawn from the templates give a trigram model (Witten-Bell); general English
gives pairs and triples of the commonest words, so that wordings nobody foresaw still get through.
The two are mixed linearly, with less trust in the templates after words they never show.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from voice_agent.engines.stt.general_language_model import GeneralModel
from voice_agent.engines.stt.ngram_counts import (
    END,
    START,
    Floats,
    Ints,
    Table,
    WittenBell,
    count,
)
from voice_agent.engines.stt.utterance_templates import Sequence as Template
from voice_agent.engines.stt.utterance_templates import Utterances

SINGLE_TOKENS = {"a m": "a.m.", "p m": "p.m."}
"""Spoken as letters, listened for as one word."""
BEFORE_TERMS = ("", "", "my", "the", "a", "about my", "about the", "i ordered", "it's", "for", "to")
"""What callers say before a business term, whatever it names."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the model is made; the numbers were chosen on sentences kept apart for that.

    `sentences` are drawn from the templates, a share of them `surrounded` by something said
    before; `background_words` are added from general English. `domain_share` is the weight of
    the templates, `least_share` their weight after words they never show, `trust` how many
    sightings go half of the way between, `evidence` the worth of one sighting. General pairs
    and triples less probable than `rarest` and `rarest_trigram` are not listed.
    """

    sentences: int = 80_000
    background_words: int = 3000
    domain_share: float = 0.75
    least_share: float = 0.1
    trust: float = 3.0
    evidence: float = 0.25
    rarest: float = 3e-4
    rarest_trigram: float = 1e-3
    surrounded: float = 0.18
    seed: int = 20


def narrow(recipe: Recipe) -> Recipe:
    """The recipe for answers to one question: the templates and next to nothing else."""
    return replace(
        recipe,
        sentences=recipe.sentences // 8,
        domain_share=0.98,
        least_share=0.9,
        rarest=1.0,
        rarest_trigram=1.0,
    )


@dataclass(frozen=True, slots=True)
class LanguageModelTables:
    """A backoff trigram model: probabilities and backoff weights (not logarithms)."""

    words: tuple[str, ...]
    unigrams: Table
    unigram_backoff: Table
    bigrams: Table
    bigram_backoff: Table
    trigrams: Table


def sentences(utterances: Utterances, phrases: Sequence[str], recipe: Recipe) -> list[list[str]]:
    """Draw sentences: each group by its weight, each of its templates alike, then phrases."""
    chance = random.Random(recipe.seed)  # noqa: S311 - reproducible, not secret
    total = sum(weight for weight, _ in utterances.groups.values())
    drawn: list[str] = []
    for weight, templates in utterances.groups.values():
        each = recipe.sentences * weight / total / len(templates)
        for template in templates:
            times = int(each) + (chance.random() < each % 1)
            drawn += (_surrounded(utterances, template, chance, recipe) for _ in range(times))
    drawn += _in_context(phrases, recipe)
    return [listened_for(text).split() for text in drawn]


def _in_context(phrases: Sequence[str], recipe: Recipe) -> list[str]:
    """Business terms with what is often said before them; together a tenth of the sample."""
    contexts = [f"{before} {phrase}".strip() for phrase in phrases for before in BEFORE_TERMS]
    times = max(1, min(10, recipe.sentences // 10 // max(1, len(contexts))))
    return contexts * times


def _surrounded(
    utterances: Utterances,
    template: Template,
    chance: random.Random,
    recipe: Recipe,
) -> str:
    text = utterances.say(template, chance)
    if utterances.before and chance.random() < recipe.surrounded:
        text = f"{utterances.say(chance.choice(utterances.before), chance)} {text}"
    if utterances.after and chance.random() < recipe.surrounded / 2:
        text = f"{text} {utterances.say(chance.choice(utterances.after), chance)}"
    return text


def listened_for(text: str) -> str:
    """Join letters that the model treats as one word."""
    padded = f" {text} "
    for spoken, single in SINGLE_TOKENS.items():
        padded = padded.replace(f" {spoken} ", f" {single} ")
    return padded.strip()


def as_written(word: str) -> str:
    """A model's word as it appears in a transcript: the inverse of `listened_for`."""
    return word.replace(".", " ").strip() if "." in word else word


def build(
    drawn: Sequence[Sequence[str]], general: GeneralModel, vocabulary: Sequence[str], recipe: Recipe
) -> LanguageModelTables:
    """Estimate and mix; words outside `vocabulary` end nothing: their sentence is left out."""
    words = (START, END, *sorted(set(vocabulary) - {START, END}))
    index = {word: number for number, word in enumerate(words)}
    known = [[index[w] for w in s] for s in drawn if all(w in index for w in s)]
    domain = WittenBell(count(known, len(words), start=0, end=1), recipe.evidence)
    mixture = _Mixture(domain, general.restricted(words), recipe, len(words))
    return mixture.tables(words)


class _Mixture:
    """One trigram model out of two."""

    def __init__(
        self, domain: WittenBell, general: GeneralModel, recipe: Recipe, size: int
    ) -> None:
        self._domain, self._general, self._recipe, self._size = domain, general, recipe, size
        share = recipe.domain_share
        self.unigrams = share * domain.unigrams + (1 - share) * general.unigrams

    def tables(self, words: tuple[str, ...]) -> LanguageModelTables:
        size = self._size
        pairs = np.union1d(self._domain.bigrams.keys, self._general_bigrams())
        bigrams = Table(pairs, self._after_one(pairs))
        triples = np.union1d(self._domain.trigrams.keys, self._general_trigrams(bigrams))
        trigrams = Table(triples, self._after_two(triples))
        after_one = _backoff(bigrams, self.unigrams[pairs % size], size)
        after_two = _backoff(trigrams, bigrams.get(triples % (size * size), 0.0), size)
        unigrams = Table(np.arange(size), self.unigrams)
        return LanguageModelTables(words, unigrams, after_one, bigrams, after_two, trigrams)

    def _general_bigrams(self) -> Ints:
        """Those that say clearly more than their last word alone."""
        keys, values = self._general.bigrams.keys, self._general.bigrams.values
        surprising = values > 2 * self._general.unigrams[keys % self._size]
        kept: Ints = keys[(values > self._recipe.rarest) & surprising & (keys % self._size != 0)]
        return kept

    def _general_trigrams(self, bigrams: Table) -> Ints:
        """Those that say clearly more than their last two words, both pairs being listed."""
        keys, values = self._general.trigrams.keys, self._general.trigrams.values
        size = self._size
        probable = (values > self._recipe.rarest_trigram) & (keys % size != 0)
        keys, values = keys[probable], values[probable]
        listed = bigrams.get(keys // size, 0.0) > 0
        lower = bigrams.get(keys % (size * size), 0.0)
        kept: Ints = keys[listed & (lower > 0) & (values > 2 * lower)]
        return kept

    def _share(self, contexts: Ints, *, words: int) -> Floats:
        recipe = self._recipe
        seen = self._domain.sightings(contexts, words=words)
        trusted = seen / (seen + recipe.trust)
        share: Floats = recipe.least_share + (recipe.domain_share - recipe.least_share) * trusted
        return share

    def _after_one(self, keys: Ints) -> Floats:
        share = self._share(keys // self._size, words=1)
        general = self._general.after_one(keys)
        mixed: Floats = share * self._domain.after_one(keys) + (1 - share) * general
        return mixed

    def _after_two(self, keys: Ints) -> Floats:
        share = self._share(keys // self._size, words=2)
        general = self._general.after_two(keys)
        mixed: Floats = share * self._domain.after_two(keys) + (1 - share) * general
        return mixed


def _backoff(table: Table, lower: Floats, size: int) -> Table:
    """What is left for unlisted continuations of each context, over what they have below."""
    contexts, inverse = np.unique(table.keys // size, return_inverse=True)
    left = 1.0 - np.bincount(inverse, table.values)
    below = 1.0 - np.bincount(inverse, lower)
    return Table(contexts, np.maximum(left, 1e-6) / np.maximum(below, 1e-6))


def arpa(tables: LanguageModelTables) -> str:
    """The model in the ARPA text format, logarithms to base 10."""
    words, size = tables.words, len(tables.words)
    sections = [
        (1, tables.unigrams, tables.unigram_backoff.get(tables.unigrams.keys, 1.0)),
        (2, tables.bigrams, tables.bigram_backoff.get(tables.bigrams.keys, 1.0)),
        (3, tables.trigrams, None),
    ]
    lines = ["\\data\\", *(f"ngram {order}={len(table.keys)}" for order, table, _ in sections)]
    for order, table, backoff in sections:
        lines += ["", f"\\{order}-grams:"]
        probabilities = np.log10(np.maximum(table.values, 1e-12)).tolist()
        if order == 1:
            probabilities[0] = -99.0
        texts = _texts(table.keys, order, words, size)
        if backoff is None:
            lines += [f"{p:.4f} {text}" for p, text in zip(probabilities, texts, strict=True)]
        else:
            weights = np.log10(backoff).tolist()
            rows = zip(probabilities, texts, weights, strict=True)
            lines += [f"{p:.4f} {text} {weight:.4f}" for p, text, weight in rows]
    return "\n".join([*lines, "", "\\end\\", ""])


def _texts(keys: Ints, order: int, words: tuple[str, ...], size: int) -> list[str]:
    columns = [(keys // size**place % size).tolist() for place in reversed(range(order))]
    return [" ".join(words[number] for number in row) for row in zip(*columns, strict=True)]
