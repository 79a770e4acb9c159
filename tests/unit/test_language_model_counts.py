"""The estimate from counts, and the mixture made of it, are probabilities."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voice_agent.engines.stt.domain_language_model import LanguageModelTables, Recipe, arpa, build
from voice_agent.engines.stt.general_language_model import GeneralModel
from voice_agent.engines.stt.ngram_counts import END, START, Table, WittenBell, count, sorted_table

SIZE = 7
WORDS = (START, END, "a", "b", "c", "d", "e")
texts = st.lists(st.lists(st.integers(2, SIZE - 1), max_size=6), min_size=1, max_size=12)


def everything_after(context: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return context * SIZE + np.arange(SIZE, dtype=np.int64)


@given(texts, st.sampled_from([0.1, 1.0]))
def test_probabilities_after_any_words_sum_to_one(text: list[list[int]], evidence: float) -> None:
    model = WittenBell(count(text, SIZE, start=0, end=1), evidence)
    assert model.unigrams.sum() == pytest.approx(1)
    for first in range(SIZE):
        assert model.after_one(everything_after(first)).sum() == pytest.approx(1)
        pair = first * SIZE + 3
        assert model.after_two(everything_after(pair)).sum() == pytest.approx(1)


def test_what_was_seen_is_likelier_than_what_was_not() -> None:
    model = WittenBell(count([[2, 3, 4]] * 5, SIZE, start=0, end=1))
    seen, unseen = model.after_two(np.array([(2 * SIZE + 3) * SIZE + 4, (2 * SIZE + 3) * SIZE + 5]))
    assert seen > 0.8
    assert 0 < unseen < 0.05


def general() -> GeneralModel:
    pairs = sorted_table(np.array([2 * SIZE + 3, 3 * SIZE + 1]), np.array([0.5, 0.4]))
    none = Table(np.zeros(0, np.int64), np.zeros(0))
    even = np.full(SIZE, 1 / SIZE)
    return GeneralModel(WORDS, even, np.full(SIZE, 0.7), pairs, none, none)


def mixed(text: list[list[str]]) -> LanguageModelTables:
    return build(text, general(), WORDS, Recipe(rarest=0.1))


def probability(tables: LanguageModelTables, first: int, second: int, third: int) -> float:
    """Backing off as every reader of the format does."""

    def of(table: Table, key: int, default: float) -> float:
        return float(table.get(np.array([key]), default)[0])

    pair = first * SIZE + second
    found = of(tables.trigrams, pair * SIZE + third, -1.0)
    if found >= 0:
        return found
    shorter = of(tables.bigrams, second * SIZE + third, -1.0)
    if shorter < 0:
        shorter = of(tables.unigram_backoff, second, 1.0) * float(tables.unigrams.values[third])
    return of(tables.bigram_backoff, pair, 1.0) * shorter


@settings(max_examples=40)
@given(st.lists(st.lists(st.sampled_from("abc"), max_size=4), min_size=1, max_size=6))
def test_the_mixture_backs_off_to_probabilities_that_sum_to_one(text: list[list[str]]) -> None:
    tables = mixed(text)
    for first in range(SIZE):
        for second in range(2, SIZE):
            total = sum(probability(tables, first, second, third) for third in range(SIZE))
            assert total == pytest.approx(1, abs=1e-3)


def test_the_text_format_counts_what_it_lists() -> None:
    text = arpa(mixed([["a", "b"], ["c"]]))
    announced = [int(number) for number in re.findall(r"^ngram \d=(\d+)$", text, re.MULTILINE)]
    listed = [len(part.strip().splitlines()) for part in re.split(r"\\\d-grams:", text)[1:]]
    assert listed[:2] == announced[:2]
    assert listed[2] == announced[2] + 2
    assert text.rstrip().endswith("\\end\\")


def test_a_sentence_with_an_unknown_word_is_left_out() -> None:
    with_unknown = mixed([["a", "b"], ["unheard", "a"]])
    assert np.array_equal(with_unknown.trigrams.keys, mixed([["a", "b"]]).trigrams.keys)
