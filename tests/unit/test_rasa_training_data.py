"""What a Rasa server is trained with is well-formed and says what the shipped examples say."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_agent.core.understanding import Intent
from voice_agent.engines.nlu.few_shot.examples import shipped_examples
from voice_agent.engines.nlu.language import load_language
from voice_agent.engines.nlu.rasa_export import ENTITIES, FOLDER, annotated, training_data

ENGLISH = load_language("en")
# The grammar of annotated examples: [text](entity), [text]{json}, [text][{json},…].
ANNOTATION = re.compile(
    r"\[(?P<text>[^\]]+?)\](?:\((?P<entity>[^:)]+?)(?::(?P<value>[^)]+))?\)|(?P<json>\{[^}]+?\}))"
)
BLOCK = re.compile(r"^- (intent|regex): (\S+)\n  examples: \|\n((?:    - .+\n)+)", re.MULTILINE)


def test_the_shipped_files_are_current() -> None:
    wanted = training_data(shipped_examples(ENGLISH), ENGLISH)
    shipped = {path.name: path.read_text("utf-8") for path in FOLDER.glob("*.yml")}
    assert shipped == wanted, "run: voice-agent nlu export-rasa"


def test_every_line_of_the_examples_belongs_to_a_block() -> None:
    text = (FOLDER / "nlu.yml").read_text("utf-8")
    head, rest = text.split("nlu:\n", 1)
    assert head.splitlines()[-1] == 'version: "3.1"'
    assert "".join(match[0] for match in BLOCK.finditer(rest)) == rest


def test_every_intent_has_examples_and_is_in_the_domain() -> None:
    text = (FOLDER / "nlu.yml").read_text("utf-8")
    intents = {match[2]: match[3].count("\n") for match in BLOCK.finditer(text)
               if match[1] == "intent"}  # fmt: skip
    assert set(intents) == set(Intent)
    assert min(intents.values()) >= 10
    domain = (FOLDER / "domain.yml").read_text("utf-8")
    assert all(f"\n- {intent}\n" in domain for intent in Intent)


def test_every_annotation_is_of_the_grammar_and_of_a_known_entity() -> None:
    text = (FOLDER / "nlu.yml").read_text("utf-8")
    annotations = 0
    for block in BLOCK.finditer(text):
        if block[1] == "regex":
            continue
        for line in block[3].splitlines():
            example = line.removeprefix("    - ")
            for found in ANNOTATION.finditer(example):
                annotations += 1
                name = found["entity"] or json.loads(found["json"])["entity"]
                assert name in ENTITIES
                assert found["text"].strip() == found["text"]
            left = ANNOTATION.sub("", example)
            assert not re.search(r"[\[\](){}]", left), example
            assert not example.startswith("/")
    assert annotations > 50


@pytest.mark.parametrize(
    ("text", "example"),
    [
        (
            "where is order ten forty two",
            'where is order [ten forty two]{"entity": "order_id", "value": "1042"}',
        ),
        ("tomorrow at nine please", "[tomorrow](date) [at nine](time) please"),
        ("put me through to billing", "put me through to [billing](department)"),
        ("thanks [that] is all", ""),
    ],
)
def test_an_example_is_marked_with_what_it_holds(text: str, example: str) -> None:
    assert annotated(text, ENGLISH) == example


@given(st.text(max_size=80))
def test_any_text_becomes_a_line_of_the_grammar(text: str) -> None:
    left = ANNOTATION.sub("", annotated(text, ENGLISH))
    assert "\n" not in left
    assert not re.search(r"[\[\](){}]", left)
