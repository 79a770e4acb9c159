"""The caller's side of a Realtime session: the sound buffer and the turns found in it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from voice_agent.core.audio import AudioFormat
from voice_agent.simulation.providers.ear import SHORTEST_SILENCE, Ear, Listened, reached
from voice_agent.simulation.providers.openai.realtime_settings import TurnDetection

SHORTEST_COMMIT: Final = 0.1
"""Seconds of sound that a commit by hand must find."""


@dataclass(frozen=True, slots=True)
class Began:
    """Speech began; `start` is where the item's sound begins, with the padding before it."""

    onset: float
    start: float


@dataclass(frozen=True, slots=True)
class Ended:
    """Speech ended: its last voiced sound, and the moment that became certain."""

    voiced_until: float
    at: float


@dataclass(frozen=True, slots=True)
class Waited:
    """The caller has said nothing for as long as the session allows."""

    since: float
    at: float


Found = Began | Ended | Waited


class InputBuffer:
    """Sound that was appended; seconds of audio since the session began."""

    def __init__(self, audio: AudioFormat, detection: TurnDetection | None) -> None:
        """`detection` None: turns are committed by hand."""
        self.audio = audio
        self._detection = detection
        self._ear = Ear(audio, threshold=_threshold(detection))
        self._taken = 0
        self._committed = 0.0
        self._began: Began | None = None
        self._idle_from: float | None = None

    @property
    def now(self) -> float:
        """Where the sound ends."""
        return self._taken / self.audio.bytes_per_second

    @property
    def start(self) -> float:
        """Where the sound that is not committed yet begins."""
        return self._began.start if self._began else self._committed

    @property
    def speaking(self) -> bool:
        """Whether the detector is inside of a turn."""
        return self._began is not None

    @property
    def waiting(self) -> float:
        """Seconds of sound that are not committed yet."""
        return self.now - self.start

    def detect(self, detection: TurnDetection | None) -> None:
        """Find turns otherwise from now on."""
        old, self._detection = self._detection, detection
        if _threshold(old) != _threshold(detection):
            self._ear = Ear(self.audio, threshold=_threshold(detection), start=self.now)
        if detection is None:
            self._began = None

    def append(self, data: bytes) -> Iterator[Found]:
        """Take sound; tells what is found in it."""
        self._taken += len(data)
        for listened in self._ear.listen(data):
            if self._detection is not None:
                yield from self._look(listened, self._detection)

    def commit(self) -> None:
        """What is there so far becomes an item."""
        self._committed = self.now
        self._began = None

    def idle_from(self, moment: float | None) -> None:
        """Count the caller's silence from this moment on, None: not at all."""
        self._idle_from = moment

    def _look(self, listened: Listened, detection: TurnDetection) -> Iterator[Found]:
        began = self._began
        new = listened.voiced_until > self._committed
        if began is None and listened.onset is not None and new:
            onset = max(listened.onset, self._committed)
            start = max(onset - detection.prefix, self._committed, 0.0)
            self._began, self._idle_from = Began(onset, start), None
            yield self._began
        elif began and reached(listened.silence, max(detection.silence, SHORTEST_SILENCE)):
            self._began, self._committed = None, listened.end
            yield Ended(listened.voiced_until, listened.end)
        since = self._idle_from
        if since is not None and detection.idle and reached(listened.end - since, detection.idle):
            self._idle_from, self._committed = None, listened.end
            yield Waited(since, listened.end)


def _threshold(detection: TurnDetection | None) -> float:
    return min(max(detection.threshold, 0.05), 0.98) if detection else 0.5
