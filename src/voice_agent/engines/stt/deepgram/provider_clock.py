"""Deepgram's clock: it counts the sound it received on a socket, from zero."""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import Final

from voice_agent.core.audio import AudioFrame

_JITTER: Final = 0.001
"""Frames that miss each other by less than this (s) belong together."""
_TOLD: Final = 0.01
"""Deepgram rounds its times; one that close (s) to a gap lies at the gap."""
_MOST_RUNS: Final = 1024


@dataclass(slots=True)
class _Run:
    """Sound without a gap; `caller_seconds` is 0 for silence of our own making."""

    received: float
    caller: float
    seconds: float
    caller_seconds: float


class ProviderClock:
    """Maps seconds of sound received by Deepgram to the caller's audio clock.

    Whatever was never sent (a muted call, dropped frames) does not exist for Deepgram.
    """

    def __init__(self) -> None:
        """At zero, nothing sent."""
        self.position = 0.0
        self._runs: list[_Run] = []
        self._starts: list[float] = []

    def sent(self, frame: AudioFrame) -> None:
        """The caller's sound went out."""
        last = self._runs[-1] if self._runs else None
        seamless = (
            last is not None
            and last.caller_seconds == last.seconds
            and abs(last.caller + last.seconds - frame.start) < _JITTER
        )
        if last is not None and seamless:
            last.seconds += frame.duration
            last.caller_seconds = last.seconds
        else:
            self._add(_Run(self.position, frame.start, frame.duration, frame.duration))
        self.position += frame.duration

    def padded(self, seconds: float) -> None:
        """Silence of our own went out."""
        last = self._runs[-1] if self._runs else _Run(0.0, 0.0, 0.0, 0.0)
        self._add(_Run(self.position, last.caller + last.caller_seconds, seconds, 0.0))
        self.position += seconds

    def start(self, received: float) -> float:
        """The caller's time (s) of something that begins at `received`."""
        return self._caller(bisect_right(self._starts, received + _TOLD) - 1, received)

    def end(self, received: float) -> float:
        """The caller's time (s) of something that ends at `received`; gaps come after it."""
        return self._caller(bisect_left(self._starts, received - _TOLD) - 1, received)

    def _caller(self, index: int, received: float) -> float:
        if not self._runs:
            return 0.0
        run = self._runs[max(index, 0)]
        return run.caller + min(max(received - run.received, 0.0), run.caller_seconds)

    def _add(self, run: _Run) -> None:
        if len(self._runs) >= _MOST_RUNS:
            del self._runs[: _MOST_RUNS // 2], self._starts[: _MOST_RUNS // 2]
        self._runs.append(run)
        self._starts.append(run.received)
