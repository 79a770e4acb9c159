"""Values in what callers say."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_agent.core.speech import Expectation
from voice_agent.engines.nlu.entities import find_entities
from voice_agent.engines.nlu.language import load_language
from voice_agent.engines.nlu.understanding import Context

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
ENGLISH = load_language("en")


def values(text: str, name: str, expectation: Expectation = Expectation.ANYTHING) -> list[str]:
    found = find_entities(text, Context(NOW, expectation), ENGLISH)
    return [entity.value for entity in found if entity.name == name]


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("where is order ten forty two", "order_id", "1042"),
        ("order number one oh four two please", "order_id", "1042"),
        ("my order is 10:42", "order_id", "1042"),
        ("order seven", "order_id", "7"),
        ("cancel a p t seven one two three", "order_id", "7123"),
        ("confirmation number a p t dash one two three four", "confirmation_number", "APT1234"),
        ("my confirmation code is b as in boy five five one", "confirmation_number", "B551"),
        ("it's APT-1042", "confirmation_number", "APT-1042"),
        ("cancel appointment six three eight two eight one", "confirmation_number", "638281"),
        ("john dot smith at gmail dot com", "email", "john.smith@gmail.com"),
        ("my email is mary jones at yahoo dot com", "email", "maryjones@yahoo.com"),
        ("it's bob underscore one two at example dot co dot uk", "email", "bob_12@example.co.uk"),
        ("j o h n at gmail dot com", "email", "john@gmail.com"),
        ("write to Jane.Doe@example.com.", "email", "jane.doe@example.com"),
        ("five five five two one two three four five six", "phone", "5552123456"),
        ("my number is 555-212-3456", "phone", "5552123456"),
        ("+1 (555) 212 3456", "phone", "+15552123456"),
        ("plus one five five five two one two three four five six", "phone", "+15552123456"),
        ("my name is john smith", "name", "John Smith"),
        ("hi my name is mary and i need help", "name", "Mary"),
        ("put me through to billing", "department", "billing"),
        ("i want tech support", "department", "technical"),
        ("five stars", "rating", "5"),
        ("i'd give you a four out of five", "rating", "4"),
        ("i need an appointment for a checkup on friday", "purpose", "checkup"),
        ("tomorrow at half past three", "date", "2026-11-24"),
        ("tomorrow at half past three", "time", "15:30"),
    ],
)
def test_a_value_is_found_in_a_sentence(text: str, name: str, value: str) -> None:
    assert values(text, name) == [value]


@pytest.mark.parametrize(
    ("text", "expected", "name", "value"),
    [
        ("john smith", Expectation.NAME, "name", "John Smith"),
        ("it's john smith", Expectation.NAME, "name", "John Smith"),
        ("yes this is o'brien", Expectation.NAME, "name", "O'brien"),
        ("s m i t h", Expectation.NAME, "name", "Smith"),
        ("for won too ate", Expectation.DIGITS, "order_id", "4128"),
        ("seven one two", Expectation.DIGITS, "confirmation_number", "712"),
        ("a b c 1 2 3", Expectation.DIGITS, "confirmation_number", "ABC123"),
        ("five", Expectation.DIGITS, "rating", "5"),
        ("three", Expectation.DATE_TIME, "time", "15:00"),
    ],
)
def test_an_answer_to_a_question_needs_no_introduction(
    text: str, expected: Expectation, name: str, value: str
) -> None:
    assert values(text, name, expected) == [value]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("i am looking for my order", "name"),
        ("this is about my order", "name"),
        ("book me tomorrow at ten thirty a m", "order_id"),
        ("i have two orders", "order_id"),
        ("forty two", "order_id"),
        ("on the second of december", "order_id"),
        ("the twenty fifth", "rating"),
        ("ten out of ten", "rating"),
        ("meet me at home dot", "email"),
        ("call me on 1042", "phone"),
    ],
)
def test_what_is_no_value_gives_none(text: str, name: str) -> None:
    assert values(text, name) == []


def test_who_corrects_himself_says_the_right_number_last() -> None:
    found = values("it's order ten forty two no sorry ten forty three", "order_id")
    assert found == ["1042", "1043"]


@given(st.text(max_size=400), st.sampled_from(Expectation))
def test_any_text_is_searched_without_an_error(text: str, expected: Expectation) -> None:
    for entity in find_entities(text, Context(NOW, expected), ENGLISH):
        assert entity.name
        assert entity.value
