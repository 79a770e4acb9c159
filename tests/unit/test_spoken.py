"""What is written, and how it must sound."""

import re
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from support.spoken_table import TABLE
from voice_agent.pipeline.spoken import render


@pytest.mark.parametrize(("written", "spoken"), TABLE.items())
def test_writing_sounds_as_people_say_it(written: str, spoken: str) -> None:
    assert render(written).spoken == spoken


@pytest.mark.parametrize("spoken", sorted(set(TABLE.values())))
def test_what_is_spoken_is_spoken_again_unchanged(spoken: str) -> None:
    assert render(spoken).spoken == spoken


def test_the_table_is_large_enough() -> None:
    assert len(TABLE) >= 120


FRAGMENTS = st.sampled_from(
    [
        *TABLE,
        " ",
        ". ",
        ", ",
        "\n",
        "**",
        "`",
        "- ",
        "A",
        "I",
        "St.",
        "Dr.",
        "U.S.",
        "a.m.",
        "é",
        "-",
    ]
)
MIXED = st.lists(FRAGMENTS | st.text(max_size=3), max_size=8).map("".join)
ANY_TEXT = st.text() | MIXED | st.text("aAbMT.,'-–*_#1234567890 :/$%&@\n", max_size=30)


@settings(deadline=None)
@given(ANY_TEXT)
@example("```python")
@example("\u0e33")
@example("ﷺ")
def test_any_text_becomes_only_words_and_pauses(text: str) -> None:
    spoken = render(text).spoken

    assert not re.search(r"\s\s|^\s|\s$|(?:^|\s)[,.?!']", spoken)
    assert not [char for char in spoken if char not in "' ,.?!" and not _is_letter(char)]


def _is_letter(char: str) -> bool:
    return unicodedata.category(char)[0] in "LM"


@settings(deadline=None)
@given(ANY_TEXT)
def test_rendering_twice_changes_nothing(text: str) -> None:
    once = render(text).spoken

    assert render(once).spoken == once


@settings(deadline=None)
@given(ANY_TEXT)
def test_text_with_letters_or_digits_is_never_silent(text: str) -> None:
    assert render(text).spoken or not any(map(str.isalnum, text))


@settings(deadline=None)
@given(ANY_TEXT)
def test_every_spoken_word_knows_how_far_the_text_has_come(text: str) -> None:
    rendering = render(text)
    words = rendering.spoken.split()

    assert len(rendering.offsets) == len(words)
    assert list(rendering.offsets) == sorted(rendering.offsets)
    assert all(0 <= offset <= len(text) for offset in rendering.offsets)
    assert not words or rendering.offsets[-1] == len(text)


@pytest.mark.parametrize(
    "unit",
    [
        "a",
        " ",
        "\n",
        "1",
        "1 ",
        ",",
        ".",
        "*",
        "**a ",
        "[",
        "![",
        "](",
        "<",
        "|",
        "| ",
        "-",
        "- ",
        "--",
        "_",
        "`",
        "> ",
        "#",
        "Nov 25, ",
        "1-",
        "+1 ",
        "a.",
        "A.",
        "a@",
        "a-",
        "A",
        "$1,",
        "é",
        "🎉",
        "https://a",
        "'",
        "a'",
        "x1",
        "1,000,",
        "1/",
        "1:",
        "é1",
        "\x00",
        "\u0301",
        " \n",
        "x ",
        "****1",
        "* ",
        "= ",
        "(1",
        "1Z9",
        "~",
        "…",
        "UPS ",
        "ETAS",
        "the US ",
        "ñ",
        "Dr. ",
        "St. A",
        "no 1 and ",
        "1 or ",
        "x",
        "x*",
        "xxx ",
        "***-",
    ],
)
def test_a_long_run_of_anything_is_rendered(unit: str) -> None:
    rendering = render((unit * 25_000)[:24_997] + " 1.")

    assert rendering.offsets[-1] == 25_000


def test_a_hundred_kilobytes_of_talk_are_rendered() -> None:
    text = " ".join(TABLE)

    assert render((text * 100)[:100_000]).offsets[-1] == 100_000


@settings(deadline=None)
@given(st.integers(0, 10**24))
def test_any_whole_number_is_made_of_words(value: int) -> None:
    assert re.fullmatch(r"[a-z]+(?:,? [a-z]+)*", render(str(value)).spoken)
