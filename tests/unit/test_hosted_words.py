"""Sound and word times of hosted voices, put together."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_agent.core.audio import PHONE, WIDEBAND
from voice_agent.core.speech import SpokenAudio, SpokenWord
from voice_agent.engines.tts.clause_assembler import ClauseAssembler, has_sound, sayable
from voice_agent.engines.tts.clause_events import Sound, TimedText, WordTimes
from voice_agent.engines.tts.word_pairing import WordPairing


def evenly(words: list[str], seconds: float = 0.5) -> list[TimedText]:
    return [TimedText(word, i * seconds, (i + 1) * seconds) for i, word in enumerate(words)]


def paired(text: str, theirs: list[TimedText], end: float) -> list[SpokenWord]:
    pairing = WordPairing(text.split())
    told = [word for their in theirs for word in pairing.add(their)]
    return told + list(pairing.finish(end))


def spans(told: list[SpokenWord]) -> list[tuple[str, float, float]]:
    return [(word.text, round(word.start, 3), round(word.end, 3)) for word in told]


def test_equal_words_keep_their_times() -> None:
    told = paired("Your order, please.", evenly(["Your", "order", "please"]), 1.5)
    assert spans(told) == [("Your", 0, 0.5), ("order,", 0.5, 1), ("please.", 1, 1.5)]


def test_digits_said_as_words_keep_the_word_whole() -> None:
    told = paired("order 1042, has", evenly(["order", "ten", "forty", "two", "has"]), 2.5)
    assert spans(told) == [("order", 0, 0.5), ("1042,", 0.5, 2), ("has", 2, 2.5)]


def test_words_run_together_share_their_time() -> None:
    told = paired("wait for the bus", evenly(["wait", "forthe", "bus"], 0.6), 1.8)
    assert spans(told) == [
        ("wait", 0, 0.6),
        ("for", 0.6, 0.9),
        ("the", 0.9, 1.2),
        ("bus", 1.2, 1.8),
    ]


def test_a_word_cut_in_two_is_one_word() -> None:
    told = paired("do not can't stop", evenly(["do", "not", "can", "'t", "stop"]), 2.5)
    assert spans(told)[2] == ("can't", 1.0, 2.0)


def test_what_is_not_said_takes_no_time_of_others() -> None:
    told = paired("yes - no", evenly(["yes", "no"]), 1.0)
    assert spans(told) == [("yes", 0, 0.5), ("-", 0.5, 0.5), ("no", 0.5, 1)]


def test_signs_between_words_are_left_out() -> None:
    told = paired("Hello there.", evenly(["Hello", ",", "there", "."]), 2.0)
    assert spans(told) == [("Hello", 0, 0.5), ("there.", 1.0, 1.5)]


def test_languages_without_spaces_are_one_word() -> None:
    told = paired("你好 世界", evenly(["你", "好", "世", "界"]), 2.0)
    assert spans(told) == [("你好", 0, 1), ("世界", 1, 2)]


def test_a_first_word_that_is_missing_is_told_before_the_second() -> None:
    told = paired("one two three", [TimedText("two", 0.4, 0.8), TimedText("three", 0.8, 1.2)], 1.2)
    assert spans(told) == [("one", 0, 0.4), ("two", 0.4, 0.8), ("three", 0.8, 1.2)]


def test_words_that_were_not_timed_share_the_rest() -> None:
    told = paired("aa bb cc", [TimedText("aa", 0, 0.5)], 1.5)
    assert spans(told) == [("aa", 0, 0.5), ("bb", 0.5, 1), ("cc", 1, 1.5)]


def test_without_times_no_word_is_told() -> None:
    assert paired("one two", [], 1.0) == []


words = st.text("abc1,-'", min_size=1, max_size=4)
times = st.floats(0, 30)


@given(
    st.lists(words, max_size=12),
    st.lists(st.builds(TimedText, words, times, times), max_size=20),
    times,
)
def test_every_word_is_told_exactly_once_in_order_whatever_the_provider_says(
    ours: list[str], theirs: list[TimedText], end: float
) -> None:
    told = paired(" ".join(ours), theirs, end)
    assert [word.text for word in told] in (ours, [])
    assert all(word.start <= word.end for word in told)
    assert all(before.end <= after.start for before, after in pairwise(told))


@given(st.lists(st.text("abcdef", min_size=1, max_size=6), min_size=1, max_size=12), st.data())
def test_the_right_letters_cut_anyhow_give_every_word_its_own_time(
    ours: list[str], data: st.DataObject
) -> None:
    letters = [(letter, index) for index, word in enumerate(ours) for letter in word]
    cuts = sorted(data.draw(st.sets(st.integers(1, len(letters)), max_size=10)) | {0, len(letters)})
    theirs = [
        TimedText("".join(letter for letter, _ in letters[a:b]), a * 0.1, b * 0.1)
        for a, b in pairwise(cuts)
    ]
    told = paired(" ".join(ours), theirs, len(letters) * 0.1)
    place = 0
    for word in told:
        assert word.start == pytest.approx(place * 0.1)
        place += len(word.text)
        assert word.end == pytest.approx(place * 0.1)


def taken(assembler: ClauseAssembler, *events: Sound | WordTimes) -> tuple[bytes, list[SpokenWord]]:
    heard = [item for event in events for item in assembler.take(event)]
    heard += assembler.finish()
    audio = b"".join(item.data for item in heard if isinstance(item, SpokenAudio))
    return audio, [item for item in heard if isinstance(item, SpokenWord)]


@given(st.binary(max_size=60), st.lists(st.integers(0, 60), max_size=8))
def test_sound_cut_inside_a_sample_comes_out_in_whole_samples(data: bytes, cuts: list[int]) -> None:
    assembler = ClauseAssembler("hi", WIDEBAND)
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = [data[a:b] for a, b in pairwise(edges)]
    items = [item for piece in pieces for item in assembler.take(Sound("c", piece))]
    runs = [item.data for item in items if isinstance(item, SpokenAudio)]
    assert all(len(run) % 2 == 0 for run in runs)
    assert b"".join(runs) == data[: len(data) // 2 * 2]


def letters(text: str, each: float = 0.1) -> tuple[TimedText, ...]:
    return tuple(TimedText(c, i * each, (i + 1) * each) for i, c in enumerate(text))


def tenths(count: int) -> bytes:
    return b"\x7f" * (count * 800)


def test_letters_timed_from_their_own_chunk_are_moved_to_the_clause() -> None:
    _, told = taken(
        ClauseAssembler("hello you two", PHONE),
        Sound("c", tenths(8), letters("hello yo")),
        Sound("c", tenths(5), letters("u two")),
    )
    assert spans(told) == [("hello", 0, 0.5), ("you", 0.6, 0.9), ("two", 1.0, 1.3)]


def test_letters_may_come_after_the_sound_they_belong_to() -> None:
    _, told = taken(
        ClauseAssembler("one two", PHONE),
        Sound("c", tenths(4), letters("one ")),
        Sound("c", tenths(3)),
        Sound("c", b"", letters("two")),
    )
    assert spans(told) == [("one", 0, 0.3), ("two", 0.4, 0.7)]


def test_letters_may_come_before_the_sound_they_belong_to() -> None:
    _, told = taken(
        ClauseAssembler("one two", PHONE),
        Sound("c", tenths(4), letters("one ")),
        Sound("c", b"", letters("two")),
        Sound("c", tenths(3)),
    )
    assert spans(told) == [("one", 0, 0.3), ("two", 0.4, 0.7)]


def test_tags_among_the_letters_are_no_words() -> None:
    _, told = taken(
        ClauseAssembler("one two", PHONE),
        Sound("c", tenths(30), letters('one <break time="0.5s" /> two')),
    )
    assert [word.text for word in told] == ["one", "two"]
    assert told[1].start == pytest.approx(2.6)


def test_tags_among_the_words_are_no_words() -> None:
    theirs = evenly(["<break", 'time="500ms"/>', "Hello", "there"])
    _, told = taken(
        ClauseAssembler("Hello there", PHONE), WordTimes("c", tuple(theirs)), Sound("c", tenths(20))
    )
    assert spans(told) == [("Hello", 1, 1.5), ("there", 1.5, 2)]


def test_the_last_word_ends_inside_the_sound() -> None:
    _, told = taken(
        ClauseAssembler("Hello there", PHONE),
        WordTimes("c", (TimedText("Hello", 0, 0.5), TimedText("there", 0.5, 9.0))),
        Sound("c", tenths(10)),
    )
    assert told[-1].end == 1.0


def test_a_clause_without_anything_to_pronounce_tells_its_words_in_no_time() -> None:
    assert not has_sound("- ! ?")
    told = ClauseAssembler("- ! ?", PHONE).silent_words()
    assert [word.text for word in told] == ["-", "!", "?"]


@given(st.text(max_size=40))
def test_no_text_becomes_markup(text: str) -> None:
    assert not set(sayable(text)) & set("<>[]&\n")
