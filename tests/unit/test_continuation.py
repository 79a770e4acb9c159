"""One answer out of several models' pieces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_agent.core.chat import ChatRequest, Message, Role
from voice_agent.engines.resilience.continuation import Answer, continuing

WHOLE = "Good news: order 1042 has shipped with DHL. It should arrive on Tuesday. Anything else?"


def cut(text: str, at: int) -> list[str]:
    return [text[i : i + at] for i in range(0, len(text), at)]


def passed_on(answer: Answer, pieces: list[str], *, finish: bool = True) -> str:
    said = "".join(answer.push(piece) for piece in pieces)
    return said + (answer.finish() if finish else "")


@given(st.text(max_size=200), st.integers(1, 20))
def test_one_model_s_words_come_out_as_they_went_in(text: str, size: int) -> None:
    answer = Answer()
    assert passed_on(answer, cut(text, size)).split() == text.split()
    assert answer.said.split() == text.split()


def test_a_phrase_is_passed_on_when_it_is_whole() -> None:
    answer = Answer()
    assert answer.push("Sure, your or") == "Sure, "
    assert answer.push("der is on") == ""
    assert answer.push(" its way. ") == "your order is on its way. "
    assert answer.push("Bye") == ""
    assert answer.finish() == "Bye"


def test_a_phrase_without_an_end_does_not_wait_for_ever() -> None:
    answer = Answer()
    assert len(answer.push("word " * 60)) > 100


@given(st.integers(0, len(WHOLE)), st.integers(1, 30))
def test_a_model_that_begins_again_is_heard_once(died: int, size: int) -> None:
    answer = Answer()
    passed_on(answer, cut(WHOLE[:died], 3), finish=False)
    answer.hand_over()
    passed_on(answer, cut(WHOLE, size))
    assert answer.said.split() == WHOLE.split()


@given(st.integers(0, len(WHOLE)), st.integers(1, 30))
def test_a_model_that_goes_on_is_joined_seamlessly(died: int, size: int) -> None:
    answer = Answer()
    passed_on(answer, cut(WHOLE[:died], 3), finish=False)
    rest = WHOLE.split()[len(answer.said.split()) :]
    answer.hand_over()
    passed_on(answer, cut(" ".join(rest), size))
    assert answer.said.split() == WHOLE.split()


@pytest.mark.parametrize(
    ("said", "successor", "whole"),
    [
        ("Your order, ten, has ", "It left today.", "Your order, ten, It left today."),
        ("Your order, ten, ", "order, ten, has shipped.", "Your order, ten, has shipped."),
        ("Hello there. We are ", "Hello there. We're open.", "Hello there. We're open."),
        ("Hello. It left. ", "Good day. It left. Bye.", "Hello. It left. Good day. Bye."),
        ("It left today. ", "It left late. Bye.", "It left today. It left late. Bye."),
        ("It is on its way. ", "It is on its way. Bye.", "It is on its way. Bye."),
        ("It is on its way. ", "It is on its way.", "It is on its way."),
        ("Sure. ", "Sure thing, it left.", "Sure. Sure thing, it left."),
        ("Order ten, ", "That one left.", "Order ten, That one left."),
        ("GOOD news, ", "good news: it left.", "GOOD news, it left."),
    ],
)
def test_what_repeats_is_dropped_and_nothing_else(said: str, successor: str, whole: str) -> None:
    for size in (1, 4, 100):
        answer = Answer()
        answer.push(said)
        answer.hand_over()
        passed_on(answer, cut(successor, size))
        assert answer.said.strip() == whole


@given(st.text("ab. ", max_size=40), st.text("ab. ", max_size=40), st.integers(1, 7))
def test_no_word_of_a_successor_that_says_something_new_is_lost(
    said: str, more: str, size: int
) -> None:
    answer = Answer()
    passed_on(answer, [said + " "], finish=False)
    before = answer.said.split()
    answer.hand_over()
    passed_on(answer, cut(more + " new end", size))
    assert answer.said.split()[-2:] == ["new", "end"]
    assert answer.said.split()[: len(before)] == before


def test_the_successor_is_told_what_was_heard_and_nothing_is_told_when_nothing_was() -> None:
    request = ChatRequest((Message(Role.USER, "where is it"),), system="Be brief.")
    assert continuing(request, " ") == request
    told = continuing(request, "Your order has ").system
    assert told.startswith("Be brief.")
    assert "Your order has" in told
    assert continuing(request, "Your order has ").said == "Your order has"
