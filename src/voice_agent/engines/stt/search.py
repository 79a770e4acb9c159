"""One pocketsphinx decoder with its language models: cepstra in, words and a score out."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log
from pathlib import Path
from typing import Any, Final

from voice_agent.engines.stt.cepstra import COEFFICIENTS, FRAME
from voice_agent.engines.stt.domain_language_model import as_written, listened_for
from voice_agent.engines.stt.general_language_model import LOG_BASE
from voice_agent.engines.stt.language_model_files import acoustic_model
from voice_agent.engines.stt.ngram_counts import END, START
from voice_agent.engines.stt.spectrum import RATE, Floats

SHORTEST_END: Final = 6
"""Frames a word must have been alive at its end to be looked at again in the second pass."""
START_WINDOW: Final = 15
"""Frames around its start within which it is looked at again; with 4 and 25, the library's
own, the second pass takes 40 % longer and finds nothing more."""
_ZERO_MEAN: Final = ",".join(["0"] * COEFFICIENTS)
_SCORE_STEP: Final = 1024
"""pocketsphinx keeps scores in units of 2^10 of its logarithms (SENSCR_SHIFT)."""


@dataclass(frozen=True, slots=True)
class HeardWord:
    """A word, seconds from the start of its stretch, posterior probability."""

    text: str
    start: float
    end: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Found:
    """The words of a stretch; `score` is their logarithmic likelihood in nats."""

    words: tuple[HeardWord, ...]
    score: float

    @property
    def text(self) -> str:
        """The words as they are written."""
        return " ".join(word.text for word in self.words)


class Search:
    """Looks for words in one stretch at a time, by one of its language models."""

    def __init__(self, dictionary: Path, models: Mapping[str, Path]) -> None:
        """Load the acoustic model and the language models; about 30 ms and 7 MB."""
        from pocketsphinx import Decoder

        self._decoder: Any = Decoder(
            hmm=str(acoustic_model() / "en-us"),
            dict=str(dictionary),
            lm=None,
            samprate=float(RATE),
            cmn="live",
            fwdflatefwid=SHORTEST_END,
            fwdflatsfwin=START_WINDOW,
            loglevel="FATAL",
        )
        for name, path in models.items():
            self._decoder.add_lm_file(name, str(path))
        self._active = ""
        self._open = False

    def begin(self, model: str) -> None:
        """Open a stretch."""
        if self._active != model:
            # Asking pocketsphinx which one is active crashes it when none is.
            self._decoder.activate_search(model)
            self._active = model
        self._decoder.start_utt()
        # Its own estimate of the mean would come on top of the one already taken away.
        self._decoder.set_cmn(_ZERO_MEAN)
        self._open = True

    def process(self, frames: Floats) -> None:
        """Decode cepstra from which the mean was taken."""
        if len(frames):
            self._decoder.process_cep(frames.astype("<f4").tobytes(), full_utt=False)

    def so_far(self) -> str:
        """The words of the open stretch, which may still change."""
        hypothesis = self._decoder.hyp()
        return " ".join(map(as_written, hypothesis.hypstr.split())) if hypothesis else ""

    def finish(self) -> Found:
        """Close the stretch: a second pass over the words found, then the best path."""
        self.abandon()
        hypothesis = self._decoder.hyp()
        score = hypothesis.score if hypothesis else 0.0
        likelihood = log(score) * _SCORE_STEP if score > 0 else float("-inf")
        return Found(tuple(self._words()), likelihood)

    def abandon(self) -> None:
        """Close the stretch."""
        if self._open:
            self._decoder.end_utt()
        self._open = False

    def completeness(self, text: str, model: str) -> float:
        """Probability that a sentence ends after these words."""
        words = listened_for(text).split()[-2:]
        if not words:
            return 0.0
        history = [START, *words][-2:]
        probability = self._decoder.get_lm(model).prob([END, *reversed(history)])
        return float(LOG_BASE**probability)

    def _words(self) -> list[HeardWord]:
        words = []
        for segment in self._decoder.seg() or ():
            word = segment.word.partition("(")[0]
            if word and word[0] not in "<[+":
                start, end = segment.start_frame * FRAME, (segment.end_frame + 1) * FRAME
                words.append(HeardWord(as_written(word), start, end, min(1.0, segment.prob)))
        return words
