"""The last seconds of the caller's sound, kept in case they have to be heard again; pure."""

from collections import deque
from collections.abc import Sequence
from typing import Final

from voice_agent.core.audio import AudioFrame

KEPT: Final = 10.0
"""Seconds of sound."""


class RecentSound:
    """A ring of frames; positions are seconds of sound since the first one."""

    def __init__(self, kept: float = KEPT) -> None:
        self._kept = kept
        self._frames: deque[tuple[float, AudioFrame]] = deque()
        self.position = 0.0

    def push(self, frame: AudioFrame) -> None:
        """Take the next frame and forget what is too old."""
        self._frames.append((self.position, frame))
        self.position += frame.duration
        while self._frames[0][0] < self.position - self._kept:
            self._frames.popleft()

    def since(self, position: float) -> Sequence[AudioFrame]:
        """The frames that end after `position`, oldest first."""
        return [frame for start, frame in self._frames if start + frame.duration > position]

    @property
    def begins(self) -> float:
        """The position of the oldest frame that is kept."""
        return self._frames[0][0] if self._frames else self.position
