"""A provider's timed words, laid onto the words that we know.

The provider may cut words otherwise ("for" "the" as "forthe"), say digits as words, or skip
a dash. Whatever it does, every word of ours is told once, in order.

        ours       order    1042,             has
        provider   order    ten  forty  two   has
        told       order    1042,─────────    has
"""

from collections.abc import Iterator, Sequence
from typing import Final

from voice_agent.core.speech import SpokenWord
from voice_agent.engines.tts.clause_events import TimedText

LOOK_AHEAD: Final = 8
"""How many of our words may have gone untold before one is found again."""


class WordPairing:
    """Takes the provider's words in order; yields ours as soon as their end is known."""

    def __init__(self, tokens: Sequence[str]) -> None:
        """`tokens` are our words, punctuation included."""
        self._tokens = tokens
        self._letters = [letters_of(token) for token in tokens]
        self._open = -1
        self._rest = ""
        self._foreign = False
        self._start = 0.0
        self._end = 0.0
        self._told_until = 0.0

    @property
    def any(self) -> bool:
        """Whether the provider timed anything at all."""
        return self._open >= 0

    @property
    def complete(self) -> bool:
        """Whether every word that can be pronounced was timed, or none at all."""
        return not self.any or not any(self._letters[self._open + 1 :])

    def add(self, word: TimedText) -> Iterator[SpokenWord]:
        """The next timed word of the provider."""
        letters = letters_of(word.text)
        start = max(word.start, self._end if self.any else 0.0)
        end = max(word.end, start)
        if letters and self._tokens:
            yield from self._pair(letters, start, end)

    def finish(self, end: float) -> Iterator[SpokenWord]:
        """The clause ends at `end` seconds; tells the rest, or nothing if nothing was timed."""
        if not self.any:
            return
        self._start, self._end = min(self._start, end), min(self._end, end)
        untold = len(self._tokens) - self._open > 1
        yield from self._tell(len(self._tokens), end if untold else self._end, end)

    def _pair(self, letters: str, start: float, end: float) -> Iterator[SpokenWord]:
        if self._rest and self._rest.startswith(letters):
            self._rest = self._rest[len(letters) :]
            self._end = end
            return
        if self._rest and letters.startswith(self._rest):
            yield from self._split(letters, start, end)
            return
        found = self._find(letters)
        if found is not None:
            yield from self._begin(found, start)
            yield from self._fill(letters, start, end)
        elif self._open + 1 < len(self._tokens) and not self._foreign and not self._rest:
            yield from self._begin(self._open + 1, start)
            self._foreign, self._rest, self._end = True, "", end
        else:
            self._end = end

    def _find(self, letters: str) -> int | None:
        first = self._open + 1
        window = range(first, min(first + LOOK_AHEAD, len(self._tokens)))
        following = next((i for i in window if self._letters[i]), None)
        if following is not None and _either_begins(self._letters[following], letters):
            return following
        return next((i for i in window if self._letters[i] == letters), None)

    def _begin(self, index: int, start: float) -> Iterator[SpokenWord]:
        if self.any:
            skipped = index - self._open > 1
            yield from self._tell(index, start if skipped else self._end, start)
        elif index:
            self._open, self._foreign, self._start, self._end = 0, True, 0.0, start
            yield from self._tell(index, start, start)
        self._open, self._start, self._end = index, start, start
        self._foreign, self._rest = False, self._letters[index]

    def _fill(self, letters: str, start: float, end: float) -> Iterator[SpokenWord]:
        if letters.startswith(self._rest):
            yield from self._split(letters, start, end)
        else:
            self._rest = self._rest[len(letters) :]
            self._end = end

    def _split(self, letters: str, start: float, end: float) -> Iterator[SpokenWord]:
        """One word of theirs holds the rest of ours, and perhaps the next ones too."""
        share = (end - start) / len(letters)
        while self._rest and letters.startswith(self._rest):
            start += share * len(self._rest)
            letters = letters[len(self._rest) :]
            self._rest, self._end = "", start
            following = self._open + 1
            if not letters or following >= len(self._tokens):
                break
            if not _either_begins(self._letters[following], letters):
                break
            yield from self._begin(following, start)
        self._rest = self._rest.removeprefix(letters)
        self._end = end

    def _tell(self, until: int, span_end: float, latest: float) -> Iterator[SpokenWord]:
        """Our words from the open one to before `until`; skipped ones share the time."""
        words = self._tokens[self._open : until]
        if len(words) > 1 and not self._foreign:
            yield self._word(words[0], self._start, min(self._end, latest))
            words, start = words[1:], self._end
        else:
            start = self._start
        yield from self._share(words, start, min(max(span_end, start), latest))

    def _share(self, words: Sequence[str], start: float, end: float) -> Iterator[SpokenWord]:
        span, letters = max(end - start, 0.0), sum(len(word) for word in words)
        for word in words:
            stop = start + span * len(word) / letters
            yield self._word(word, start, stop)
            start = stop

    def _word(self, text: str, start: float, end: float) -> SpokenWord:
        start = max(start, self._told_until)
        self._told_until = max(end, start)
        return SpokenWord(text, start, self._told_until)


def letters_of(text: str) -> str:
    """What of a word can be compared: letters and digits, without case."""
    return "".join(character for character in text.casefold() if character.isalnum())


def _either_begins(one: str, other: str) -> bool:
    return bool(one) and bool(other) and (one.startswith(other) or other.startswith(one))
