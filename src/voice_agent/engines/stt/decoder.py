"""Decodes the stretches of a call: text while speech goes on, the final text after its end.

        frames   ░░░░░░░░░░░░│▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒│
                 wait 1.2 s  │ decode as they come │ second pass over the words found
                 for a mean  │                     │ and the best path: the final text

The mean spectrum is ours: pocketsphinx's own starts every call with a wrong one, or must
see the whole stretch first. When the agent has asked for something, a second search that
knows only such answers goes along; the likelier of the two texts is taken, so an answer to
another question is still heard.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from voice_agent.core.speech import Expectation
from voice_agent.engines.stt.cepstra import COEFFICIENTS
from voice_agent.engines.stt.language_model_files import ModelFiles
from voice_agent.engines.stt.search import Found, HeardWord, Search
from voice_agent.engines.stt.spectral_mean import SpectralMean
from voice_agent.engines.stt.spectrum import Floats

FIRST: Final = 120
"""Frames after which the mean is believed."""
SLICE: Final = 30
"""Frames decoded at a time, so that a final text of another call need not wait long."""
WORTHWHILE: Final = 10
"""Fresh frames below which an interim text would hardly differ."""
SHORTEST: Final = 20
"""Frames below which there is nothing to decode."""
_WHOLE: Final = "whole"


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
        """Load the models."""
        self._files = files
        self._whole = Search(files.dictionary, {_WHOLE: files.language_model})
        self._answers: Search | None = None
        self._asked: Search | None = None
        self._call = SpectralMean()
        self._frames = np.zeros((0, COEFFICIENTS))
        self._mean: Floats | None = None
        self._decoded = 0

    def add(self, frames: Floats) -> None:
        """Add cepstra of the stretch that goes on."""
        self._frames = np.concatenate((self._frames, frames))

    def listen(self, expectation: Expectation) -> str | None:
        """Decode a slice; the text so far, or None when there is not enough to go on with."""
        if self._mean is None and len(self._frames) < FIRST:
            return None
        if len(self._frames) - self._decoded < WORTHWHILE:
            return None
        self._decode(self._decoded + SLICE, expectation)
        return self._whole.so_far()

    def finish(self, expectation: Expectation) -> Hypothesis:
        """End the stretch and return its final text."""
        if len(self._frames) < SHORTEST:
            self._forget_stretch()
            return Hypothesis()
        self._decode(len(self._frames), expectation)
        found = self._likeliest()
        self._call.learn(self._frames)
        self._forget_stretch()
        return Hypothesis(found.words, self.completeness(found.text))

    def forget(self) -> None:
        """Make ready for another call."""
        self._forget_stretch()
        self._call = SpectralMean()

    def completeness(self, text: str) -> float:
        """Probability that a sentence ends after these words, by the language model."""
        return self._whole.completeness(text, _WHOLE)

    def _decode(self, until: int, expectation: Expectation) -> None:
        if self._mean is None:
            self._mean = self._call.estimate(self._frames)
            self._begin(expectation)
        fresh = self._frames[self._decoded : until] - self._mean
        self._whole.process(fresh)
        if self._asked:
            self._asked.process(fresh)
        self._decoded = min(until, len(self._frames))

    def _begin(self, expectation: Expectation) -> None:
        self._whole.begin(_WHOLE)
        self._asked = None
        if expectation is not Expectation.ANYTHING:
            if self._answers is None:
                self._answers = Search(self._files.dictionary, self._files.answers)
            self._asked = self._answers
            self._asked.begin(expectation.value)

    def _likeliest(self) -> Found:
        whole = self._whole.finish()
        if self._asked is None:
            return whole
        answer = self._asked.finish()
        return answer if answer.score > whole.score else whole

    def _forget_stretch(self) -> None:
        self._whole.abandon()
        if self._asked:
            self._asked.abandon()
        self._asked = None
        self._mean = None
        self._frames = np.zeros((0, COEFFICIENTS))
        self._decoded = 0
