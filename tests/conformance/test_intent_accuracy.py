"""How often the few-shot tier is right on utterances it was never taught."""

import json
from pathlib import Path

import pytest

from support.requirements import require
from voice_agent.engines.embedding.minilm import INSTALL, weights_folder
from voice_agent.engines.nlu.few_shot.examples import OUT_OF_SCOPE, shipped_examples
from voice_agent.engines.nlu.few_shot.lexicon import normalised
from voice_agent.engines.nlu.few_shot.shipped import load_few_shot
from voice_agent.engines.nlu.language import load_language

FILE = Path(__file__).parents[1] / "data" / "intents_test.jsonl"
ROWS = [json.loads(line) for line in FILE.read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str]]:
    """(meant, understood) per utterance."""
    require(weights_folder(), "the sentence embedding", INSTALL)
    model = load_few_shot(tmp_path_factory.mktemp("embedding"))
    return [(row["intent"], model.predict(row["text"]).intent) for row in ROWS]


def share(hits: list[bool]) -> float:
    return sum(hits) / len(hits)


def test_the_set_is_large_and_holds_no_example() -> None:
    assert len(ROWS) >= 650
    assert sum(row["intent"] == OUT_OF_SCOPE for row in ROWS) >= 160
    taught = {normalised(example.text) for example in shipped_examples(load_language())}
    assert not [row["text"] for row in ROWS if " ".join(row["text"].lower().split()) in taught]


def test_intents_are_right_in_92_percent(outcomes: list[tuple[str, str]]) -> None:
    assert share([meant == understood for meant, understood in outcomes]) >= 0.92


def test_85_percent_of_what_is_out_of_scope_is_noticed(outcomes: list[tuple[str, str]]) -> None:
    strange = [understood for meant, understood in outcomes if meant == OUT_OF_SCOPE]
    assert share([understood == OUT_OF_SCOPE for understood in strange]) >= 0.85


def test_at_most_3_percent_in_scope_are_turned_away(outcomes: list[tuple[str, str]]) -> None:
    inside = [understood for meant, understood in outcomes if meant != OUT_OF_SCOPE]
    assert share([understood == OUT_OF_SCOPE for understood in inside]) <= 0.03
