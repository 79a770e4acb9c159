"""One call inside the recogniser's worker: sound in, transcripts out."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from voice_agent.core.audio import AudioFormat, Samples, decode
from voice_agent.core.resample import Resampler
from voice_agent.core.speech import Expectation
from voice_agent.engines.stt.cepstra import CepstralFrontEnd
from voice_agent.engines.stt.decoder import Hypothesis
from voice_agent.engines.stt.spectrum import RATE, Floats
from voice_agent.engines.stt.speech_buffer import SpeechBuffer, Stretch


class Decoding(Protocol):
    """What a stream needs of a decoder; one stretch is open at a time."""

    def add(self, frames: Floats) -> None:
        """Add cepstra of the stretch that goes on."""
        ...

    def listen(self, expectation: Expectation) -> str | None:
        """Decode a little; the text so far, or None when there is not enough to go on with."""
        ...

    def finish(self, expectation: Expectation) -> Hypothesis:
        """End the stretch and return its final text."""
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
        self._audio = audio
        self._resampler = Resampler(audio.rate, RATE)
        self._buffer = SpeechBuffer()
        self._front_end = CepstralFrontEnd(audio.rate)
        self._closed: deque[_Closed] = deque()
        self._expectation = Expectation.ANYTHING
        self._last = ""

    def expect(self, expectation: Expectation) -> None:
        """The kind of answer the next stretches will be."""
        self._expectation = expectation

    def audio(self, data: bytes, start: float) -> None:
        """Sound that begins at `start` seconds."""
        samples = self._resampler.process(decode(data, self._audio.encoding))
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

    def finish(self) -> bool:
        """Decode the oldest closed stretch to its end; False when there is none."""
        if not self._closed:
            return False
        closed = self._closed.popleft()
        self._decoder.add(closed.front_end.process(closed.unread))
        self._decoder.add(closed.front_end.flush())
        heard = self._decoder.finish(closed.expectation)
        self._last = ""
        self._tell(_final(closed.stretch, heard))
        return True

    def listen(self) -> bool:
        """Decode what came since the last time; False when it is too little."""
        if self._closed or not self._buffer.speaking:
            return False
        self._decoder.add(self._front_end.process(self._buffer.unread()))
        text = self._decoder.listen(self._expectation)
        if text and text != self._last:
            self._last = text
            self._tell(self._interim(text))
        return text is not None

    def _close(self, at: float) -> None:
        read = self._buffer.read
        stretch = self._buffer.close(at)
        unread = stretch.samples[read:]
        self._closed.append(_Closed(stretch, unread, self._front_end, self._expectation))
        self._front_end = CepstralFrontEnd(self._audio.rate)

    def _interim(self, text: str) -> dict[str, Any]:
        return {
            "final": False,
            "text": text,
            "start": self._buffer.start,
            "end": self._buffer.end,
            "completeness": self._decoder.completeness(text),
        }


@dataclass(frozen=True, slots=True)
class _Closed:
    """A stretch that waits for its final text; its first part went through the front end."""

    stretch: Stretch
    unread: Samples
    front_end: CepstralFrontEnd
    expectation: Expectation


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
