"""What every voice activity detector promises; a new one joins by its file."""

from functools import partial
from itertools import pairwise

import numpy as np
import pytest

from support.engines import running, speech, usable
from support.waiting import until
from voice_agent.core.audio import (
    PHONE,
    WIDEBAND,
    AudioFormat,
    AudioFrame,
    Encoding,
    Samples,
    encode,
)
from voice_agent.core.errors import ConfigurationError
from voice_agent.core.ports import VoiceActivityDetector
from voice_agent.core.speech import VoiceActivity
from voice_agent.engines.registry import Kind, Provider

WINDOW = 0.032
TEXT = "Hello, I would like to know where my order is."

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize("provider", usable(Kind.VAD), ids=lambda p: p.name),
]
formats = pytest.mark.parametrize(
    "audio", [PHONE, WIDEBAND, AudioFormat(Encoding.PCM16, 48000)], ids=str
)


def quiet(seconds: float, rate: int) -> Samples:
    """A line with a little noise, as lines are."""
    noise = np.random.default_rng(1).normal(0, 8, round(seconds * rate))
    return noise.astype(np.int16)


def frames(samples: Samples, audio: AudioFormat, size: float = 0.02) -> list[AudioFrame]:
    data, step = encode(samples, audio.encoding), audio.byte_count(size)
    pieces = [data[at : at + step] for at in range(0, len(data), step)]
    return [AudioFrame(piece, audio, n * size) for n, piece in enumerate(pieces)]


async def listen(detector: VoiceActivityDetector, heard: list[AudioFrame]) -> list[VoiceActivity]:
    told: list[VoiceActivity] = []
    stream = detector.open(heard[0].format, told.append)
    for number, frame in enumerate(heard):
        stream.push(frame)
        if number % 20 == 0:
            await until(partial(_caught_up, told, frame.end))
    # A resampler keeps a fraction of a window.
    await until(lambda: _caught_up(told, heard[-1].end))
    stream.close()
    return told


def _caught_up(told: list[VoiceActivity], end: float) -> bool:
    return end - (told[-1].end if told else 0.0) < WINDOW + 0.002


@formats
async def test_windows_follow_each_other_without_a_hole(
    provider: Provider, audio: AudioFormat
) -> None:
    async with running(provider) as detector:
        told = await listen(detector, frames(quiet(2.0, audio.rate), audio))
    assert told[0].start == pytest.approx(0.0)
    assert all(window.end - window.start == pytest.approx(WINDOW) for window in told)
    assert all(before.end == pytest.approx(after.start) for before, after in pairwise(told))
    assert all(0 <= window.probability <= 1 for window in told)


@formats
async def test_speech_is_told_from_the_quiet_around_it(
    provider: Provider, audio: AudioFormat
) -> None:
    spoken = await speech(TEXT, AudioFormat(Encoding.PCM16, audio.rate))
    before, after = quiet(2.0, audio.rate), quiet(1.0, audio.rate)
    async with running(provider) as detector:
        told = await listen(detector, frames(np.concatenate((before, spoken, after)), audio))
    end = 2.0 + len(spoken) / audio.rate
    inside = [w.probability for w in told if w.start > 2.0 and w.end < end - 0.3]
    outside = [w.probability for w in told if w.end < 2.0 or w.start > end + 0.2]
    assert np.mean(np.array(inside) > 0.5) > 0.7
    assert max(outside) < 0.35


@pytest.mark.parametrize("size", [0.005, 0.04, 0.1, 1.0])
async def test_the_size_of_frames_does_not_matter(provider: Provider, size: float) -> None:
    spoken = await speech(TEXT, PHONE)
    async with running(provider) as detector:
        usual = await listen(detector, frames(spoken, PHONE))
        other = await listen(detector, frames(spoken, PHONE, size))
    chances = [[round(w.probability, 3) for w in told] for told in (usual, other)]
    shorter = min(map(len, chances))
    assert chances[0][:shorter] == pytest.approx(chances[1][:shorter], abs=2e-3)


async def test_calls_do_not_disturb_each_other(provider: Provider) -> None:
    spoken = await speech(TEXT, PHONE)
    turned = np.ascontiguousarray(spoken[::-1])
    async with running(provider) as detector:
        alone = await listen(detector, frames(spoken, PHONE))
        together: list[list[VoiceActivity]] = [[], [], []]
        streams = [detector.open(PHONE, told.append) for told in together]
        rows = zip(*(frames(s, PHONE) for s in (spoken, turned, spoken)), strict=True)
        for number, row in enumerate(rows):
            for stream, frame in zip(streams, row, strict=True):
                stream.push(frame)
            if number % 20 == 0:
                for told in together:
                    await until(partial(_caught_up, told, row[0].end))
        await until(lambda: all(len(told) == len(alone) for told in together))
    for told in (together[0], together[2]):
        assert [w.probability for w in told] == pytest.approx(
            [w.probability for w in alone], abs=2e-3
        )


async def test_a_hole_in_the_sound_moves_the_clock_on(provider: Provider) -> None:
    told: list[VoiceActivity] = []
    async with running(provider) as detector:
        stream = detector.open(PHONE, told.append)
        silence = PHONE.silence(0.2)
        stream.push(AudioFrame(silence, PHONE, 0.0))
        stream.push(AudioFrame(silence, PHONE, 7.0))
        await until(lambda: len(told) == 12)
    assert told[5].end == pytest.approx(6 * WINDOW)
    assert told[6].start == pytest.approx(7.0)


async def test_frames_without_a_stamp_are_counted(provider: Provider) -> None:
    told: list[VoiceActivity] = []
    async with running(provider) as detector:
        stream = detector.open(PHONE, told.append)
        for _ in range(50):
            stream.push(AudioFrame(PHONE.silence(0.02), PHONE))
        await until(lambda: len(told) == 31)
    assert told[-1].end == pytest.approx(31 * WINDOW)


async def test_a_closed_stream_is_silent(provider: Provider) -> None:
    told: list[VoiceActivity] = []
    other: list[VoiceActivity] = []
    async with running(provider) as detector:
        stream, witness = detector.open(PHONE, told.append), detector.open(PHONE, other.append)
        stream.push(AudioFrame(PHONE.silence(0.1), PHONE))
        await until(lambda: len(told) == 3)
        stream.close()
        for listener in (stream, witness):
            listener.push(AudioFrame(PHONE.silence(0.5), PHONE, 0.1))
        await until(lambda: len(other) == 15)
    assert len(told) == 3


async def test_another_format_is_refused(provider: Provider) -> None:
    async with running(provider) as detector:
        stream = detector.open(PHONE, lambda _: None)
        with pytest.raises(ConfigurationError):
            stream.push(AudioFrame(WIDEBAND.silence(0.02), WIDEBAND))
