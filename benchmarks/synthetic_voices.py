"""Synthetic callers, for measuring only: flite, festival and espeak-ng through their commands."""

import shutil
import subprocess
import wave
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path

import numpy as np

from voice_agent.core.audio import Samples
from voice_agent.core.resample import resample

RATE = 16_000
PEAK = 12_000
NOISE = 3.0
"""Standard deviation of the room's noise, in sample steps: about -80 dB of full scale."""
LEAD, TRAIL = 0.5, 0.35
"""Seconds of quiet before and after what is said."""

Command = Callable[[str, Path], None]


def _flite(voice: str) -> Command:
    def speak(text: str, path: Path) -> None:
        subprocess.run(["flite", "-voice", voice, "-t", text, "-o", path], check=True)

    return speak


def _espeak(voice: str) -> Command:
    def speak(text: str, path: Path) -> None:
        subprocess.run(["espeak-ng", "-v", voice, "-w", path, text], check=True)

    return speak


def _festival(text: str, path: Path) -> None:
    options = ["-eval", "(voice_cmu_us_slt_arctic_hts)", "-F", str(RATE), "-o", str(path)]
    subprocess.run(
        ["text2wave", *options], input=text.encode(), check=True, stderr=subprocess.DEVNULL
    )


VOICES: Mapping[str, tuple[str, Command]] = {
    "rms": ("flite", _flite("rms")),
    "slt": ("flite", _flite("slt")),
    "awb": ("flite", _flite("awb")),
    "kal16": ("flite", _flite("kal16")),
    "hts": ("text2wave", _festival),
    "espeak": ("espeak-ng", _espeak("en-us")),
    "espeak+f3": ("espeak-ng", _espeak("en-us+f3")),
}
"""What each voice needs installed, and how it speaks into a file."""


def installed() -> list[str]:
    """The voices that can speak here."""
    return [name for name, (command, _) in VOICES.items() if shutil.which(command)]


def say(text: str, voice: str, cache: Path) -> Samples:
    """A caller's sentence in a quiet room, at 16 kHz."""
    name = sha256(f"{voice} {text}".encode()).hexdigest()[:16]
    path = cache / f"{name}.wav"
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        VOICES[voice][1](text, path)
    return in_a_room(read(path))


def read(path: Path) -> Samples:
    """A mono 16-bit WAV file at 16 kHz."""
    with wave.open(str(path)) as file:
        sound = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return resample(sound, file.getframerate(), RATE)


def in_a_room(sound: Samples) -> Samples:
    """Even loudness, quiet around it, a trace of noise."""
    loud = sound * (PEAK / max(int(np.abs(sound.astype(np.int32)).max()), 1))
    padded = np.pad(loud, (round(LEAD * RATE), round(TRAIL * RATE)))
    return (padded + np.random.default_rng(1).normal(0, NOISE, len(padded))).astype(np.int16)


def with_noise(sound: Samples, decibels: float) -> Samples:
    """The sound with pink noise so much (dB) weaker than its speech."""
    spectrum = np.fft.rfft(np.random.default_rng(2).normal(0, 1, len(sound)))
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    noise = np.fft.irfft(spectrum, len(sound))
    voiced = sound[np.abs(sound.astype(np.int32)) > PEAK / 50].astype(np.float64)
    loudness = np.sqrt(np.mean(voiced**2)) / 10 ** (decibels / 20)
    noisy = np.rint(sound + noise * (loudness / np.sqrt(np.mean(noise**2))))
    heard: Samples = np.clip(noisy, -32767, 32767).astype(np.int16)
    return heard


def over_the_phone(sound: Samples) -> Samples:
    """The sound at 8 kHz after 300-3400 Hz, to be coded as mu-law by the caller."""
    spectrum = np.fft.rfft(sound)
    hz = np.fft.rfftfreq(len(sound), 1 / RATE)
    spectrum[(hz < 300) | (hz > 3400)] = 0
    filtered = np.fft.irfft(spectrum, len(sound))[::2]
    return np.clip(filtered, -32767, 32767).astype(np.int16)
