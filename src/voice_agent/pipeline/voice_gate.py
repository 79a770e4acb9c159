"""From probabilities to two facts: the caller began to speak, the caller stopped.

A detector gives a probability every 32 ms and is never quite steady. The gate asks for a
little speech before it believes in it, and for a little silence before it believes the end.
It knows nothing but the detector's own audio clock.

    p  1.0        ▄▆██▆▇█▃      ▆██
       on  0.5 ┄┄▄██████████┄┄┄▆███▆┄┄┄┄┄┄┄┄┄┄┄┄┄┄
       off 0.35┄▁███████████▃▂▁█████▃▁▁▁▁▁▁▁▁▁▁▁▁
                ├──┤             ├──┤├───────┤
                confirm      dip, shorter    stop_after
                0.064 s      than stop_after  0.2 s
                │  └─ SpeechStarted(at=onset)        └─ SpeechStopped(at=last voiced)
                onset                │
                                     last voiced

State        a window ≥ on      between          a window < off       tells
QUIET        → RISING           -                -                    -
RISING       confirm reached?   counts on        → QUIET              → SPEAKING: SpeechStarted
SPEAKING     voiced             voiced           silence grows        → QUIET: SpeechStopped
"""

from dataclasses import dataclass
from typing import Final

from voice_agent.core.speech import SpeechStarted, SpeechStopped, VoiceActivity

_ROUNDING: Final = 1e-6
"""Seconds by which windows may miss adding up to a wanted time."""


@dataclass(frozen=True, slots=True)
class VoiceGateOptions:
    """Probabilities 0 to 1, times in seconds of sound."""

    on: float = 0.5
    off: float = 0.35
    confirm: float = 0.064
    stop_after: float = 0.2


class VoiceGate:
    """One caller's speech, window by window."""

    def __init__(self, options: VoiceGateOptions | None = None) -> None:
        """With the standard options where none are given."""
        self._options = options or VoiceGateOptions()
        self._onset: float | None = None
        self._heard_until = 0.0
        self._voiced_until = 0.0
        self.speaking = False

    def process(self, activity: VoiceActivity) -> SpeechStarted | SpeechStopped | None:
        """Take the next window; returns what it makes certain."""
        return self._stay(activity) if self.speaking else self._rise(activity)

    def _rise(self, activity: VoiceActivity) -> SpeechStarted | None:
        if activity.start > self._heard_until + _ROUNDING:
            self._onset = None  # sound is missing in between
        self._heard_until = activity.end
        threshold = self._options.on if self._onset is None else self._options.off
        if activity.probability < threshold:
            self._onset = None
            return None
        if self._onset is None:
            self._onset = activity.start
        if _reached(activity.end - self._onset, self._options.confirm):
            self.speaking, self._voiced_until = True, activity.end
            return SpeechStarted(self._onset)
        return None

    def _stay(self, activity: VoiceActivity) -> SpeechStopped | None:
        if activity.probability >= self._options.off:
            self._voiced_until = activity.end
        elif _reached(activity.end - self._voiced_until, self._options.stop_after):
            self.speaking, self._onset = False, None
            return SpeechStopped(self._voiced_until)
        return None


def _reached(seconds: float, wanted: float) -> bool:
    return seconds >= wanted - _ROUNDING
