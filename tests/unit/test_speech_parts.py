"""Trimmed edges, word times and turns between threads."""

import threading
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from voice_agent.core.audio import Samples
from voice_agent.core.speech import SpokenWord
from voice_agent.engines.tts.baton import Baton
from voice_agent.engines.tts.edges import LEAD, QUIET, TAIL, EdgeTrimmer
from voice_agent.engines.tts.word_times import WordTimer

RATE = 8000
blocks = st.lists(
    st.tuples(st.integers(0, 400), st.sampled_from([0, QUIET, QUIET + 1, 9000])), max_size=12
)


def sound(parts: list[tuple[int, int]]) -> Samples:
    return np.concatenate([np.full(count, level, np.int16) for count, level in [*parts, (0, 0)]])


def trimmed(samples: Samples, cuts: list[int]) -> tuple[Samples, float]:
    trimmer = EdgeTrimmer(RATE)
    pieces = [trimmer.process(piece) for piece in np.split(samples, sorted(cuts))]
    return np.concatenate([*pieces, trimmer.finish()]), trimmer.cut


@given(blocks, st.lists(st.integers(0, 3000), max_size=6))
def test_only_quiet_at_the_edges_is_cut(parts: list[tuple[int, int]], cuts: list[int]) -> None:
    samples = sound(parts)
    result, cut = trimmed(samples, [min(c, len(samples)) for c in cuts])
    loud = np.flatnonzero(samples > QUIET)
    if not len(loud):
        assert not len(result)
        return
    first = max(int(loud[0]) - round(LEAD * RATE), 0)
    last = min(int(loud[-1]) + 1 + round(TAIL * RATE), len(samples))
    assert np.array_equal(result, samples[first:last])
    assert round(cut * RATE) == first


@given(
    st.lists(st.text("abc,.", min_size=1, max_size=9), min_size=1, max_size=20),
    st.lists(st.tuples(st.integers(-2, 25), st.floats(0, 10)), max_size=30),
)
def test_every_word_gets_one_span_whatever_the_engine_reports(
    tokens: list[str], onsets: list[tuple[int, float]]
) -> None:
    timer = WordTimer(tokens)
    words: list[SpokenWord] = []
    for index, at in onsets:
        words += timer.onset(index, at)
    words += timer.finish(10.0)
    assert [word.text for word in words] == tokens
    assert all(0 <= word.start <= word.end + 1e-9 for word in words)
    assert all(before.start <= after.start + 1e-9 for before, after in pairwise(words))


def test_words_run_together_share_their_time_by_length() -> None:
    timer = WordTimer(["for", "the", "sakes", "of"])
    words = [*timer.onset(0, 0.0), *timer.onset(2, 0.6), *timer.finish(1.3)]
    assert [(w.text, round(w.start, 2), round(w.end, 2)) for w in words] == [
        ("for", 0.0, 0.3),
        ("the", 0.3, 0.6),
        ("sakes", 0.6, 1.1),
        ("of", 1.1, 1.3),
    ]


def test_a_word_spoken_as_several_keeps_its_first_onset() -> None:
    timer = WordTimer(["1042", "is"])
    words = [*timer.onset(0, 0.1), *timer.onset(0, 0.4), *timer.onset(1, 0.9), *timer.finish(1.0)]
    assert [(w.start, w.end) for w in words] == [(0.1, 0.9), (0.9, 1.0)]


def test_the_thread_with_least_goes_first() -> None:
    baton, order = Baton(), []
    baton.take(0.0)

    def run(weight: float) -> None:
        baton.take(weight)
        order.append(weight)
        baton.give()

    threads = [threading.Thread(target=run, args=(weight,)) for weight in (3.0, 1.0, 2.0)]
    for thread in threads:
        thread.start()
    while len(baton._waiting) < 3:
        threading.Event().wait(0.001)
    baton.pass_on(0.5)
    assert order == []
    baton.pass_on(2.5)
    assert order == [1.0, 2.0]
    baton.give()
    for thread in threads:
        thread.join()
    assert order == [1.0, 2.0, 3.0]


def test_only_one_thread_ever_has_the_baton() -> None:
    baton, inside, most = Baton(), [0], [0]

    def run(number: int) -> None:
        baton.take(0.0)
        for step in range(50):
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            inside[0] -= 1
            baton.pass_on(step + number / 10)
        baton.give()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]
