"""Tracks made by hand, with answers that are known to the sample."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.echo_agent import tone
from voice_agent.core.audio import PHONE, WIDEBAND, AudioFormat, Samples, encode
from voice_agent.simulation.analysis import CallHeard, analyse, utterances_in
from voice_agent.simulation.caller import Utterance
from voice_agent.simulation.handset import Recording
from voice_agent.simulation.voicing import LoudnessGate, Segment, merged, voiced_segments

Spans = list[tuple[float, float]]


def track(spans: Spans, seconds: float, level: float = 0.3) -> bytes:
    sound = bytearray(b"\xff" * round(8000 * seconds))
    for start, end in spans:
        a, b = round(8000 * start), round(8000 * end)
        sound[a:b] = tone(end - start, level=level)[: b - a]
    return bytes(sound)


def a_call(
    caller: Spans,
    agent: Spans,
    seconds: float = 10.0,
    played: Spans | None = None,
    cleared: list[float] | None = None,
) -> Recording:
    recording = Recording(PHONE, [track(caller, seconds)], [track(agent, seconds)])
    for start, end in agent if played is None else played:
        recording.note_played(round(8000 * start), round(8000 * end))
    recording.cleared = [round(8000 * at) for at in cleared or ()]
    return recording


def measured(recording: Recording, caller: Spans) -> CallHeard:
    return analyse(recording, [Utterance(a, b, f"u{a}", barged_in=False) for a, b in caller])


def test_latency_runs_from_the_last_voiced_sample_to_the_first_of_the_reply() -> None:
    call = a_call([(2.0, 3.0)], [(0.1, 1.5), (3.65, 5.0)])
    heard = measured(call, [(2.0, 3.0)])
    assert heard.greeting_ms == pytest.approx(100, abs=1)
    assert heard.utterances[0].latency_ms == pytest.approx(650, abs=1)
    assert heard.utterances[0].barge_in_stop_ms is None


def test_silence_around_an_utterance_is_not_speech() -> None:
    call = a_call([(2.3, 2.8)], [(3.6, 5.0)])
    utterance = measured(call, [(2.0, 3.4)]).utterances[0]
    assert (utterance.start, utterance.end) == pytest.approx((2.3, 2.8), abs=0.001)
    assert utterance.latency_ms == pytest.approx(800, abs=1)


def test_an_utterance_without_a_reply_has_no_latency() -> None:
    call = a_call([(1.0, 2.0), (4.0, 5.0)], [(5.5, 6.0)])
    first, second = measured(call, [(1.0, 2.0), (4.0, 5.0)]).utterances
    assert first.latency_ms is None
    assert second.latency_ms == pytest.approx(500, abs=1)


def test_an_interruption_is_timed_from_the_callers_onset() -> None:
    call = a_call([(3.0, 4.0)], [(1.0, 3.18), (4.6, 6.0)], cleared=[3.18])
    heard = measured(call, [(3.0, 4.0)])
    assert heard.utterances[0].barge_in_stop_ms == pytest.approx(180, abs=1)
    assert heard.utterances[0].latency_ms == pytest.approx(600, abs=1)
    assert heard.overlap_ms == pytest.approx(180, abs=3)
    assert heard.gaps_ms == []


def test_a_short_dry_stretch_is_a_gap() -> None:
    call = a_call([], [(1.0, 2.0), (2.12, 3.0)])
    assert measured(call, []).gaps_ms == pytest.approx([120])


def test_silence_the_agent_sent_is_a_pause() -> None:
    call = a_call([], [(1.0, 2.0), (2.3, 3.0)], played=[(1.0, 3.0)])
    assert measured(call, []).gaps_ms == []


def test_speech_cut_in_the_middle_is_a_gap_however_it_ends() -> None:
    call = a_call([], [(1.0, 2.0), (2.8, 3.0)])
    assert measured(call, []).gaps_ms == pytest.approx([800])


def test_a_sentence_that_ended_before_the_line_ran_dry_is_no_gap() -> None:
    call = a_call([], [(1.0, 2.0), (2.8, 3.0)], played=[(1.0, 2.2), (2.8, 3.0)])
    assert measured(call, []).gaps_ms == []


def test_the_callers_turn_is_no_gap() -> None:
    call = a_call([(2.05, 2.2)], [(1.0, 2.0), (2.25, 3.0)])
    assert measured(call, [(2.05, 2.2)]).gaps_ms == []


def test_the_longest_silence_is_nobodys() -> None:
    call = a_call([(3.0, 4.0)], [(0.5, 2.0), (6.2, 9.5)])
    assert measured(call, [(3.0, 4.0)]).longest_silence_ms == pytest.approx(2200, abs=2)


def test_the_silence_before_a_polite_farewell_does_not_count() -> None:
    call = a_call([], [(0.2, 6.0)], seconds=10.0)
    assert analyse(call, []).longest_silence_ms == pytest.approx(4000, abs=2)
    assert analyse(call, [], farewell=True).longest_silence_ms == pytest.approx(200, abs=2)


def test_a_call_in_which_nobody_speaks_is_silence() -> None:
    heard = measured(a_call([], []), [])
    assert heard.longest_silence_ms == pytest.approx(10_000)
    assert heard.greeting_ms is None
    assert heard.agent_speech == []


def test_an_empty_recording_can_be_measured() -> None:
    assert analyse(Recording(PHONE), []).longest_silence_ms == 0


def test_utterances_of_a_person_are_found_in_the_recording() -> None:
    found = utterances_in(a_call([(1.0, 2.0), (2.4, 3.0), (5.0, 6.0)], []))
    assert [(u.start, u.end) for u in found] == [
        pytest.approx((1.0, 3.0), abs=0.001),
        pytest.approx((5.0, 6.0), abs=0.001),
    ]


@pytest.mark.parametrize("level", [0.9, 0.1, 0.02])
def test_quiet_speakers_are_measured_like_loud_ones(level: float) -> None:
    recording = Recording(
        PHONE, [track([(2.0, 3.0)], 6.0, level)], [track([(4.0, 5.0)], 6.0, level)]
    )
    assert measured(recording, [(2.0, 3.0)]).utterances[0].latency_ms == pytest.approx(1000, abs=2)


def test_faint_noise_is_not_voice() -> None:
    noise = np.random.default_rng(1).normal(0, 20, 80_000).astype(np.int16)
    assert voiced_segments(noise, 8000) == []


def test_noise_under_speech_does_not_prolong_it() -> None:
    samples = np.random.default_rng(1).normal(0, 100, 80_000)
    samples[16_000:32_000] += 8000 * np.sin(np.arange(16_000))
    found = merged(voiced_segments(samples.astype(np.int16), 8000), 100)
    assert len(found) == 1
    assert (found[0].start, found[0].end) == pytest.approx((16_000, 32_000), abs=80)


@given(st.lists(st.tuples(st.floats(0.05, 0.5), st.floats(0.06, 0.6)), max_size=6))
@settings(max_examples=30, deadline=None)
def test_every_burst_is_found_where_it_is(parts: list[tuple[float, float]]) -> None:
    spans, at = [], 0.0
    for silence, burst in parts:
        at += round(silence, 3)
        spans.append((round(at, 3), round(at + round(burst, 3), 3)))
        at = spans[-1][1]
    found = voiced_segments(a_call(spans, [], at + 1).caller_samples, 8000)
    assert len(found) == len(spans)
    for segment, (start, end) in zip(found, spans, strict=True):
        assert segment.start / 8000 == pytest.approx(start, abs=0.002)
        assert segment.end / 8000 == pytest.approx(end, abs=0.002)


@given(st.lists(st.tuples(st.integers(0, 1000), st.integers(1, 100)), max_size=20))
def test_merging_keeps_every_voiced_sample(parts: list[tuple[int, int]]) -> None:
    segments = sorted((Segment(a, a + n) for a, n in parts), key=lambda s: s.start)
    out = merged(segments, 50)
    covered = {n for s in out for n in range(s.start, s.end)}
    assert all(n in covered for s in segments for n in range(s.start, s.end))
    assert all(b.start - a.end >= 50 for a, b in pairwise(out))


@pytest.mark.parametrize("audio", [PHONE, WIDEBAND])
def test_the_gate_hears_speech_and_ignores_silence(audio: AudioFormat) -> None:
    gate = LoudnessGate(audio)
    loud: Samples = np.full(audio.rate // 50, 3000, np.int16)
    quiet: Samples = np.full(audio.rate // 50, 100, np.int16)
    assert gate.voiced(encode(loud, audio.encoding))
    assert not gate.voiced(encode(quiet, audio.encoding))
    assert not gate.voiced(audio.silence(0.02))
