"""What is kept of an utterance says nothing about who said it."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_agent.core.understanding import Intent, Understanding
from voice_agent.engines.nlu.impersonal import impersonal
from voice_agent.engines.nlu.language import load_language
from voice_agent.engines.nlu.spoken_entities import spoken_entities

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def kept(text: str) -> str:
    entities = spoken_entities(text, NOW, "", load_language())
    return impersonal(text, Understanding(Intent.HELP, 0.5, "llm", entities))


@pytest.mark.parametrize(
    ("said", "stays"),
    [
        ("My name is Olivia Stone, help", "my name is john smith help"),
        ("write to olivia.stone@home.org please", "write to john at example dot com please"),
        ("where's order ninety nine twelve", "where is order one oh four two"),
        ("sort my thing out", "sort my thing out"),
        ("card 4111111111111111", "card number"),
        (
            "it's four one one one two two two two four four four four one one one one",
            "it is number",
        ),
    ],
)
def test_personal_values_are_exchanged(said: str, stays: str) -> None:
    assert kept(said) == stays


def test_a_telephone_number_is_not_kept() -> None:
    assert "9175550111" not in kept("call 917 555 0111").replace(" ", "")


@given(st.text(max_size=200))
def test_any_text_can_be_kept(text: str) -> None:
    assert not any(len(word) > 4 and word.isdecimal() for word in kept(text).split())
