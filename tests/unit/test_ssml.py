"""Markup from anybody is read without harm, and every provider gets only tags it knows."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voice_agent.engines.tts.say_as import cardinal, ordinal
from voice_agent.engines.tts.ssml import (
    Break,
    Emphasis,
    Level,
    Phoneme,
    Prosody,
    SayAs,
    SayAsKind,
    Span,
    Ssml,
    Sub,
    Text,
    escape,
    for_cartesia,
    for_elevenlabs,
    parse,
    plain_text,
    read_as,
    to_ssml,
)
from voice_agent.engines.tts.ssml_spans import printable

MODELS = {
    for_elevenlabs: (
        "eleven_flash_v2_5",
        "eleven_flash_v2",
        "eleven_multilingual_v2",
        "eleven_v3",
        "eleven_v4_turbo",
        "",
    ),
    for_cartesia: ("sonic-3", "sonic-3.5-2026-05-04", "sonic-latest", "sonic-2", "sonic-turbo"),
}
CASES = [(dialect, model) for dialect, models in MODELS.items() for model in models]

WORDS = st.text("abcdefgz ", min_size=1, max_size=12)
ANYTHING = st.text(max_size=20) | st.sampled_from(
    ["<break/>", "<spell>", "</speak>", "&lt;", "&amp;", "[pause]", "]]>", "<!--", "<?", '"', "'"]
)


def spans_of(texts: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[Span, ...]]:
    trimmed = texts.map(str.strip).filter(bool)
    factor = st.none() | st.floats(0.3, 3.0).map(lambda value: round(value, 3))
    leaf: st.SearchStrategy[Span] = (
        st.builds(Text, texts)
        | st.builds(Break, st.floats(0, 10))
        | st.builds(SayAs, st.sampled_from(SayAsKind), trimmed)
        | st.builds(Phoneme, st.just("ipa"), trimmed, trimmed)
        | st.builds(Sub, trimmed, trimmed)
    )
    return st.recursive(
        leaf.map(lambda span: (span,)),
        lambda inner: (
            st.lists(inner, max_size=3).map(lambda many: tuple(s for one in many for s in one))
            | st.builds(Emphasis, st.sampled_from(Level), inner).map(lambda span: (span,))
            | st.builds(Prosody, inner, factor, factor, factor).map(lambda span: (span,))
        ),
        max_leaves=8,
    )


def bare(text: str) -> list[str]:
    """The words without tags, punctuation and capitals."""
    return re.findall(r"\w+", re.sub(r"<[^<>]*>|\[[^\[\]]*\]", " ", text).lower())


def test_a_fragment_becomes_a_tree() -> None:
    spans = parse(
        'Your <emphasis level="strong">new</emphasis> code is'
        ' <say-as interpret-as="digits">1042</say-as>.<break time="500ms"/>'
        '<prosody rate="slow" volume="+6dB">Got it?</prosody>'
    )

    assert spans == (
        Text("Your "),
        Emphasis(Level.STRONG, (Text("new"),)),
        Text(" code is "),
        SayAs(SayAsKind.DIGITS, "1042"),
        Text("."),
        Break(0.5),
        Prosody((Text("Got it?"),), rate=0.8, volume=1.9953),
    )


def test_what_an_engine_without_markup_says_has_the_digits_as_words() -> None:
    markup = 'It is <say-as interpret-as="digits">1042</say-as>, <sub alias="okay">OK</sub>?'

    assert plain_text(parse(markup)) == "It is one zero four two, okay?"


def test_the_builder_escapes_everything() -> None:
    markup = (
        Ssml()
        .text("a < b & c ")
        .pause(0.3)
        .emphasis("now")
        .prosody(" slowly ", rate=0.8)
        .say_as(SayAsKind.DIGITS, "<12>")
        .phoneme("tomato", '"<')
        .build()
    )

    assert parse(markup) == (
        Text("a < b & c "),
        Break(0.3),
        Emphasis(Level.MODERATE, (Text("now"),)),
        Prosody((Text(" slowly "),), rate=0.8),
        SayAs(SayAsKind.DIGITS, "<12>"),
        Phoneme("ipa", '"<', "tomato"),
    )


@given(st.text())
def test_text_that_looks_like_tags_stays_text(text: str) -> None:
    spans = parse(escape(text))

    assert all(isinstance(span, Text) for span in spans)
    assert plain_text(spans) == " ".join(printable(text).split())


@given(spans_of(WORDS))
def test_a_written_tree_reads_the_same(spans: tuple[Span, ...]) -> None:
    assert plain_text(parse(to_ssml(spans))) == plain_text(spans)


@settings(max_examples=300)
@given(
    st.text()
    | st.lists(
        ANYTHING
        | st.sampled_from(
            [
                "<emphasis>",
                "</emphasis>",
                "<break time='1s'/>",
                "<say-as interpret-as='digits'>",
                "</say-as>",
                "<x a=b>",
                "<!DOCTYPE x [<!ENTITY y 'z'>]>",
                "&y;",
                "&#0;",
                "&#x110000;",
                "a",
            ]
        )
    ).map("".join)
)
def test_nothing_ever_raises(text: str) -> None:
    for dialect, model in CASES:
        dialect(text, model)
    assert isinstance(plain_text(parse(text)), str)


@pytest.mark.parametrize(
    "hostile",
    [
        '<!DOCTYPE x [<!ENTITY y "secret">]><speak>hello &y; there</speak>',
        '<!DOCTYPE x SYSTEM "file:///etc/passwd"><speak>hello there</speak>',
        '<?xml version="1.0"?><speak>hello <?php x ?>there</speak>',
        "<speak>hello <audio src='http://x/y.wav'/>there</speak>",
        "<speak>hello <mark name='x'/><unknown>there</unknown></speak>",
        "hello <emphasis>there",
        "hello </emphasis> there",
        "<a><b>hello</a></b> there",
        "hello <break time=500ms/> there",
        "hello <!-- a comment --> there",
    ],
)
def test_what_is_no_markup_for_speech_keeps_its_words_only(hostile: str) -> None:
    assert "".join(plain_text(parse(hostile)).split()) in ("hellothere", "hello]>there")
    assert "secret" not in plain_text(parse(hostile))


def test_spaces_inside_an_element_still_part_the_words() -> None:
    assert plain_text(parse('code<say-as interpret-as="digits"> 12 </say-as>ok')) == (
        "code one two ok"
    )


def test_a_billion_laughs_are_not_heard() -> None:
    bomb = '<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><speak>fine &b;</speak>'

    assert "ha" not in plain_text(parse(bomb))


def test_too_long_too_deep_and_too_many_are_plain_words() -> None:
    deep = "<prosody rate='slow'>" * 17 + "word" + "</prosody>" * 17
    many = "<break/>" * 501 + "word"
    long = "<emphasis>word</emphasis>" + " more" * 2000

    for markup in (deep, many, long):
        spans = parse(markup)
        assert all(isinstance(span, Text) for span in spans)
        assert plain_text(spans).startswith("word")
    assert len(plain_text(parse(long)).split()) == 2001


@pytest.mark.parametrize("unit", ["<", "<a ", "<a b='", "<!--", "&", "&#", "<![CDATA[", "<a>"])
def test_a_hundred_kilobytes_of_nonsense_are_read_in_no_time(unit: str) -> None:
    parse((unit * 100_000)[:100_000])
    parse((unit * 8_000)[:8_000])


@pytest.mark.parametrize(
    ("tag", "seconds"),
    [
        ('<break time="1.5s"/>', 1.5),
        ('<break time="250ms"/>', 0.25),
        ('<break time="99s"/>', 10.0),
        ('<break time="-1s"/>', 0.4),
        ('<break time="soon" strength="strong"/>', 0.7),
        ('<break strength="none"/>', 0.0),
        ("<break/>", 0.4),
    ],
)
def test_bad_attribute_values_are_ignored(tag: str, seconds: float) -> None:
    assert parse(tag) == (Break(seconds),)


@pytest.mark.parametrize(
    ("markup", "words"),
    [
        ('<prosody rate="quick">a</prosody>', "a"),
        ('<say-as interpret-as="mood">12</say-as>', "12"),
        ('<phoneme alphabet="x" ph="y">tea</phoneme>', "tea"),
        ("<phoneme>tea</phoneme>", "tea"),
        ("<sub>tea</sub>", "tea"),
    ],
)
def test_an_element_that_says_nothing_is_its_words(markup: str, words: str) -> None:
    assert parse(markup) == (Text(words),)


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        ("digits", "1042", "one zero four two"),
        ("digits", "55501", "five five five, zero one"),
        ("digits", "1234567", "one two three, four five six seven"),
        ("digits", "12345678", "one two three four, five six seven eight"),
        ("digits", "A7-42", "A seven, four two"),
        ("characters", "APT-7", "A P T dash seven"),
        (
            "telephone",
            "+1 (555) 010-4477",
            "plus one, five five five, zero one zero, four four seven seven",
        ),
        ("cardinal", "1,042", "one thousand forty two"),
        ("cardinal", "-3.05", "minus three point zero five"),
        ("ordinal", "21", "twenty first"),
        ("ordinal", "40th", "fortieth"),
        ("date", "2026-11-25", "November twenty fifth, twenty twenty six"),
        ("date", "11/25/2005", "November twenty fifth, two thousand five"),
        ("date", "13/45/2005", "13/45/2005"),
        ("time", "14:05", "two oh five P M"),
        ("time", "3:00", "three o'clock"),
        ("time", "9:30 am", "nine thirty A M"),
        ("time", "0:15", "twelve fifteen A M"),
        ("currency", "$1,299.50", "one thousand two hundred ninety nine dollars and fifty cents"),
        ("currency", "$0.01", "one cent"),
        ("currency", "1 EUR", "one euro"),
        ("currency", "5 XYZ", "5 XYZ"),
        ("digits", "!?", "!?"),
    ],
)
def test_characters_are_read_as_told(kind: str, text: str, said: str) -> None:
    assert read_as(SayAsKind(kind), text) == said


def test_the_order_of_a_date_can_be_given() -> None:
    assert read_as(SayAsKind.DATE, "03/04/2026", "dmy") == "April third, twenty twenty six"
    assert read_as(SayAsKind.DATE, "03/04/2026", "mdy") == "March fourth, twenty twenty six"


@given(st.sampled_from(SayAsKind), st.text() | st.text("0123456789-/:.$ ", max_size=20))
def test_any_characters_can_be_read_in_any_way(kind: SayAsKind, text: str) -> None:
    said = read_as(kind, text)

    assert bool(said) == bool(text.split())


def test_numbers_have_their_words() -> None:
    assert cardinal(0) == "zero"
    assert cardinal(1_000_017) == "one million seventeen"
    assert ordinal(100) == "one hundredth"


# ── dialects ──────────────────────────────────────────────────────────────────────────────


ELEVEN_TAG = re.compile(
    r'<break time="[0-3]\.\d\ds" />|</phoneme>'
    r'|<phoneme alphabet="(?:ipa|cmu-arpabet)" ph="[^"<>]*">'
)
AUDIO_TAG = re.compile(r"\[(?:short |long )?pause\]")
CARTESIA_TAG = re.compile(
    r'<break time="\d+ms"/>|</?spell>|<(?:speed|volume) ratio="\d(?:\.\d+)?"/>'
)


@settings(max_examples=300)
@given(spans_of(ANYTHING | WORDS))
def test_no_provider_gets_a_tag_that_it_does_not_know(spans: tuple[Span, ...]) -> None:
    markup = to_ssml(spans)
    for model in MODELS[for_elevenlabs]:
        known = AUDIO_TAG if model.startswith(("eleven_v3", "eleven_v4")) else ELEVEN_TAG
        assert not re.search(r"[<>\[\]{}]", known.sub("", for_elevenlabs(markup, model)))
    for model in MODELS[for_cartesia]:
        rest = for_cartesia(markup, model)
        if model in ("sonic-3", "sonic-3.5-2026-05-04", "sonic-latest"):
            rest = CARTESIA_TAG.sub("", rest)
        assert not re.search(r"[<>\[\]{}]", rest)


@given(spans_of(WORDS), st.sampled_from(CASES))
def test_every_dialect_keeps_all_words(
    spans: tuple[Span, ...], case: tuple[Callable[[str, str], str], str]
) -> None:
    dialect, model = case
    said = bare(dialect(to_ssml(spans), model))

    # Spelled-out letters may stand together in a spelling tag.
    assert "".join(said) == "".join(bare(plain_text(spans)))


@given(st.text())
def test_characters_to_spell_are_never_read_as_tags(text: str) -> None:
    markup = to_ssml([SayAs(SayAsKind.DIGITS, f"{text}7")])

    assert CARTESIA_TAG.sub("", for_cartesia(markup, "sonic-3")).count("<") == 0
    assert "<" not in for_elevenlabs(markup, "eleven_flash_v2_5")


FRAGMENT = (
    'It is <say-as interpret-as="digits">1042</say-as>.<break time="5s"/> '
    '<emphasis level="strong">Not</emphasis> '
    '<phoneme alphabet="ipa" ph="təˈmeɪtoʊ">tomato</phoneme>, '
    '<prosody rate="slow">you see</prosody>?'
)


@pytest.mark.parametrize(
    ("model", "text"),
    [
        (
            "eleven_flash_v2_5",
            'It is one zero four two. <break time="3.00s" /> Not tomato, you see?',
        ),
        (
            "eleven_flash_v2",
            (
                'It is one zero four two. <break time="3.00s" /> Not '
                '<phoneme alphabet="ipa" ph="təˈmeɪtoʊ">tomato</phoneme>, you see?'
            ),
        ),
        ("eleven_v3", "It is one zero four two. [long pause] NOT tomato, you see?"),
        ("eleven_v4_turbo", "It is one zero four two. [long pause] NOT tomato, you see?"),
    ],
)
def test_elevenlabs_gets_what_its_model_knows(model: str, text: str) -> None:
    assert for_elevenlabs(FRAGMENT, model) == text


def test_breaks_that_are_too_many_become_commas() -> None:
    text = for_elevenlabs('a<break time="1s"/>' * 6, "eleven_flash_v2_5")

    assert text.count("<break") == 4
    assert text.count(",") == 2


def test_sonic_three_gets_tags_that_end_where_the_element_ends() -> None:
    assert for_cartesia(FRAGMENT, "sonic-3") == (
        'It is <spell>1042</spell>. <break time="5000ms"/> '
        '<volume ratio="1.3"/>Not<volume ratio="1"/> tomato, '
        '<speed ratio="0.8"/>you see<speed ratio="1"/>?'
    )


def test_older_sonics_get_words_and_punctuation() -> None:
    assert for_cartesia(FRAGMENT, "sonic-2") == "It is one zero four two. Not tomato, you see?"


def test_a_break_at_the_beginning_is_no_comma() -> None:
    assert for_cartesia("<break/>Well. <break/>Now<break/>then", "sonic-2") == "Well. Now, then"


def test_cartesias_factors_stay_in_their_range() -> None:
    text = for_cartesia('<prosody rate="400%" volume="400%">x</prosody>', "sonic-3")

    assert text.startswith('<speed ratio="1.5"/><volume ratio="2"/>x')
