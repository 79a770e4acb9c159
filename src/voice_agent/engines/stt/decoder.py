"""One pocketsphinx decoder: text while speech goes on, the final text soon after its end.

        frames   ░░░░░░░░░░░░│▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒│
                 wait 1.2 s  │ decode as they come │ second pass over the words found
                 for a mean  │                     │ and the best path: the final text

The mean spectrum is ours: pocketsphinx's own starts every call with a wrong one, or must
see the whole stretch first. Its own is set to zero, and it is given frames less our mean.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from voice_agent.core.speech import Expectation
from voice_agent.engines.stt.cepstra import COEFFICIENTS, FRAME
from voice_agent.engines.stt.domain_language_model import as_written, listened_for
from voice_agent.engines.stt.general_language_model import LOG_BASE
from voice_agent.engines.stt.language_model_files import ModelFiles, acoustic_model
from voice_agent.engines.stt.ngram_counts import END, START
from voice_agent.engines.stt.spectral_mean import SpectralMean
from voice_agent.engines.stt.spectrum import RATE, Floats

FIRST: Final = 120
"""Frames after which the mean is believed."""
SLICE: Final = 30
"""Frames decoded at a time, so that a final text of another call need not wait long."""
SHORTEST: Final = 20
"""Frames below which there is nothing to decode."""
_ZERO_MEAN: Final = ",".join(["0"] * COEFFICIENTS)


@dataclass(frozen=True, slots=True)
class HeardWord:
    """A word, seconds from the start of its stretch, posterior probability."""

    text: str
    start: float
    end: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """What a stretch was decoded to; no words when nothing was understood."""

    words: tuple[HeardWord, ...] = ()
    completeness: float = 0.0

    @property
    def text(self) -> str:
        """The words as they are written."""
        return " ".join(word.text for word in self.words)

    @property
    def confidence(self) -> float:
        """Mean posterior of the words; 0 without any."""
        return float(np.mean([word.confidence for word in self.words])) if self.words else 0.0


class StretchDecoder:
    """Decodes the stretches of one call, one after the other."""

    def __init__(self, files: ModelFiles) -> None:
        """Load the models; about 30 ms and 7 MB."""
        from pocketsphinx import Decoder

        self._decoder: Any = Decoder(
            hmm=str(acoustic_model() / "en-us"),
            lm=str(files.language_model),
            dict=str(files.dictionary),
            samprate=float(RATE),
            cmn="live",
            loglevel="FATAL",
        )
        self._model: Any = self._decoder.get_lm()
        self._call = SpectralMean()
        self._frames = np.zeros((0, COEFFICIENTS))
        self._mean: Floats | None = None
        self._decoded = 0

    def add(self, frames: Floats) -> None:
        """Add cepstra of the stretch that goes on."""
        self._frames = np.concatenate((self._frames, frames))

    def listen(self) -> str | None:
        """Decode a slice; the text so far, or None when there is not enough to go on with."""
        if self._mean is None and len(self._frames) < FIRST:
            return None
        if len(self._frames) - self._decoded < SLICE // 3:
            return None
        self._decode(self._decoded + SLICE)
        hypothesis = self._decoder.hyp()
        words = hypothesis.hypstr.split() if hypothesis else []
        return " ".join(map(as_written, words))

    def finish(self, expectation: Expectation) -> Hypothesis:
        """End the stretch and return its final text."""
        del expectation
        if len(self._frames) < SHORTEST:
            self._forget_stretch()
            return Hypothesis()
        self._decode(len(self._frames))
        self._decoder.end_utt()
        self._mean = None
        heard = self._hypothesis()
        self._call.learn(self._frames)
        self._forget_stretch()
        return heard

    def forget(self) -> None:
        """Make ready for another call."""
        self._forget_stretch()
        self._call = SpectralMean()

    def completeness(self, text: str) -> float:
        """Probability that a sentence ends after these words, by the language model."""
        words = listened_for(text).split()[-2:]
        if not words:
            return 0.0
        history = [START, *words][-2:]
        return float(LOG_BASE ** self._model.prob([END, *reversed(history)]))

    def _decode(self, until: int) -> None:
        if self._mean is None:
            self._mean = self._call.estimate(self._frames)
            self._decoder.start_utt()
            self._decoder.set_cmn(_ZERO_MEAN)
        fresh = (self._frames[self._decoded : until] - self._mean).astype("<f4")
        if len(fresh):
            self._decoder.process_cep(fresh.tobytes(), full_utt=False)
        self._decoded = min(until, len(self._frames))

    def _forget_stretch(self) -> None:
        if self._mean is not None:
            self._decoder.end_utt()
        self._mean = None
        self._frames = np.zeros((0, COEFFICIENTS))
        self._decoded = 0

    def _hypothesis(self) -> Hypothesis:
        words: list[HeardWord] = []
        for segment in self._decoder.seg() or ():
            word = segment.word.partition("(")[0]
            if word and word[0] not in "<[+":
                start, end = segment.start_frame * FRAME, (segment.end_frame + 1) * FRAME
                words.append(HeardWord(as_written(word), start, end, min(1.0, segment.prob)))
        text = " ".join(word.text for word in words)
        return Hypothesis(tuple(words), self.completeness(text))
