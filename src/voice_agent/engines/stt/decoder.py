"""One pocketsphinx decoder: partial text while speech goes on, final text of a stretch."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from voice_agent.core.audio import Samples
from voice_agent.core.speech import Expectation
from voice_agent.engines.stt.domain_language_model import as_written, listened_for
from voice_agent.engines.stt.general_language_model import LOG_BASE
from voice_agent.engines.stt.language_model_files import ModelFiles, acoustic_model
from voice_agent.engines.stt.ngram_counts import END, START
from voice_agent.engines.stt.speech_buffer import RATE

FRAME: Final = 0.01
"""Seconds from one acoustic frame to the next."""
SHORTEST: Final = 0.1
"""Seconds of sound below which there is nothing to decode."""


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
    """Decodes one stretch at a time; not for use by two calls at once."""

    def __init__(self, files: ModelFiles) -> None:
        """Load the models; about 30 ms and 7 MB."""
        from pocketsphinx import Decoder

        self._decoder: Any = Decoder(
            hmm=str(acoustic_model() / "en-us"),
            lm=str(files.language_model),
            dict=str(files.dictionary),
            samprate=float(RATE),
            fwdflat=False,
            loglevel="FATAL",
        )
        self._model: Any = self._decoder.get_lm("_default")
        self._open = False

    def feed(self, samples: Samples) -> str:
        """Add sound of the stretch that goes on; returns the text so far."""
        if not self._open:
            self._decoder.start_utt()
            self._open = True
        self._decoder.process_raw(samples.tobytes(), full_utt=False)
        hypothesis = self._decoder.hyp()
        words = hypothesis.hypstr.split() if hypothesis else []
        return " ".join(map(as_written, words))

    def discard(self) -> None:
        """Forget the stretch that was fed."""
        if self._open:
            self._decoder.end_utt()
            self._open = False

    def decode(self, samples: Samples, expectation: Expectation) -> Hypothesis:
        """Decode a whole stretch with its own spectral mean: the final text."""
        del expectation
        self.discard()
        if len(samples) < SHORTEST * RATE:
            return Hypothesis()
        self._decoder.start_utt()
        self._decoder.process_raw(samples.tobytes(), full_utt=True)
        self._decoder.end_utt()
        return self._hypothesis()

    def completeness(self, text: str) -> float:
        """Probability that a sentence ends after these words, by the language model."""
        words = listened_for(text).split()[-2:]
        if not words:
            return 0.0
        history = list(reversed([START, *words][-2:]))
        return float(LOG_BASE ** self._model.prob([END, *history]))

    def _hypothesis(self) -> Hypothesis:
        words: list[HeardWord] = []
        for segment in self._decoder.seg() or ():
            word = segment.word.partition("(")[0]
            if word[:1] not in "<[+" and word not in (START, END):
                start, end = segment.start_frame * FRAME, (segment.end_frame + 1) * FRAME
                words.append(HeardWord(as_written(word), start, end, min(1.0, segment.prob)))
        text = " ".join(word.text for word in words)
        return Hypothesis(tuple(words), self.completeness(text))
