"""How far a synthesiser has come in a clause, so that another one can take over.

Words are passed on once their sound was passed on. When the synthesiser dies, the next one
begins with the word that was being spoken: a word may begin twice, none is lost.
"""

from collections import deque
from dataclasses import dataclass, field, replace
from typing import Final

from voice_agent.core.speech import SpeechRequest, SpokenAudio, SpokenWord

CHARACTERS_A_SECOND: Final = 14.0
"""A usual speaking pace, for sound that came without word times."""


@dataclass(slots=True)
class SpeechProgress:
    """The account of one clause; seconds are of sound since its first sample."""

    request: SpeechRequest
    seconds: float = 0.0
    said: int = 0
    _base: float = 0.0
    _timed: bool = False
    _waiting: deque[SpokenWord] = field(default_factory=deque)

    def heard(self, audio: SpokenAudio) -> list[SpokenWord]:
        """Sound was passed on; returns the words that have sounded by now."""
        self.seconds += self.request.format.seconds(audio.data)
        ready: list[SpokenWord] = []
        while self._waiting and self._waiting[0].end <= self.seconds:
            ready.append(self._waiting.popleft())
        self.said += len(ready)
        return ready

    def word(self, word: SpokenWord) -> list[SpokenWord]:
        """A word was announced; returns what has sounded of the announced ones."""
        self._timed = True
        shifted = replace(word, start=word.start + self._base, end=word.end + self._base)
        self._waiting.append(shifted)
        return self.heard(SpokenAudio(b""))

    def finished(self) -> list[SpokenWord]:
        """The synthesiser is done: all its words have sounded."""
        ready = list(self._waiting)
        self._waiting.clear()
        self.said += len(ready)
        return ready

    def hand_over(self) -> tuple[SpeechRequest | None, list[SpokenWord]]:
        """What the next synthesiser is to say, None if nothing; and the words said untimed."""
        words = self.request.text.split()
        untimed = [] if self._timed else self._guessed(words)
        self.said += len(untimed)
        self._waiting.clear()
        self._base, self._timed = self.seconds, False
        rest = " ".join(words[self.said :])
        if not rest:
            return None, untimed
        whole = self.said == 0
        markup = self.request.markup if whole else ""
        return replace(self.request, text=rest, markup=markup), untimed

    def _guessed(self, words: list[str]) -> list[SpokenWord]:
        """The words that fit into the untimed sound at a usual pace, spread over it."""
        sound = self.seconds - self._base
        end, guessed = self._base, list[SpokenWord]()
        for word in words[self.said :]:
            length = (len(word) + 1) / (CHARACTERS_A_SECOND * self.request.rate)
            if end + length > self._base + sound:
                break
            guessed.append(SpokenWord(word, end, end + length))
            end += length
        return guessed
