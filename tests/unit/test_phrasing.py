"""Where a voice breathes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_agent.engines.tts.espeak_worker import _letter_a
from voice_agent.engines.tts.phrasing import (
    COMMA_PAUSE,
    LONGEST,
    SENTENCE_PAUSE,
    phrases,
    printable,
)


def cut(text: str) -> list[tuple[str, float]]:
    return [(phrase.text, phrase.pause) for phrase in phrases(text)]


def test_a_comma_is_a_short_pause_and_a_sentence_a_longer_one() -> None:
    assert cut("Your order, ten forty two, has been shipped. Anything else?") == [
        ("Your order,", COMMA_PAUSE),
        ("ten forty two,", COMMA_PAUSE),
        ("has been shipped.", SENTENCE_PAUSE),
        ("Anything else?", SENTENCE_PAUSE),
    ]


@pytest.mark.parametrize(
    "text", ["Dr. Smith calls", "at nine a.m. on Monday", "about 3.5 percent", "see no. 5 first"]
)
def test_a_point_inside_a_sentence_is_no_pause(text: str) -> None:
    assert cut(text) == [(text, 0.0)]


def test_quotes_and_brackets_do_not_hide_the_end_of_a_sentence() -> None:
    assert [pause for _, pause in cut('She said "no." (Really?) Yes')] == [
        SENTENCE_PAUSE,
        SENTENCE_PAUSE,
        0.0,
    ]


def test_an_engine_may_keep_its_commas_but_not_without_end() -> None:
    assert len(phrases("one, two, three.", keep_commas=True)) == 1
    assert len(phrases("some words here, " * 30, keep_commas=True)) > 3


def test_a_phrase_of_marks_alone_has_nothing_to_say() -> None:
    assert [phrase.speakable for phrase in phrases("Well ... ? yes")] == [True, False, True]


@given(st.text(), st.booleans())
def test_no_word_is_lost_or_added(text: str, keep: bool) -> None:
    words = [token for phrase in phrases(text, keep_commas=keep) for token in phrase.tokens]
    assert words == printable(text).split()


@given(st.lists(st.text("abc", min_size=1, max_size=12), min_size=1, max_size=200))
def test_a_phrase_without_marks_is_bounded(words: list[str]) -> None:
    assert all(len(phrase.text) <= LONGEST + 12 for phrase in phrases(" ".join(words)))


def test_a_capital_a_by_itself_is_said_as_the_letter() -> None:
    spoken = [_letter_a(token) for token in ("8", "A", "M,", "A.", "a", "Anna")]
    assert spoken == ["8", "ay", "M,", "ay.", "a", "Anna"]
