"""What the simulated voices make of any text, any message and any sound."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_agent.core.audio import PHONE
from voice_agent.core.speech import SpokenWord
from voice_agent.simulation.providers.cartesia import script as cartesia_script
from voice_agent.simulation.providers.cartesia.refusals import Refusal
from voice_agent.simulation.providers.cartesia.requests import parse_object, read_request
from voice_agent.simulation.providers.cartesia.rules import VERSIONS, VOICE, Studio
from voice_agent.simulation.providers.elevenlabs import script
from voice_agent.simulation.providers.elevenlabs.messages import Violation, alignment, parse
from voice_agent.simulation.providers.mpeg import SilentMpeg
from voice_agent.simulation.providers.speaking import (
    LONGEST_CLAUSE,
    Packer,
    Packing,
    Pause,
    Say,
    Sound,
    WireFormat,
    said,
    sentences,
)

texts = st.text(
    st.sampled_from("ab c.!?…\"') <>/=5ms\n") | st.characters(codec="utf-8"), max_size=80
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
GOOD: dict[str, Any] = {
    "context_id": "a",
    "model_id": "sonic-3",
    "transcript": "Hello",
    "voice": VOICE,
    "language": "en",
    "locale": None,
    "speed": "normal",
    "max_buffer_delay_ms": 0,
    "generation_config": {"speed": 1.0, "emotion": "calm"},
    "output_format": {"container": "raw", "encoding": "pcm_mulaw", "sample_rate": 8000},
}
STUDIO = Studio()


@given(st.text() | st.binary() | json_values.map(repr))
def test_any_message_to_elevenlabs_is_read_or_refused(raw: str | bytes) -> None:
    with suppress(Violation):
        parse(raw)


@given(st.text() | st.binary())
def test_any_message_to_cartesia_is_read_or_refused(raw: str | bytes) -> None:
    with suppress(Refusal):
        parse_object(raw)


@given(st.sampled_from([*GOOD, "output_format.encoding", "output_format.container"]), json_values)
def test_any_field_of_a_cartesia_request_is_taken_or_refused(name: str, value: Any) -> None:
    outer, _, inner = name.partition(".")
    fields = GOOD | {outer: {**GOOD[outer], inner: value} if inner else value}
    with suppress(Refusal):
        read_request(fields, VERSIONS[-1], STUDIO)


@given(texts)
def test_no_word_is_lost_between_sentences(text: str) -> None:
    assert "".join(sentences(text)).split() == text.split()


def test_very_long_texts_are_cut_quickly() -> None:
    for text in ("x" * 40_000, "." * 40_000 + "x", "word " * 8_000):
        pieces = sentences(text)
        assert "".join(pieces) == text
        assert max(map(len, pieces)) <= LONGEST_CLAUSE


@given(texts)
def test_tags_are_words_where_ssml_is_not_enabled(text: str) -> None:
    assert script.passage(text, ssml=False) == [Say(text)]


@given(texts)
def test_any_text_can_be_spoken_with_tags(text: str) -> None:
    for passage in (script.passage(text, ssml=True), cartesia_script.passage(text)):
        assert all(0 <= part.seconds <= 10 for part in passage if isinstance(part, Pause))


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ('One<break time="500ms"/>two', "One[0.5 s]two"),
        ('<break time="9s" />two', "[3 s]two"),
        ('a <phoneme alphabet="ipa" ph="x">b</phoneme> &amp; c', "a b & c"),
        ("<break time=", "<break time="),
    ],
)
def test_ssml_is_carried_out(text: str, spoken: str) -> None:
    assert said(script.passage(text, ssml=True)) == spoken


def test_a_cartesia_tag_that_is_not_whole_is_spoken() -> None:
    assert said(cartesia_script.passage('One <break time="5')) == 'One <break time="5'


sounds = st.builds(
    lambda text, seconds, words: Sound(text, PHONE.silence(seconds), seconds, tuple(words)),
    texts.filter(bool),
    st.floats(0, 20),
    st.lists(st.builds(SpokenWord, texts, st.floats(-1, 30), st.floats(-1, 30)), max_size=6),
)


@given(sounds, st.integers(1, 3))
def test_characters_last_as_long_as_their_sound_however_it_is_cut(sound: Sound, n: int) -> None:
    whole = script.glyphs(sound)
    runs = script.cut(whole, n)
    assert "".join(glyph.text for run in runs for glyph in run) == sound.text
    assert sum(glyph.seconds for glyph in whole) == pytest.approx(sound.seconds, abs=1e-6)
    durations = [sum(alignment(run, "charDurationsMs")["charDurationsMs"]) for run in runs]
    assert sum(durations) == pytest.approx(sound.seconds * 1000, abs=len(runs))


@given(st.lists(st.integers(0, 9000), max_size=8), st.sampled_from([(44100, 128), (22050, 32)]))
def test_silent_mpeg_lasts_as_long_as_its_sound(pieces: list[int], kind: tuple[int, int]) -> None:
    rate, kilobits = kind
    mpeg = SilentMpeg(rate, kilobits)
    data = b"".join(map(mpeg.take, pieces)) + mpeg.flush()
    frames = -(-sum(pieces) // mpeg.frame_samples)
    expected = frames * mpeg.frame_samples / rate * kilobits * 125
    assert len(data) == pytest.approx(expected, abs=1)


def test_float_samples_are_the_same_sound() -> None:
    packer = Packer(WireFormat(Packing.FLOAT32, 16000))
    assert packer.pack(b"\x00\x40\x00\x80") == b"\x00\x00\x00\x3f\x00\x00\x80\xbf"
