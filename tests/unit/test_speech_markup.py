"""A model's text may say how to say it: the voice follows, and nobody reads or hears a tag."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voice_agent.engines.tts.ssml import parse, plain_text
from voice_agent.pipeline.speech_chunker import (
    Clause,
    SpeechChunker,
    clauses_of,
    spoken_words_to_text,
)
from voice_agent.pipeline.spoken.speech_tags import (
    SPEECH_TAG,
    SpeechTagFilter,
    without_speech_tags,
)

PIECES = st.sampled_from(
    [
        *("Hello", " there", ", ", ". ", "? ", " ", "\n", "well then ", "1,042 ", "a < b ", "<3 "),
        *('<break time="500ms"/>', "<break/> ", "<break time=1s>", "<break ti"),
        *("<emphasis>", '<emphasis level="strong">', "</emphasis>", "</emphasis> "),
        *('<prosody rate="slow">', "</prosody>", "<speak>", "</speak>"),
        *('<say-as interpret-as="digits">', "1042", "</say-as>", "</say-as>, "),
        *('<sub alias="and so on">', "etc", "</sub>", '<phoneme ph="x">', "</phoneme>"),
        *("<", "</", "<say-", "<b>", "x" * 90, "word " * 30, "**", "&amp;"),
    ]
)
TEXTS = st.lists(PIECES, max_size=40).map("".join)


def cut(text: str, sizes: tuple[int, ...] = (1,)) -> list[Clause]:
    chunker, clauses, position, turn = SpeechChunker(), list[Clause](), 0, 0
    while position < len(text):
        size = sizes[turn % len(sizes)]
        clauses += chunker.push(text[position : position + size])
        position, turn = position + size, turn + 1
    return clauses + chunker.finish()


def filtered(text: str, sizes: list[int]) -> str:
    tags, shown, position, turn = SpeechTagFilter(), "", 0, 0
    while position < len(text):
        size = sizes[turn % len(sizes)]
        shown += tags.push(text[position : position + size])
        position, turn = position + size, turn + 1
    return shown + tags.finish()


SIZES = st.lists(st.integers(1, 40), min_size=1, max_size=5)


@settings(deadline=None)
@given(TEXTS, SIZES)
def test_the_clauses_joined_are_the_deltas_joined_tags_and_all(text: str, sizes: list[int]) -> None:
    clauses = cut(text, tuple(sizes))

    assert "".join(clause.text for clause in clauses) == text
    assert clauses == cut(text)
    assert all(len(clause.text) <= 600 for clause in clauses)


@settings(deadline=None)
@given(TEXTS)
def test_the_markup_reads_as_the_words_that_are_spoken(text: str) -> None:
    for clause in cut(text):
        assert not SPEECH_TAG.search(clause.spoken)
        if clause.markup:
            assert plain_text(parse(clause.markup)) == clause.spoken


@settings(deadline=None)
@given(TEXTS)
def test_what_people_read_has_no_tags_and_all_words(text: str) -> None:
    shown = "".join(clause.shown().text for clause in cut(text))

    assert not SPEECH_TAG.search(without_speech_tags(text).text)
    assert shown.split() == without_speech_tags(text).text.split()


@settings(deadline=None)
@given(TEXTS)
def test_more_words_said_are_never_less_text_that_is_shown(text: str) -> None:
    for clause in cut(text):
        shown = clause.shown()
        heard = [spoken_words_to_text(shown, n) for n in range(len(shown.offsets) + 2)]
        assert [len(part) for part in heard] == sorted(len(part) for part in heard)
        assert heard[-1] == shown.text
        assert len(shown.offsets) == len(shown.spoken.split())


@settings(deadline=None)
@given(TEXTS, SIZES)
def test_a_stream_loses_its_tags_however_it_is_cut(text: str, sizes: list[int]) -> None:
    assert filtered(text, sizes) == without_speech_tags(text).text


@given(st.text())
def test_text_without_tags_is_shown_as_it_is(text: str) -> None:
    if not SPEECH_TAG.search(text):
        assert filtered(text, [1]) == text


WHOLE = [
    '<break time="500ms"/>',
    '<say-as interpret-as="telephone">555 010 4477</say-as>',
    '<emphasis level="strong">No. Never! And that, for sure, is that.</emphasis>',
    '<prosody rate="slow" volume="loud">Take your time, please. I can wait.</prosody>',
    '<sub alias="very, very important. Really">VI. R</sub>',
]


@pytest.mark.parametrize("whole", WHOLE)
@pytest.mark.parametrize("filler", [0, 40, 150, 185, 195, 200, 205, 590])
@pytest.mark.parametrize("unit", ["word ", "x"])
def test_a_short_element_is_never_cut(whole: str, filler: int, unit: str) -> None:
    text = f"{(unit * filler)[:filler]}{whole} {'and so on ' * 60}"

    assert any(whole in clause.text for clause in cut(text))


def test_a_long_element_goes_on_in_the_next_clause() -> None:
    long = "This is a long sentence that goes on for a while, word by word by word. " * 5
    clauses = cut(f'<prosody rate="slow">{long}</prosody> And this is not slow.')

    assert len(clauses) > 2
    assert all(clause.markup.startswith('<prosody rate="80%">') for clause in clauses[:-1])
    assert clauses[-1].markup == ""


def test_after_finish_nothing_is_open() -> None:
    chunker = SpeechChunker()
    chunker.push("<emphasis>Never")
    assert "emphasis" in chunker.finish()[0].markup

    assert [*chunker.push("Mind it. "), *chunker.finish()][0].markup == ""


EXAMPLES = {
    'Code <say-as interpret-as="digits">1042</say-as>, ok?': (
        "Code one zero four two, ok?",
        'Code <say-as interpret-as="digits">1042</say-as>, ok?',
        "Code 1042, ok?",
    ),
    'Wait.<break time="1.5s"/>Now <emphasis level="reduced">$5</emphasis>.': (
        "Wait. Now five dollars.",
        'Wait. <break time="1500ms"/> Now <emphasis level="reduced">five dollars.</emphasis>',
        "Wait. Now $5.",
    ),
    "Ask at the <sub alias='front desk'>FD</sub>": (
        "Ask at the front desk",
        "",
        "Ask at the FD",
    ),
    '<speak>A <phoneme alphabet="ipa" ph="təˈmɑːtəʊ">tomato</phoneme>!</speak>': (
        "a tomato!",
        'a <phoneme alphabet="ipa" ph="təˈmɑːtəʊ">tomato</phoneme>!',
        "A tomato!",
    ),
    'Due <say-as interpret-as="date" format="dmy">03/04/2026</say-as>': (
        "Due April third, twenty twenty six",
        'Due <say-as interpret-as="date" format="dmy">03/04/2026</say-as>',
        "Due 03/04/2026",
    ),
    "I <3 AT&T < you & <b>me</b>": (
        "I less than three AT and T less than you and me",
        "",
        "I <3 AT&T < you & <b>me</b>",
    ),
}


@pytest.mark.parametrize(("text", "expected"), EXAMPLES.items())
def test_tags_reach_the_voice_and_only_the_voice(text: str, expected: tuple[str, str, str]) -> None:
    [clause] = clauses_of(text)

    assert (clause.spoken, clause.markup, clause.shown().text) == expected


@pytest.mark.parametrize(
    ("count", "heard"),
    [(1, "Code"), (2, "Code 1"), (3, "Code 10"), (5, "Code 1042,")],
)
def test_a_cut_off_code_ends_at_the_digit_that_was_played(count: int, heard: str) -> None:
    [clause] = clauses_of('Code <say-as interpret-as="digits">1042</say-as>, ok?')

    assert spoken_words_to_text(clause.shown(), count) == heard


def test_a_break_alone_is_nothing_to_say() -> None:
    [clause] = clauses_of("<break/>")

    assert (clause.spoken, clause.markup, clause.offsets) == ("", "", ())
    assert clause.shown().text == ""


def test_the_first_clause_does_not_wait_for_tags() -> None:
    chunker = SpeechChunker()

    [clause] = chunker.push('Sure, let me see. <break time="300ms"/> Your')
    assert clause.text == "Sure, let me see. "


def test_words_inside_a_tag_do_not_count_as_words() -> None:
    chunker = SpeechChunker()

    assert chunker.push('<emphasis level="strong">Sure,</emphasis> it is') == []


@pytest.mark.parametrize(
    "unit", ["<", "<break ", "<emphasis>", "<say-as ", "</prosody>", "<break/>"]
)
def test_a_hundred_kilobytes_of_tags_pass(unit: str) -> None:
    text = (unit * 100_000)[:20_000]

    clauses = cut(text, (701,))
    assert sum(len(clause.text) for clause in clauses) == 20_000
    assert not re.search(r"<\w", " ".join(clause.spoken for clause in clauses))
