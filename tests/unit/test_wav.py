import io
import struct
import wave

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from voice_agent.core.audio import Encoding, Samples, encode
from voice_agent.core.errors import ConfigurationError
from voice_agent.simulation.wav import read_wav, write_wav

SAMPLES = arrays(np.int16, st.integers(1, 300))


def a_sine(rate: int, seconds: float = 0.5, hz: float = 400.0) -> Samples:
    moments = np.arange(round(rate * seconds)) / rate
    return np.round(10_000 * np.sin(2 * np.pi * hz * moments)).astype(np.int16)


def a_wav(tag: int, bits: int, body: bytes, rate: int = 8000, channels: int = 1) -> bytes:
    width = bits // 8 * channels
    layout = struct.pack("<HHIIHH", tag, channels, rate, rate * width, width, bits)
    chunks = b"fmt " + struct.pack("<I", len(layout)) + layout
    chunks += b"data" + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def widened(samples: Samples, bits: int) -> bytes:
    match bits:
        case 8:
            return ((samples >> 8) + 128).astype(np.uint8).tobytes()
        case 16:
            return samples.astype("<i2").tobytes()
        case 24:
            return (samples.astype("<i4") << 8).view(np.uint8).reshape(-1, 4)[:, :3].tobytes()
    return (samples.astype("<i4") << 16).tobytes()


@given(SAMPLES)
def test_what_is_written_is_read_back(samples: Samples) -> None:
    sound = read_wav(write_wav([samples], 16000))
    assert sound.rate == 16000
    assert np.array_equal(sound.samples, samples)


@given(SAMPLES)
def test_the_standard_library_reads_what_is_written(samples: Samples) -> None:
    with wave.open(io.BytesIO(write_wav([samples, samples[::-1]], 8000))) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, 8000)
        frames = np.frombuffer(file.readframes(len(samples)), "<i2").reshape(-1, 2)
    assert np.array_equal(frames[:, 0], samples)
    assert np.array_equal(frames[:, 1], samples[::-1])


@pytest.mark.parametrize("bits", [16, 24, 32])
@given(samples=SAMPLES)
def test_wider_integers_keep_the_16_upper_bits(bits: int, samples: Samples) -> None:
    assert np.array_equal(read_wav(a_wav(1, bits, widened(samples, bits))).samples, samples)


@given(SAMPLES)
def test_eight_bits_are_unsigned(samples: Samples) -> None:
    read = read_wav(a_wav(1, 8, widened(samples, 8))).samples
    assert np.array_equal(read, (samples >> 8) << 8)


@pytest.mark.parametrize(("bits", "dtype"), [(32, "<f4"), (64, "<f8")])
@given(samples=SAMPLES)
def test_floats_are_fractions_of_full_scale(bits: int, dtype: str, samples: Samples) -> None:
    body = (samples / 32768).astype(dtype).tobytes()
    assert np.array_equal(read_wav(a_wav(3, bits, body)).samples, samples)


def test_floats_that_are_no_numbers_or_too_loud_are_limited() -> None:
    body = np.array([np.nan, np.inf, -np.inf, 7.0, -7.0], "<f4").tobytes()
    assert read_wav(a_wav(3, 32, body)).samples.tolist() == [0, 32767, -32768, 32767, -32768]


def test_mulaw_files_are_read() -> None:
    samples = a_sine(8000)
    read = read_wav(a_wav(7, 8, encode(samples, Encoding.MULAW))).samples
    assert np.abs(read.astype(int) - samples).max() < 600


def test_channels_are_mixed_to_one() -> None:
    left, right = a_sine(8000), np.zeros(4000, np.int16)
    assert np.allclose(read_wav(write_wav([left, right], 8000)).samples, left / 2, atol=1)


def test_the_extensible_header_is_understood() -> None:
    samples = a_sine(8000)
    layout = struct.pack("<HHIIHH", 0xFFFE, 1, 8000, 16000, 2, 16)
    layout += struct.pack("<HHIH", 22, 16, 4, 1) + bytes(14)
    body = samples.astype("<i2").tobytes()
    chunks = b"fmt " + struct.pack("<I", len(layout)) + layout + b"LIST\x03\0\0\0abc\0"
    chunks += b"data" + struct.pack("<I", len(body)) + body
    data = b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks
    assert np.array_equal(read_wav(data).samples, samples)


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
def test_a_recorder_that_never_wrote_the_size_is_forgiven(size: int) -> None:
    data = a_wav(1, 16, b"\x01\x02" * 100)
    streamed = data[:40] + struct.pack("<I", size) + data[44:]
    assert len(read_wav(streamed).samples) == 100


@pytest.mark.parametrize("rate", [8000, 11025, 11127, 22050, 44100, 47999, 48000, 96000])
def test_any_rate_becomes_the_phones(rate: int) -> None:
    phone = read_wav(write_wav([a_sine(rate)], rate)).at(8000)
    assert len(phone) == pytest.approx(4000, abs=3)
    middle = phone[1000:3000].astype(float)
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    assert np.argmax(spectrum) * 8000 / len(middle) == pytest.approx(400, abs=5)
    assert middle.std() == pytest.approx(10_000 / np.sqrt(2), rel=0.05)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "no WAV file"),
        (b"fLaC" + bytes(100), "fLaC"),
        (b"RIFF\0\0\0\0WAVE", "no format"),
        (a_wav(1, 16, b""), "no sound"),
        (a_wav(1, 16, b"\x01"), "no sound"),
        (a_wav(2, 4, b"\x01" * 50), "ADPCM"),
        (a_wav(6, 8, b"\x01" * 50), "A-law"),
        (a_wav(1, 12, b"\x01" * 50), "12 bits"),
        (a_wav(1, 16, b"\x01" * 50, rate=0), "at 0 Hz"),
        (a_wav(1, 16, b"\x01" * 50, channels=0), "0 channels"),
    ],
)
def test_what_cannot_be_read_is_said(data: bytes, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        read_wav(data)


@given(st.binary(max_size=200), st.integers(0, 60))
def test_damaged_files_give_an_error_or_a_sound(noise: bytes, at: int) -> None:
    whole = a_wav(1, 16, b"\x01\x02" * 20)
    try:
        sound = read_wav(whole[:at] + noise + whole[at + len(noise) :])
    except ConfigurationError:
        return
    assert len(sound.samples)
