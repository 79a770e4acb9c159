"""One time span per word of a phrase, from an engine that reports only some onsets."""

from collections.abc import Iterator, Sequence

from voice_agent.core.speech import SpokenWord


class WordTimer:
    """Takes onsets in order and yields every word once, in order, as soon as it is known.

    Words an engine runs together ("for the") share the span, each by its length.
    """

    def __init__(self, tokens: Sequence[str]) -> None:
        """`tokens` are the words as written, punctuation included."""
        self._tokens = tokens
        self._done = 0
        self._latest = -1
        self._start = 0.0
        self._end: float | None = None

    def onset(self, index: int, start: float, end: float | None = None) -> Iterator[SpokenWord]:
        """Word number `index` begins at `start`; `end` where the engine knows it (seconds)."""
        if not self._latest < index < len(self._tokens):
            return  # a second onset inside the same word, as in "1042"
        yield from self._spread(index, min(self._end or start, start))
        self._latest, self._start, self._end = index, max(start, self._start), end

    def finish(self, end: float) -> Iterator[SpokenWord]:
        """The phrase ends at `end` seconds."""
        yield from self._spread(len(self._tokens), min(self._end or end, end))

    def _spread(self, until: int, end: float) -> Iterator[SpokenWord]:
        words = self._tokens[self._done : until]
        self._done = until
        span = max(end - self._start, 0.0)
        letters = sum(len(word) for word in words)
        start = self._start
        for word in words:
            stop = start + span * len(word) / letters
            yield SpokenWord(word, start, stop)
            start = stop
        self._start = start
