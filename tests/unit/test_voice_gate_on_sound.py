"""Detector and gate together, on synthesised speech and on things that are no speech."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from support.engines import running, spoken
from support.requirements import require
from voice_agent.core.audio import PHONE, WIDEBAND, AudioFormat, Encoding, Samples, decode, encode
from voice_agent.core.speech import SpeechRequest, SpeechStarted, SpeechStopped, VoiceActivity
from voice_agent.engines.registry import Kind, find
from voice_agent.engines.vad.silero_model import INSTALL, CallMemory, load_model, weights_path
from voice_agent.engines.vad.windows import WINDOW, WindowCutter
from voice_agent.pipeline.voice_gate import VoiceGate

pytestmark = pytest.mark.anyio
formats = pytest.mark.parametrize("audio", [PHONE, WIDEBAND], ids=str)
Wave = npt.NDArray[np.float64]
SECONDS = 12


def gated(samples: Samples, audio: AudioFormat) -> list[SpeechStarted | SpeechStopped]:
    """What a call over a line of this format would be told."""
    path = weights_path()
    require(path, "the voice activity network", INSTALL)
    assert path is not None
    model, memory, gate = load_model(path), CallMemory(audio.rate), VoiceGate()
    cutter = WindowCutter(audio.rate)
    cutter.add(decode(encode(samples, audio.encoding), audio.encoding), 0.0)
    told = []
    while taken := cutter.take():
        start, window = taken
        (probability,) = model.listen(audio.rate, [window], [memory])
        told.append(gate.process(VoiceActivity(start, start + WINDOW, probability)))
    return [event for event in told if event]


def at_level(wave: Wave, decibels: float) -> Samples:
    """RMS in dB under full scale."""
    scaled = wave / max(float(wave.std()), 1e-9) * 32768 * 10 ** (decibels / 20)
    return np.clip(scaled, -32768, 32767).astype(np.int16)


def time_axis(rate: int) -> Wave:
    return np.arange(SECONDS * rate) / rate


def white(rate: int) -> Wave:
    return np.random.default_rng(2).normal(0, 1, SECONDS * rate)


def hum(rate: int) -> Wave:
    axis = time_axis(rate)
    wave: Wave = np.sum([np.sin(2 * np.pi * 50 * k * axis) / k for k in range(1, 12)], axis=0)
    return wave


def chords(rate: int) -> Wave:
    axis, notes = time_axis(rate), np.zeros(SECONDS * rate)
    for number, tonic in enumerate([261.6, 220.0, 174.6, 196.0] * (SECONDS // 4)):
        beat = slice(number * rate, (number + 1) * rate)
        for step in (1.0, 1.26, 1.5):
            notes[beat] += np.sin(2 * np.pi * tonic * step * axis[beat])
        notes[beat] *= np.exp(-1.5 * (axis[beat] - number))
    return notes


@formats
@pytest.mark.parametrize("noise", [np.zeros, white, hum], ids=lambda f: f.__name__)
def test_no_speech_is_found_where_there_is_none(
    noise: Callable[[int], Wave], audio: AudioFormat
) -> None:
    assert gated(at_level(noise(audio.rate), -30), audio) == []


@formats
def test_music_is_mistaken_for_speech_for_moments_only(audio: AudioFormat) -> None:
    told = gated(at_level(chords(audio.rate), -30), audio)
    edges = [event.at for event in told] + ([float(SECONDS)] if len(told) % 2 else [])
    mistaken = sum(stop - start for start, stop in zip(edges[::2], edges[1::2], strict=True))
    assert mistaken < 0.1 * SECONDS


@formats
@pytest.mark.parametrize(
    "text", ["Where is my order?", "Yes please.", "Hello, I have a question about a refund."]
)
async def test_speech_in_a_quiet_room_begins_and_ends_where_it_is(
    text: str, audio: AudioFormat
) -> None:
    linear = AudioFormat(Encoding.PCM16, audio.rate)
    async with running(find(Kind.TTS, "espeak")) as voice:
        speech = (await spoken(voice, SpeechRequest(text, linear))).samples
    voiced = np.flatnonzero(np.abs(speech.astype(np.int32)) > 300)
    room = np.random.default_rng(3).normal(0, 10, 2 * audio.rate).astype(np.int16)
    before, after = room, room[: audio.rate]
    told = gated(np.concatenate((before, speech, after)), audio)
    begin, end = 2.0 + voiced[0] / audio.rate, 2.0 + voiced[-1] / audio.rate
    assert isinstance(told[0], SpeechStarted)
    assert isinstance(told[-1], SpeechStopped)
    assert -0.06 < told[0].at - begin < 0.16
    assert -0.06 < told[-1].at - end < 0.16
