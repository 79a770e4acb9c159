"""Which kind of answer an agent's words ask for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_agent.core.speech import Expectation
from voice_agent.engines.nlu.questions import expectation_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("What is your order number?", Expectation.DIGITS),
        ("Could you tell me your order number, please?", Expectation.DIGITS),
        ("Sure, I can help. What's the order number?", Expectation.DIGITS),
        ("Please tell me your order number.", Expectation.DIGITS),
        ("May I have your phone number?", Expectation.DIGITS),
        ("And the confirmation number?", Expectation.DIGITS),
        ("From 1 to 5, how would you rate us?", Expectation.DIGITS),
        ("Order 1042, is that right?", Expectation.YES_NO),
        ("I've got that as 1042, correct?", Expectation.YES_NO),
        ("Did you say ten forty two?", Expectation.YES_NO),
        ("Shall I book Tuesday, November 25 at 10:30 AM?", Expectation.YES_NO),
        ("Would you like to talk to a person?", Expectation.YES_NO),
        ("Shall I connect you with a colleague?", Expectation.YES_NO),
        ("Do you still want that?", Expectation.YES_NO),
        ("What day works best for you?", Expectation.DATE_TIME),
        ("What time would you like?", Expectation.DATE_TIME),
        ("When would you like to come in?", Expectation.DATE_TIME),
        ("Great! What date and time would you prefer?", Expectation.DATE_TIME),
        ("May I have your name?", Expectation.NAME),
        ("And who am I speaking with?", Expectation.NAME),
        (
            "Order 1042 has shipped. Is there anything else I can help you with?",
            Expectation.ANYTHING,
        ),
        ("Hello, this is Acme. How can I help you?", Expectation.ANYTHING),
        ("Your order number is 1042.", Expectation.ANYTHING),
        ("Order 1042 will arrive Tuesday, November 25.", Expectation.ANYTHING),
        ("", Expectation.ANYTHING),
    ],
)
def test_a_question_tells_what_to_listen_for(text: str, expected: Expectation) -> None:
    assert expectation_of(text) is expected


def test_a_question_that_was_cut_before_it_asked_expects_anything() -> None:
    assert expectation_of("Order 1042, is") is Expectation.ANYTHING


@given(st.text(max_size=500))
def test_any_text_has_an_expectation(text: str) -> None:
    assert isinstance(expectation_of(text), Expectation)
