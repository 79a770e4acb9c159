"""Where speech is in the sound of one connection, judged by its loudness alone.

A detector gives odds for each window of 32 ms. Two windows in a row make speech; a tenth of a
second of silence ends a burst of it. What a longer silence means is the provider's business.
"""

from dataclasses import dataclass
from typing import Final

from voice_agent.core.audio import AudioFormat, AudioFrame
from voice_agent.core.speech import SpeechStarted, SpeechStopped, VoiceActivity
from voice_agent.engines.vad.energy import EnergyDetector
from voice_agent.pipeline.voice_gate import VoiceGate, VoiceGateOptions

SHORTEST_SILENCE: Final = 0.1
"""Seconds; gaps inside words are shorter."""
_HYSTERESIS: Final = 0.15
_ROUNDING: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Listened:
    """What is known after one window; seconds of audio.

    `onset` is the start of the burst of speech that goes on, None in silence;
    `voiced_until` the end of the last voiced window so far.
    """

    end: float
    onset: float | None
    voiced_until: float

    @property
    def silence(self) -> float:
        """Seconds since the last voiced sound."""
        return self.end - self.voiced_until


class Ear:
    """Listens to one connection's sound."""

    def __init__(self, audio: AudioFormat, *, threshold: float = 0.5, start: float = 0.0) -> None:
        """`threshold` is the probability (0 to 1) from which a window counts as speech.

        `start` is where the sound begins, in seconds.
        """
        self._off = max(threshold - _HYSTERESIS, 0.01)
        self._gate = VoiceGate(
            VoiceGateOptions(on=threshold, off=self._off, stop_after=SHORTEST_SILENCE)
        )
        self._stream = EnergyDetector().open(audio, self._window)
        self._audio = audio
        self._start, self._taken = start, 0
        self._unread = b""
        self._found: list[Listened] = []
        self._onset: float | None = None
        self._voiced_until = 0.0

    def listen(self, data: bytes) -> list[Listened]:
        """Take the next sound, cut anywhere; returns the windows it completes."""
        data = self._unread + data
        whole = len(data) - len(data) % self._audio.bytes_per_sample
        start = self._start + self._taken / self._audio.bytes_per_second
        self._stream.push(AudioFrame(data[:whole], self._audio, start))
        self._taken += whole
        self._unread = data[whole:]
        found, self._found = self._found, []
        return found

    def _window(self, activity: VoiceActivity) -> None:
        # Sums of windows depend on where the sound was cut, by less than a nanosecond.
        start, end = round(activity.start, 6), round(activity.end, 6)
        activity = VoiceActivity(start, end, activity.probability)
        told = self._gate.process(activity)
        if isinstance(told, SpeechStarted):
            self._onset = told.at
        elif isinstance(told, SpeechStopped):
            self._onset = None
        if self._gate.speaking and activity.probability >= self._off:
            self._voiced_until = activity.end
        self._found.append(Listened(activity.end, self._onset, self._voiced_until))


def reached(seconds: float, wanted: float) -> bool:
    """Whether a sum of windows comes to a wanted time."""
    return seconds >= wanted - _ROUNDING
