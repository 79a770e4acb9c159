"""Figures about understanding, and models that must not get worse."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_agent.core.errors import ConfigurationError
from voice_agent.core.understanding import Intent
from voice_agent.engines.nlu.evaluation import (
    Labelled,
    as_table,
    evaluate,
    read_labelled,
)
from voice_agent.engines.nlu.few_shot.examples import Example, shipped_examples
from voice_agent.engines.nlu.language import load_language
from voice_agent.engines.nlu.promotion import shipped_backtest, teach_and_promote

OUT = Intent.OUT_OF_SCOPE
EXAMPLES = tuple(
    Example(f"{word} {number}", intent)
    for intent, words in (("thanks", ("ta", "cheers")), ("out_of_scope", ("moon", "sun")))
    for word in words
    for number in ("one", "two", "three", "four", "five", "six")
)


@dataclass
class Guessed:
    """A prediction."""

    intent: str
    confidence: float = 1.0


@dataclass
class Always:
    """A classifier of one answer."""

    intent: str

    def predict(self, text: str) -> Guessed:
        del text
        return Guessed(self.intent)


def test_accuracy_macro_f1_and_rejections_are_counted() -> None:
    found = evaluate(
        [
            (Intent.THANKS, Intent.THANKS),
            (Intent.THANKS, OUT),
            (Intent.HELP, Intent.HELP),
            (OUT, OUT),
            (OUT, Intent.HELP),
        ]
    )
    assert found.accuracy == pytest.approx(3 / 5)
    assert found.scores[Intent.THANKS] == pytest.approx(2 / 3)
    assert found.macro_f1 == pytest.approx((2 / 3 + 2 / 3 + 1 / 2) / 3)
    assert found.out_of_scope_recall == pytest.approx(1 / 2)
    assert found.false_rejection == pytest.approx(1 / 3)
    assert as_table(found) == [("out_of_scope", "help", 1), ("thanks", "out_of_scope", 1)]


def test_of_nothing_nothing_is_right() -> None:
    found = evaluate([])
    assert (found.accuracy, found.macro_f1, found.out_of_scope_recall) == (0, 0, 0)


@given(st.lists(st.tuples(st.sampled_from(Intent), st.sampled_from(Intent)), max_size=30))
def test_figures_are_shares(pairs: list[tuple[Intent, Intent]]) -> None:
    found = evaluate(pairs)
    for figure in (found.accuracy, found.macro_f1, found.false_rejection):
        assert 0 <= figure <= 1


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "no utterance"),
        ("nonsense", "line 1"),
        ('{"text": "ta", "intent": "thanks"}\n{"text": "ta"}', "line 2"),
        ('{"text": 7, "intent": "thanks"}', "line 1"),
        ('{"text": "ta", "intent": "fly"}', "'fly'"),
        ("[]", "line 1"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_with_its_line(
    tmp_path: Path, content: str, complaint: str
) -> None:
    file = tmp_path / "set.jsonl"
    file.write_text(content)
    with pytest.raises(ConfigurationError, match=complaint):
        read_labelled(file)


def labelled(intents: Sequence[tuple[str, Intent]]) -> list[Labelled]:
    return [Labelled(text, intent) for text, intent in intents]


def test_a_model_that_is_no_worse_takes_over(tmp_path: Path) -> None:
    tests = labelled([("cheers two", Intent.THANKS), ("moon four", OUT)])
    verdict = teach_and_promote(Always("thanks"), EXAMPLES, tests, None, tmp_path / "few_shot")
    assert verdict.promoted
    assert (verdict.before.accuracy, verdict.after.accuracy) == (0.5, 1.0)
    assert sorted(path.name for path in (tmp_path / "few_shot").iterdir()) == [
        "few_shot_words.json",
        "few_shot_words.npz",
    ]


def test_a_model_that_is_worse_is_not_used(tmp_path: Path) -> None:
    tests = labelled([("cheers two", Intent.HELP), ("ta", Intent.HELP)])
    verdict = teach_and_promote(Always("help"), EXAMPLES, tests, None, tmp_path / "few_shot")
    assert not verdict.promoted
    assert list(tmp_path.iterdir()) == []


def test_the_back_test_is_large_and_none_of_it_is_an_example() -> None:
    english = load_language()
    tests = shipped_backtest(english)
    assert len(tests) >= 600
    assert {test.intent for test in tests} == set(Intent)
    taught = {example.text.casefold() for example in shipped_examples(english)}
    assert not [test.text for test in tests if test.text.casefold() in taught]


def test_the_back_test_is_the_set_the_product_is_judged_by() -> None:
    shipped = load_language().folder / "backtest.jsonl"
    judged = Path(__file__).parents[1] / "data" / "intents_test.jsonl"
    assert shipped.read_bytes() == judged.read_bytes()
