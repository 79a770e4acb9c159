"""A person at this machine's microphone and speaker as the caller."""

import importlib
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import numpy as np

from voice_agent.core.audio import AudioFormat, decode, encode
from voice_agent.core.errors import ProviderUnavailable
from voice_agent.simulation.handset import SILENT, Act, Heard
from voice_agent.simulation.phone_line import FRAME_SECONDS

MOST_FRAMES: Final = 10
"""Frames (200 ms) that may wait on either side before the oldest is dropped."""
HOW_TO_INSTALL: Final = "the library PortAudio is missing; run: sudo apt-get install libportaudio2"


class LiveCaller:
    """Passes frames between the sound card's thread and the call."""

    def __init__(self, audio: AudioFormat) -> None:
        self._audio = audio
        self._samples = round(audio.rate * FRAME_SECONDS)
        self._spoken: deque[bytes] = deque(maxlen=MOST_FRAMES)
        self._heard: deque[bytes] = deque(maxlen=MOST_FRAMES)

    def act(self, heard: Heard) -> Act:
        """Hand on 20 ms in both directions."""
        self._heard.append(heard.frame)
        return Act(self._spoken.popleft()) if self._spoken else SILENT

    def exchange(self, microphone: Any, speaker: Any, *_: object) -> None:
        """The sound card's callback: 20 ms of PCM16 in and out, on its own thread."""
        pcm = np.frombuffer(bytes(microphone), "<i2")
        self._spoken.append(encode(pcm, self._audio.encoding))
        frame = self._heard.popleft() if self._heard else b""
        out = decode(frame, self._audio.encoding).astype("<i2").tobytes()
        speaker[:] = out.ljust(len(speaker), b"\x00")[: len(speaker)]


@contextmanager
def live_caller(audio: AudioFormat) -> Iterator[LiveCaller]:
    """The machine's default microphone and speaker, open for the length of the block.

    Raises:
        ProviderUnavailable: there is no PortAudio or no usable device; says what to do.
    """
    try:
        sounddevice = importlib.import_module("sounddevice")
    except ImportError:
        raise _unavailable("the microphone needs: pip install sounddevice") from None
    except OSError:
        raise _unavailable(HOW_TO_INSTALL) from None
    caller = LiveCaller(audio)
    try:
        stream = sounddevice.RawStream(
            samplerate=audio.rate,
            blocksize=round(audio.rate * FRAME_SECONDS),
            channels=1,
            dtype="int16",
            callback=caller.exchange,
        )
    except (sounddevice.PortAudioError, ValueError) as error:
        raise _unavailable(
            f"no microphone and speaker could be opened ({error}); "
            "`python -m sounddevice` lists the devices"
        ) from None
    with stream:
        yield caller


def _unavailable(message: str) -> ProviderUnavailable:
    return ProviderUnavailable(message, provider="sounddevice")
