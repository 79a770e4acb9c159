"""Sound of one call cut into windows of 32 ms, each with its place on the audio clock."""

from collections import deque
from typing import Final

import numpy as np
import numpy.typing as npt

from voice_agent.core.audio import AudioFormat, AudioFrame, Samples
from voice_agent.core.errors import ConfigurationError

WINDOW: Final = 0.032
"""Seconds; 256 samples at 8 kHz, 512 at 16 kHz, as Silero was trained."""
GAP: Final = 0.02
"""Seconds of missing sound after which the clock is set anew: one telephone frame."""

Window = npt.NDArray[np.float32]
"""Samples of one window, full scale 1.0."""


class AudioClock:
    """Says where each frame lies, also when the sender left gaps or stamps nothing."""

    def __init__(self, audio: AudioFormat) -> None:
        """`audio` is the format every frame must have."""
        self._format = audio
        self._expected: float | None = None

    def place(self, frame: AudioFrame) -> float:
        """Start of the frame in seconds, never before the end of the one before.

        Raises:
            ConfigurationError: the frame has another format than the stream.
        """
        if frame.format != self._format:
            raise ConfigurationError(f"a frame of {frame.format} in a stream of {self._format}")
        start = self._expected
        if start is None or frame.start > start + GAP:
            start = frame.start
        self._expected = start + frame.duration
        return start


class WindowCutter:
    """Collects samples and gives them back as whole windows."""

    def __init__(self, rate: int) -> None:
        """`rate` in Hz."""
        self._rate = rate
        self._size = round(WINDOW * rate)
        self._whole: deque[tuple[float, Window]] = deque()
        self._held = np.zeros(0, np.int16)
        self._start = 0.0

    def add(self, samples: Samples, start: float) -> None:
        """Take sound that begins at `start` seconds; a gap drops the window it cuts in two."""
        if not len(self._held) or start > self._start + len(self._held) / self._rate + GAP:
            self._held, self._start = samples, start
        else:
            self._held = np.concatenate((self._held, samples))
        while len(self._held) >= self._size:
            self._whole.append((self._start, self._cut()))

    def take(self) -> tuple[float, Window] | None:
        """The next whole window and its start, or None."""
        return self._whole.popleft() if self._whole else None

    def _cut(self) -> Window:
        window = self._held[: self._size].astype(np.float32) / np.float32(32768)
        self._held = self._held[self._size :]
        self._start += self._size / self._rate
        return window
