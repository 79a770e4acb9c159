"""Word pieces, against rules that any covering of a text by a vocabulary must keep."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.requirements import require
from voice_agent.engines.embedding.minilm import INSTALL, weights_folder
from voice_agent.engines.embedding.wordpiece import WordPiece, words

FOLDER = weights_folder()
PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "un", "##aff", "##able", "want", "##want", "##ed"]
SMALL = WordPiece({p: n for n, p in enumerate([*PIECES, ",", "runn", "##ing", "low", "##l"])})


def shown(encoder: WordPiece, text: str, most: int = 256) -> list[str]:
    names = {number: piece for piece, number in encoder._numbers.items()}
    return [names[number] for number in encoder.encode(text, most)]


@pytest.fixture(scope="module")
def bert() -> WordPiece:
    require(FOLDER, "the sentence embedding", INSTALL)
    assert FOLDER is not None
    return WordPiece.from_file(FOLDER / "vocab.txt")


def test_a_word_is_covered_greedily_longest_piece_first() -> None:
    assert shown(SMALL, "UNwantéd,running") == [
        "[CLS]", "un", "##want", "##ed", ",", "runn", "##ing", "[SEP]",
    ]  # fmt: skip


def test_a_word_that_cannot_be_covered_whole_is_unknown() -> None:
    assert shown(SMALL, "unwantedX unaffable") == [
        "[CLS]",
        "[UNK]",
        "un",
        "##aff",
        "##able",
        "[SEP]",
    ]


def test_a_word_of_more_than_a_hundred_letters_is_unknown() -> None:
    assert shown(SMALL, "low" + "l" * 97)[1:3] == ["low", "##l"]
    assert shown(SMALL, "low" + "l" * 98) == ["[CLS]", "[UNK]", "[SEP]"]


def test_known_texts_have_the_known_numbers(bert: WordPiece) -> None:
    assert bert.encode("hello world") == [101, 7592, 2088, 102]
    assert bert.encode("What's the $5 naïve café?") == [
        101, 2054, 1005, 1055, 1996, 1002, 1019, 15743, 7668, 1029, 102,
    ]  # fmt: skip
    assert bert.encode("") == [101, 102]


def test_chinese_characters_stand_alone_and_control_characters_go() -> None:
    assert list(words("ab中文c\x00d\u200be\tf")) == ["ab", "中", "文", "cde", "f"]


@given(st.text(max_size=300), st.integers(3, 64))
def test_any_text_is_framed_and_never_too_long(bert: WordPiece, text: str, most: int) -> None:
    numbers = bert.encode(text, most)
    assert numbers[0] == 101
    assert numbers[-1] == 102
    assert len(numbers) <= most
    assert all(0 <= number < 30522 for number in numbers)


@given(st.text(max_size=200))
def test_joined_pieces_give_the_words_back(bert: WordPiece, text: str) -> None:
    pieces = iter(shown(bert, text, 10_000)[1:-1])
    for word in words(text):
        covered = next(pieces)
        while covered != "[UNK]" and len(covered) < len(word):
            piece = next(pieces)
            assert piece.startswith("##")
            covered += piece[2:]
        assert covered in (word, "[UNK]")
    assert next(pieces, None) is None


@given(st.text(max_size=200))
def test_words_hold_no_space_accent_or_control_character(text: str) -> None:
    for word in words(text):
        assert word
        assert not any(c.isspace() or unicodedata.category(c) == "Mn" for c in word)


@given(st.text(alphabet="abcdefgh XYZ.,!?'", max_size=100))
def test_case_and_doubled_spaces_change_nothing(bert: WordPiece, text: str) -> None:
    assert bert.encode(text.upper().replace(" ", "  ")) == bert.encode(text.lower())
