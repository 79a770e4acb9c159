"""Numbers as callers say them."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.utterance_templates import as_quantity, digit_by_digit, in_pairs
from voice_agent.engines.nlu.language import load_language
from voice_agent.engines.nlu.spoken_numbers import find_numbers, number_words
from voice_agent.engines.nlu.tokens import MAX_WORDS, tokenise

ENGLISH = load_language("en")
WORDS = number_words(ENGLISH)


def heard(text: str, *, expected: bool = False) -> list[str]:
    found = find_numbers(tokenise(text, ENGLISH), WORDS, expected=expected)
    return [number.digits for number in found]


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("one oh four two", "1042"),
        ("one zero four two", "1042"),
        ("one o four two", "1042"),
        ("ten forty two", "1042"),
        ("ten four two", "1042"),
        ("ten-forty-two", "1042"),
        ("one oh forty two", "1042"),
        ("one thousand and forty two", "1042"),
        ("one thousand forty two", "1042"),
        ("a thousand forty two", "1042"),
        ("thousand forty two", "1042"),
        ("ten hundred and forty two", "1042"),
        ("1042", "1042"),
        ("1,042", "1042"),
        ("10 42", "1042"),
        ("#1042", "1042"),
        ("one uh oh um four two", "1042"),
        ("oh ten forty two", "1042"),
        ("one thousand oh five", "1005"),
        ("ten oh five", "1005"),
        ("one double oh seven", "1007"),
        ("double seven", "77"),
        ("triple five one", "5551"),
        ("a hundred and five", "105"),
        ("one hundred", "100"),
        ("twenty five hundred", "2500"),
        ("two thousand twenty six", "2026"),
        ("nineteen ninety nine", "1999"),
        ("niner three", "93"),
        ("one oh for to", "1042"),
        ("ten for two", "1042"),
        ("one zero four too", "1042"),
        ("five five five double two oh one nine", "55522019"),
        ("١٠٤٢", "1042"),
    ],
)
def test_a_number_is_heard_as_the_digits_that_were_meant(text: str, digits: str) -> None:
    assert heard(text) == [digits]


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("change 1042 to 1043", ["1042", "1043"]),
        ("order 1042 for tomorrow", ["1042"]),
        ("it is for two people", ["2"]),
        ("oh where is my order", []),
        ("what for", []),
        ("and", []),
        ("", []),
    ],
)
def test_words_that_only_sound_like_digits_stay_words(text: str, digits: list[str]) -> None:
    assert heard(text) == digits


@pytest.mark.parametrize(
    ("text", "digits"),
    [("for won too ate", ["4128"]), ("to oh one", ["201"]), ("to ten forty two", ["1042"])],
)
def test_where_digits_were_asked_for_sound_alikes_count(text: str, digits: list[str]) -> None:
    assert heard(text, expected=True) == digits


@given(st.integers(1001, 1099), st.randoms(use_true_random=False))
def test_every_way_of_reading_an_order_number_gives_it_back(
    number: int, luck: random.Random
) -> None:
    digits = str(number)
    for said in (digit_by_digit, in_pairs, as_quantity):
        assert heard(said(digits, luck)) == [digits]


@given(st.from_regex(r"[0-9]{3,15}", fullmatch=True), st.randoms(use_true_random=False))
def test_digits_read_one_by_one_come_back_in_order(digits: str, luck: random.Random) -> None:
    said = digit_by_digit(digits, luck).replace("oh", "zero")
    assert heard(said) == [digits]


@given(st.text(max_size=400))
def test_any_text_is_read_without_an_error(text: str) -> None:
    tokens = tokenise(text, ENGLISH)
    assert len(tokens) <= MAX_WORDS
    for expected in (True, False):
        for number in find_numbers(tokens, WORDS, expected=expected):
            assert number.digits.isascii()
            assert number.digits.isdecimal()
            assert 0 <= number.start < number.end <= len(tokens)
