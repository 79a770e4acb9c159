"""The few-shot tier: what it makes of examples, files and any text."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from support.requirements import require
from voice_agent.cli import app
from voice_agent.core.errors import ConfigurationError, ProviderUnavailable
from voice_agent.engines.embedding.minilm import INSTALL, weights_folder
from voice_agent.engines.nlu.few_shot import shipped
from voice_agent.engines.nlu.few_shot.examples import (
    OUT_OF_SCOPE,
    Example,
    read_examples,
    shipped_examples,
)
from voice_agent.engines.nlu.few_shot.lexicon import Lexicon, normalised
from voice_agent.engines.nlu.few_shot.logistic import CONSTANT, fit, softmax
from voice_agent.engines.nlu.few_shot.model import FewShotModel, RejectRule, load, save
from voice_agent.engines.nlu.few_shot.shipped import embedder_if_any, load_few_shot
from voice_agent.engines.nlu.few_shot.training import train
from voice_agent.engines.nlu.language import load_language

INTENTS = {
    "greeting", "goodbye", "thanks", "affirm", "deny", "repeat", "help", "check_order_status",
    "schedule_appointment", "cancel_appointment", "reschedule_appointment", "transfer_to_human",
    "look_up_account", "business_hours", "billing_payment", "give_feedback", "out_of_scope",
}  # fmt: skip
FEW = [
    Example(text, intent)
    for intent, texts in {
        "greeting": ["hello", "hi there", "good morning", "hey"],
        "goodbye": ["bye", "see you later", "goodbye then", "good bye now"],
        OUT_OF_SCOPE: ["will it rain", "tell me a joke", "sing a song", "play the radio"],
    }.items()
    for text in texts
]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("embedding")


@pytest.fixture(scope="module")
def model(cache: Path) -> FewShotModel:
    require(weights_folder(), "the sentence embedding", INSTALL)
    return load_few_shot(cache)


def test_every_intent_has_many_different_examples() -> None:
    examples = shipped_examples(load_language())
    assert {example.intent for example in examples} == INTENTS
    by_intent = [[e.text for e in examples if e.intent == intent] for intent in INTENTS]
    assert min(len(set(map(normalised, texts))) for texts in by_intent) >= 40


def test_no_example_means_two_things() -> None:
    meanings: dict[str, set[str]] = {}
    for example in shipped_examples(load_language()):
        meanings.setdefault(normalised(example.text), set()).add(example.intent)
    assert not {text: said for text, said in meanings.items() if len(said) > 1}


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("hello", "greeting"),
        ("um where is my order", "check_order_status"),
        ("WHERE IS MY ORDER???", "check_order_status"),
        ("can i see the doctor on monday", "schedule_appointment"),
        ("i'd like to move my appointment to friday", "reschedule_appointment"),
        ("please cancel my appointment", "cancel_appointment"),
        ("are you open on sunday", "business_hours"),
        ("will it rain tomorrow", OUT_OF_SCOPE),
    ],
)
def test_plain_utterances_are_understood(model: FewShotModel, text: str, intent: str) -> None:
    prediction = model.predict(text)
    assert prediction.intent == intent
    assert prediction.confidence >= 0.5


@pytest.mark.parametrize("text", ["", " ", "...", "🙂", "\x00"])
def test_nothing_said_is_out_of_scope(model: FewShotModel, text: str) -> None:
    assert model.predict(text).intent == OUT_OF_SCOPE


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(text=st.text(max_size=300))
def test_any_text_gets_a_ranking_of_all_intents(model: FewShotModel, text: str) -> None:
    prediction = model.predict(text)
    assert prediction.intent in INTENTS
    assert 0 <= prediction.confidence <= 1
    chances = [chance for _, chance in prediction.ranking]
    assert chances == sorted(chances, reverse=True)
    assert sum(chances) == pytest.approx(1, abs=1e-3)


def test_the_shipped_model_is_what_teaching_gives(model: FewShotModel, cache: Path) -> None:
    taught = train(shipped_examples(load_language()), embedder_if_any(cache)).knowledge
    kept = model.knowledge
    assert taught.intents == kept.intents
    assert taught.lexicon.grams == kept.lexicon.grams
    assert taught.rule == kept.rule
    for one, other in ((taught.words, kept.words), (taught.vectors, kept.vectors)):
        assert np.allclose(one, other, atol=0.02 * float(np.abs(other).max()))


def test_without_weights_the_words_alone_decide(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(_: Path) -> None:
        raise ProviderUnavailable("no weights", provider="minilm")

    monkeypatch.setattr(shipped, "load_embedder", missing)
    words = load_few_shot(cache)
    assert words.knowledge.embedder == ""
    assert words.predict("where is my order").intent == "check_order_status"
    assert words.predict("cancel my appointment").intent == "cancel_appointment"


def test_a_saved_model_predicts_the_same(tmp_path: Path) -> None:
    taught = train(FEW, None)
    save(taught.knowledge, tmp_path, "small")
    again = FewShotModel(load(tmp_path, "small"), None)
    for text in ("hello you", "see you", "is it going to rain", "zzz"):
        assert again.predict(text) == taught.predict(text)


@pytest.mark.parametrize("spoiled", ["small.npz", "small.json"])
@pytest.mark.parametrize("content", [b"", b"garbage", b"{}"])
def test_a_damaged_model_says_how_to_mend_it(tmp_path: Path, spoiled: str, content: bytes) -> None:
    save(train(FEW, None).knowledge, tmp_path, "small")
    (tmp_path / spoiled).write_bytes(content)
    with pytest.raises(ConfigurationError, match="voice-agent nlu train"):
        load(tmp_path, "small")


def test_a_model_is_never_used_with_another_embedding(model: FewShotModel) -> None:
    with pytest.raises(ConfigurationError, match="teach it again"):
        FewShotModel(model.knowledge, None)


def test_examples_must_include_what_is_out_of_scope() -> None:
    with pytest.raises(ConfigurationError, match=OUT_OF_SCOPE):
        train([example for example in FEW if example.intent != OUT_OF_SCOPE], None)


def test_an_intent_with_too_few_examples_is_named() -> None:
    with pytest.raises(ConfigurationError, match="thanks"):
        train([*FEW, Example("thanks", "thanks")], None)


def test_every_limit_of_the_rule_rejects() -> None:
    rule = RejectRule(probability=0.3, margin=0.1, nearness=0.4)
    assert not rule.rejects(0.5, 0.2, 0.6)
    assert rule.rejects(0.29, 0.1, 0.6)
    assert rule.rejects(0.5, 0.45, 0.6)
    assert rule.rejects(0.5, 0.2, 0.39)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Um, WHERE'S my order?!", "where's my order"),
        ("uh huh", "huh"),
        ("Hmm.", "hmm"),
        ("it’s   five-ish", "it's five ish"),
    ],
)
def test_typed_and_spoken_text_become_the_same(text: str, plain: str) -> None:
    assert normalised(text) == plain


@given(st.lists(st.text(alphabet="abc '", max_size=12), min_size=2, max_size=8))
def test_word_features_have_length_one_or_none(texts: list[str]) -> None:
    plain = [normalised(text) for text in texts]
    lengths = np.linalg.norm(Lexicon.of(plain).matrix(plain), axis=1)
    assert all(length == pytest.approx(1, abs=1e-4) or length < 1e-4 for length in lengths)


def test_regression_finds_the_slope_where_it_is_flat() -> None:
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(60, 5)).astype(np.float32)
    labels = (rows[:, 0] + 0.3 * rng.normal(size=60) > 0).astype(np.int64)
    alike = (rows @ rows.T + CONSTANT).astype(np.float32)
    shares = fit(alike, labels, 2, 1.0)
    counts = np.bincount(labels)
    weights = np.sqrt(1 / counts)[labels]
    weights = weights / weights.mean()
    slope = (softmax(alike @ shares) - np.eye(2)[labels]) * weights[:, None] + shares
    assert np.abs(slope).max() < 0.02


def test_examples_are_read_from_toml_and_json_lines(tmp_path: Path) -> None:
    table, lines = tmp_path / "more.toml", tmp_path / "more.jsonl"
    table.write_text('[examples]\ngreeting = """\nahoy\n\nshalom\n"""\ngoodbye = ["tschüss"]\n')
    lines.write_text(json.dumps({"text": "ahoy", "intent": "greeting"}) + "\n\n")
    assert [example.text for example in read_examples(table)] == ["ahoy", "shalom", "tschüss"]
    assert read_examples(lines) == (Example("ahoy", "greeting"),)


@pytest.mark.parametrize("content", ["[1]", '{"text": 1, "intent": "a"}', '{"text": "a"}', "x"])
def test_what_is_no_example_is_refused_by_name(tmp_path: Path, content: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(content)
    with pytest.raises(ConfigurationError, match=r"bad\.jsonl"):
        read_examples(path)


def test_the_command_teaches_from_own_examples(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOICE_AGENT_DATA_DIR", str(tmp_path))
    own = tmp_path / "own.jsonl"
    own.write_text("\n".join(json.dumps({"text": e.text, "intent": e.intent}) for e in FEW))
    result = CliRunner().invoke(app, ["nlu", "train", "--bare", "--examples", str(own)])
    assert result.exit_code == 0, result.output
    assert "12 examples" in result.output
    assert load_few_shot(cache, folder=tmp_path / "few_shot").predict("hello").intent == "greeting"
