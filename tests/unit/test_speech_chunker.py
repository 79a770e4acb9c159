"""The chunker keeps every character and never cuts where a listener would stumble."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voice_agent.pipeline.speech_chunker import Clause, SpeechChunker, spoken_words_to_text

PIECES = st.sampled_from(
    [
        "Hello",
        " there",
        ", ",
        ". ",
        "! ",
        "\n",
        "\n\n",
        "**",
        "`",
        "```",
        "[a](",
        ") ",
        "1,042",
        "$3.50",
        "Dr. ",
        "J. ",
        "p.m. ",
        "- ",
        "| ",
        "— ",
        "…",
        " 🎉 ",
        "。",
        "x" * 90,
        " ",
        "9 AM – 5 PM",
        "1. ",
    ]
)
TEXTS = st.text() | st.lists(PIECES, max_size=60).map("".join) | st.text(" ab.,", max_size=900)


def cut(text: str, sizes: tuple[int, ...] = (1,)) -> list[Clause]:
    chunker, clauses, position, turn = SpeechChunker(), list[Clause](), 0, 0
    while position < len(text):
        size = sizes[turn % len(sizes)]
        clauses += chunker.push(text[position : position + size])
        position, turn = position + size, turn + 1
    return clauses + chunker.finish()


def texts(text: str) -> list[str]:
    return [clause.text for clause in cut(text)]


@settings(deadline=None)
@given(TEXTS, st.lists(st.integers(1, 40), min_size=1, max_size=5))
def test_the_clauses_joined_are_the_deltas_joined(text: str, sizes: list[int]) -> None:
    assert "".join(clause.text for clause in cut(text, tuple(sizes))) == text


@settings(deadline=None)
@given(TEXTS, st.lists(st.integers(1, 40), min_size=1, max_size=5))
def test_how_the_deltas_are_cut_makes_no_difference(text: str, sizes: list[int]) -> None:
    assert cut(text, tuple(sizes)) == cut(text)


@settings(deadline=None)
@given(TEXTS)
def test_only_the_last_clause_may_have_nothing_to_say(text: str) -> None:
    clauses = cut(text)

    assert all(clause.text for clause in clauses)
    assert all(clause.spoken for clause in clauses[:-1] if len(clause.text) < 200)


@settings(deadline=None)
@given(TEXTS)
def test_no_clause_is_longer_than_the_bound(text: str) -> None:
    assert all(len(clause.text) <= 600 for clause in cut(text))


@settings(deadline=None)
@given(TEXTS)
def test_more_words_said_are_never_less_text(text: str) -> None:
    for clause in cut(text):
        heard = [spoken_words_to_text(clause, n) for n in range(len(clause.offsets) + 2)]
        assert all(clause.text.startswith(part) for part in heard)
        assert [len(part) for part in heard] == sorted(len(part) for part in heard)
        assert heard[-1] == clause.text


WHOLE = [
    *(
        "1,042",
        "$3.50",
        "$1,299.50",
        "10:30",
        "5.5",
        "Dr. Smith",
        "e.g. shoes",
        "St. Louis",
        "3 p.m. today",
    ),
    *(
        "Mr. Lee",
        "Mrs. Lee",
        "J. K. Rowling",
        "https://example.com/a,b;c?d=e",
        "help@example.com",
        "No. 5",
    ),
    *(
        "(555) 123-4567",
        "+1 555 123 4567",
        "555.123.4567",
        "1Z999AA10123456784",
        "1Z 999 AA1 01 2345 6784",
    ),
    *(
        "APT-7F3K",
        "**very, very important. Really**",
        "[our help, and more](https://example.com)",
        "`a, b. c`",
    ),
    *(
        "Nov 25, 2026",
        "Nov. 25",
        "9 AM – 5 PM",
        "9 AM - 5 PM",
        "Mon – Fri",
        "the U.S. Army",
        "vs. them",
    ),
    *(
        "approx. five",
        "order number: 1042",
        "example.com",
        "2–3 days",
        "1, 2, 3",
        "*a, b* c",
        "24/7",
    ),
]


@pytest.mark.parametrize("whole", WHOLE)
@pytest.mark.parametrize(
    "before", ["I can tell you about ", "", "First of all one thing. And then about "]
)
def test_what_belongs_together_stays_together(whole: str, before: str) -> None:
    text = f"{before}{whole} and so on and on, as I said before."

    assert any(whole in part for part in texts(text))


PLAIN_WORDS = re.compile(r"[*`\[]|\b(?:the|number|vs|order)\b")


@pytest.mark.parametrize("whole", [whole for whole in WHOLE if not PLAIN_WORDS.search(whole)])
@pytest.mark.parametrize("filler", [188, 192, 195, 197, 200, 205])
def test_the_hard_bound_spares_them_too(whole: str, filler: int) -> None:
    text = f"{'word ' * (filler // 5)}{'x' * (filler % 5)} {whole} {'word ' * 60}"

    assert any(whole in part for part in texts(text))


CUTS = {
    "Sure. Let me look.": ["Sure. ", "Let me look."],
    "Yes, of course. One moment.": ["Yes, of course. ", "One moment."],
    "Let me see that, please wait.": ["Let me see that, ", "please wait."],
    "Well, now then, you know, it is late.": ["Well, now then, ", "you know, it is late."],
    "Come at 9 a.m. Then call us.": ["Come at 9 a.m. ", "Then call us."],
    "It was plan B. Then we left.": ["It was plan B. ", "Then we left."],
    "It costs $5. That is all.": ["It costs $5. ", "That is all."],
    "Really?! Yes.": ["Really?! ", "Yes."],
    'He said "stop." Then he left.': ['He said "stop." ', "Then he left."],
    "**Done.** Next one.": ["**Done.** ", "Next one."],
    "We have:\n- one\n- two\n\nBye": ["We have:\n", "- one\n", "- two\n\n", "Bye"],
    "1. First\n2. Second": ["1. First\n", "2. Second"],
    "soft\nwrap here. Yes": ["soft\nwrap here. ", "Yes"],
    "| a | b |\n|---|---|\n| c, d. e | f |\nDone": [
        "| a | b |\n",
        "|---|---|\n| c, d. e | f |\n",
        "Done",
    ],
    "I think so—maybe not. No.": ["I think so—", "maybe not. ", "No."],
    "Wait... what is it? Hm.": ["Wait... what is it? ", "Hm."],
    "你好，很高兴见到你们大家。再见": ["你好，很高兴见到你们大家。", "再见"],
    "🎉 Great! 🎉": ["🎉 Great! ", "🎉"],
}


@pytest.mark.parametrize(("text", "parts"), CUTS.items())
def test_clauses_end_where_a_speaker_would_breathe(text: str, parts: list[str]) -> None:
    assert texts(text) == parts


def test_the_first_clause_comes_before_the_sentence_is_over() -> None:
    chunker = SpeechChunker()

    clauses = chunker.push("I found your order, and it")

    assert [clause.spoken for clause in clauses] == ["I found your order,"]


def test_a_number_that_may_go_on_is_waited_for() -> None:
    chunker = SpeechChunker()

    assert chunker.push("The rate is 3.") == []
    assert chunker.push("5 percent.") == []
    assert [clause.spoken for clause in chunker.finish()] == [
        "The rate is three point five percent."
    ]


def test_a_long_sentence_breaks_at_a_comma() -> None:
    text = (
        "Hi! "
        + "this sentence goes on and on without an end in sight " * 2
        + "really, and then on. "
    )

    assert [part[-8:] for part in texts(text)] == ["Hi! ", "really, ", "hen on. "]


def test_a_model_that_never_punctuates_is_spoken() -> None:
    clauses = cut("word " * 1000)

    assert len(clauses) > 20
    assert max(len(clause.text) for clause in clauses) < 210
    assert all(re.fullmatch(r"(?:word )+", clause.text) for clause in clauses)


def test_after_finish_a_new_reply_starts_early_again() -> None:
    chunker = SpeechChunker()
    chunker.push("First reply here. ")
    chunker.finish()

    assert [clause.text for clause in chunker.push("Now for that, we")] == ["Now for that, "]


@pytest.mark.parametrize("unit", ["a", " ", "a ", "**a ", "[", "1 ", ".", "\n", "| ", "`a, "])
def test_a_hundred_kilobytes_pass(unit: str) -> None:
    text = (unit * 100_000)[:100_000]

    assert sum(len(clause.text) for clause in cut(text, (7,))) == 100_000


@pytest.mark.parametrize(
    ("text", "count", "heard"),
    [
        ("Your order 1042 has shipped.", 0, ""),
        ("Your order 1042 has shipped.", 2, "Your order"),
        ("Your order 1042 has shipped.", 3, "Your order"),
        ("Your order 1042 has shipped.", 5, "Your order 1042"),
        ("Your order 1042 has shipped.", 6, "Your order 1042 has"),
        ("Well, **yes** (I think) so", 2, "Well, **yes**"),
        ("on Nov 25, 2026 we", 3, "on Nov"),
        ("on Nov 25, 2026 we", 4, "on Nov"),
        ("code APT-7F3K now", 5, "code APT-7"),
        ("call 555-0199 now", 4, "call 555"),
        ("see [our page](https://example.com) now", 3, "see [our page](https://example.com)"),
        ("🎉 well then 🎉", 1, "🎉 well"),
        ("🎉 well then 🎉", 2, "🎉 well then 🎉"),
    ],
)
def test_a_cut_off_clause_ends_at_the_word_that_was_played(
    text: str, count: int, heard: str
) -> None:
    [clause] = cut(text)

    assert spoken_words_to_text(clause, count) == heard
