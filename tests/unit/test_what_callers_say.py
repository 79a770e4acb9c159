"""Entities and moods on the sets written before anything was tuned to them."""

import json
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_agent.core.speech import Emotion
from voice_agent.core.understanding import Entity
from voice_agent.engines.nlu.emotions import emotion_of
from voice_agent.engines.nlu.language import load_language
from voice_agent.engines.nlu.spoken_entities import spoken_entities

DATA = Path(__file__).parents[1] / "data"
ENGLISH = load_language("en")
MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / name).read_text("utf-8").splitlines()]


def found_in(row: Mapping[str, Any]) -> tuple[Entity, ...]:
    now = datetime.fromisoformat(row["now"])
    return spoken_entities(row["text"], now, row.get("previous_agent_text", ""), ENGLISH)


def exact(row: Mapping[str, Any]) -> bool:
    found = found_in(row)
    readings = {(entity.name, entity.value): list(entity.alternatives) for entity in found}
    wanted = [(entity["name"], entity["value"]) for entity in row["entities"]]
    others = all(
        readings.get((entity["name"], entity["value"])) == entity["alternatives"]
        for entity in row["entities"]
        if "alternatives" in entity
    )
    return others and sorted(wanted) == sorted((e.name, e.value) for e in found)


def test_nineteen_of_twenty_spoken_forms_are_read_exactly() -> None:
    forms = rows("entities_test.jsonl")
    assert len(forms) >= 220
    right = sum(exact(row) for row in forms)
    assert right / len(forms) >= 0.95


def test_moods_are_told_by_words_well_enough() -> None:
    sentences = rows("emotions_test.jsonl")
    assert len(sentences) >= 180
    pairs = Counter((Emotion(row["emotion"]), emotion_of(row["text"])) for row in sentences)
    scores = []
    for mood in Emotion:
        right = pairs[mood, mood]
        wrong = sum(count for pair, count in pairs.items() if mood in pair) - right
        scores.append(2 * right / (2 * right + wrong))
    assert sum(scores) / len(scores) >= 0.6


@pytest.mark.parametrize(
    ("text", "question", "entities"),
    [
        ("five five five two one two three four five six", "", [("phone", "5552123456")]),
        ("ten forty two", "What's your order number?", [("order_id", "1042")]),
        ("apt one oh four two", "What's your confirmation number?",
         [("confirmation_number", "APT1042")]),
        ("just a haircut please", "What is the appointment for?", [("purpose", "haircut")]),
    ],
)  # fmt: skip
def test_the_same_words_are_one_thing_only(
    text: str, question: str, entities: list[tuple[str, str]]
) -> None:
    assert [(e.name, e.value) for e in spoken_entities(text, MONDAY, question, ENGLISH)] == entities


@pytest.mark.parametrize(
    "text",
    ["this is ridiculous", "i am frustrated", "this is my order", "it is me", "i am a customer"],
)
def test_nobody_is_called_by_an_adjective(text: str) -> None:
    assert not [e for e in spoken_entities(text, MONDAY, "", ENGLISH) if e.name == "name"]


def test_an_entity_s_place_is_where_its_words_are() -> None:
    found = spoken_entities("order ten forty two tomorrow", MONDAY, "", ENGLISH)
    assert [(entity.text, entity.span) for entity in found] == [
        ("ten forty two", (1, 4)),
        ("tomorrow", (4, 5)),
    ]


@given(st.text(max_size=300), st.text(max_size=100), st.datetimes(timezones=st.just(UTC)))
def test_any_text_in_answer_to_anything_is_read_without_an_error(
    text: str, previous: str, now: datetime
) -> None:
    for entity in spoken_entities(text, now, previous, ENGLISH):
        assert entity.name
        assert entity.value
