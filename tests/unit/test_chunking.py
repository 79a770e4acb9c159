"""Pieces are whole sentences, in order, and nothing is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.documents import a_document
from voice_agent.knowledge.chunking import TARGET, chunk
from voice_agent.knowledge.document import Document, Heading, Paragraph
from voice_agent.knowledge.sentences import LONGEST, split_sentences

WORDS = st.text("abcdefg", min_size=1, max_size=12)
SENTENCES = st.lists(WORDS, min_size=1, max_size=30).map(lambda w: f"{' '.join(w).capitalize()}.")
PARAGRAPHS = st.lists(SENTENCES, max_size=8).map(lambda s: Paragraph(" ".join(s)))
HEADINGS = st.builds(Heading, st.integers(1, 6), WORDS.map(str.capitalize))
DOCUMENTS = st.lists(PARAGRAPHS | HEADINGS, max_size=12).map(lambda b: Document("", tuple(b)))
ANYTHING = st.text(max_size=3000)


def squeezed(text: str) -> str:
    return "".join(text.split())


@given(DOCUMENTS)
def test_nothing_is_lost_and_the_order_is_kept(document: Document) -> None:
    paragraphs = [block.text for block in document.blocks if isinstance(block, Paragraph)]
    sentences = [one for text in paragraphs for one in split_sentences(text)]
    pieces = chunk(document)
    told = squeezed(" ".join(piece.text for piece in pieces))
    at = 0
    for sentence in sentences:
        at = told.index(squeezed(sentence), at) + len(squeezed(sentence))
    everything = " ".join(f"{piece.title} {piece.text}" for piece in pieces)
    for block in document.blocks:
        if isinstance(block, Heading):
            assert block.text in everything


@given(DOCUMENTS)
def test_no_sentence_is_split(document: Document) -> None:
    known = {
        one
        for block in document.blocks
        for one in (split_sentences(block.text) if isinstance(block, Paragraph) else [block.text])
    }
    for piece in chunk(document):
        rest = piece.text
        while rest:
            first = max((one for one in known if rest.startswith(one)), key=len)
            rest = rest[len(first) :].strip()


@given(DOCUMENTS)
def test_a_piece_is_short_or_one_sentence(document: Document) -> None:
    for piece in chunk(document):
        assert len(piece.text) <= TARGET or len(split_sentences(piece.text)) == 1


@given(ANYTHING)
def test_sentences_together_are_the_text(text: str) -> None:
    sentences = split_sentences(text)
    assert squeezed("".join(sentences)) == squeezed(text)
    assert all(0 < len(sentence) <= LONGEST for sentence in sentences)


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Ask Mr. Jones. He knows.", ["Ask Mr. Jones.", "He knows."]),
        ("It costs 5.50 dollars. Really!", ["It costs 5.50 dollars.", "Really!"]),
        ("Open 9 a.m. to 5 p.m. on weekdays.", ["Open 9 a.m. to 5 p.m. on weekdays."]),
        ("J. R. Smith, e.g. Bring it. Now?", ["J. R. Smith, e.g. Bring it.", "Now?"]),
        ('"Stop!" he said. "Go."', ['"Stop!" he said.', '"Go."']),
        ("See example.com. It helps… Yes.", ["See example.com.", "It helps…", "Yes."]),
        ("営業中です。ようこそ！", ["営業中です。", "ようこそ！"]),
        ("no end", ["no end"]),
        ("", []),
    ],
)
def test_sentences_end_where_a_reader_ends_them(text: str, sentences: list[str]) -> None:
    assert split_sentences(text) == sentences


def test_what_never_ends_is_broken_between_words() -> None:
    pieces = split_sentences("word " * 1000)
    assert max(map(len, pieces)) <= LONGEST
    assert " ".join(pieces).split() == ["word"] * 1000
    assert len(split_sentences("x" * 2500)) == 3


def test_headings_are_kept_as_context() -> None:
    document = Document(
        "Help",
        a_document(
            "# Help", "## Returns", "### Time", "45 days.", "## Shipping", "Two days."
        ).blocks,
    )
    assert [(piece.title, piece.text) for piece in chunk(document)] == [
        ("Help › Returns › Time", "45 days."),
        ("Help › Shipping", "Two days."),
    ]


def test_a_heading_with_nothing_below_it_is_not_lost() -> None:
    document = a_document("# Help", "## Closed on Sundays", "## Returns", "45 days.", "## The end")
    assert [piece.text for piece in chunk(document)] == [
        "Closed on Sundays",
        "45 days.",
        "The end",
    ]


def test_short_rows_are_kept_together_and_full_pieces_end_with_their_paragraph() -> None:
    long = "This is a sentence of some length that fills the piece a good deal. " * 3
    document = a_document("Size S: chest 35.", "Size M: chest 38.", long, "Next.")
    assert [piece.text for piece in chunk(document)] == [
        f"Size S: chest 35. Size M: chest 38. {long.strip()}",
        "Next.",
    ]
