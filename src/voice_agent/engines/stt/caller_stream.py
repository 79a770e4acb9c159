"""One call inside the recogniser's worker: sound in, transcripts out."""

from collections.abc import Callable
from typing import Any, Final, Protocol

from voice_agent.core.audio import AudioFormat, Encoding, Samples, decode
from voice_agent.core.resample import Resampler
from voice_agent.core.speech import Expectation
from voice_agent.engines.stt.decoder import Hypothesis
from voice_agent.engines.stt.speech_buffer import RATE, SpeechBuffer, Stretch

STEP: Final = 0.1
"""Seconds of fresh sound that are worth an interim decoding."""


class Decoding(Protocol):
    """What a stream needs of a decoder."""

    def feed(self, samples: Samples) -> str:
        """Add sound of the stretch that goes on; returns the text so far."""
        ...

    def decode(self, samples: Samples, expectation: Expectation) -> Hypothesis:
        """Decode a whole stretch."""
        ...

    def completeness(self, text: str) -> float:
        """Probability that a sentence ends after these words."""
        ...


class CallerStream:
    """Keeps a call's sound; does its decoding when asked, finals before interims."""

    def __init__(
        self, audio: AudioFormat, decoder: Decoding, tell: Callable[[dict[str, Any]], None]
    ) -> None:
        """`tell` takes each transcript as a JSON object."""
        self._decoder, self._tell = decoder, tell
        self._encoding: Encoding = audio.encoding
        self._resampler = Resampler(audio.rate, RATE)
        self._buffer = SpeechBuffer()
        self._closed: list[tuple[Stretch, Expectation]] = []
        self._expectation = Expectation.ANYTHING
        self._last = ""

    def expect(self, expectation: Expectation) -> None:
        """The kind of answer the next stretches will be."""
        self._expectation = expectation

    def audio(self, data: bytes, start: float) -> None:
        """Sound that begins at `start` seconds."""
        samples = self._resampler.process(decode(data, self._encoding))
        self._buffer.push(samples, start)
        if self._buffer.overlong:
            self._close(self._buffer.end)
            self._buffer.begin(self._buffer.end)

    def started(self, at: float) -> None:
        """Speech began."""
        self._buffer.begin(at)

    def stopped(self, at: float) -> None:
        """Speech ended: a final transcript is owed, with no text if there was no speech."""
        self._close(at)

    def _close(self, at: float) -> None:
        self._closed.append((self._buffer.close(at), self._expectation))

    def finish(self) -> bool:
        """Decode the oldest closed stretch; False when there is none."""
        if not self._closed:
            return False
        stretch, expectation = self._closed.pop(0)
        self._last = ""
        self._tell(_final(stretch, self._decoder.decode(stretch.samples, expectation)))
        return True

    def listen(self) -> bool:
        """Decode what came since the last time; False when it is too little."""
        if not self._buffer.speaking or self._buffer.fresh < STEP:
            return False
        text = self._decoder.feed(self._buffer.unread())
        if text and text != self._last:
            self._last = text
            self._tell(
                {
                    "final": False,
                    "text": text,
                    "start": self._buffer.start,
                    "end": self._buffer.end,
                    "completeness": self._decoder.completeness(text),
                }
            )
        return True


def _final(stretch: Stretch, heard: Hypothesis) -> dict[str, Any]:
    begin = stretch.start
    return {
        "final": True,
        "text": heard.text,
        "start": begin,
        "end": stretch.end,
        "confidence": heard.confidence,
        "completeness": heard.completeness,
        "words": [(w.text, begin + w.start, begin + w.end, w.confidence) for w in heard.words],
    }
