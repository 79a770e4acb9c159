"""From recognised text to words with times, written as the request wants them."""

import re
from collections.abc import Sequence
from typing import Final

from voice_agent.core.speech import Transcript, Word

_QUESTION: Final = re.compile(
    r"(?:what|when|where|who|whose|which|why|how|is|are|do|does|did|can|could|will|would)\b",
    re.IGNORECASE,
)


def words_of(transcript: Transcript, start: float, end: float) -> tuple[Word, ...]:
    """The recogniser's own words, else its text spread over the time from `start` to `end`."""
    if transcript.words:
        return tuple(_within(word, start, end) for word in transcript.words)
    texts = transcript.text.split()
    total = sum(len(text) for text in texts)
    words, passed = [], 0
    for text in texts:
        begin = start + (end - start) * passed / total
        passed += len(text)
        until = start + (end - start) * passed / total
        words.append(Word(text, begin, until, _vendors(transcript.confidence)))
    return tuple(words)


def punctuated(texts: Sequence[str]) -> list[str]:
    """Words with a capital at the beginning and a mark at the end."""
    if not texts:
        return []
    mark = "?" if _QUESTION.match(texts[0]) else "."
    written = [texts[0][:1].upper() + texts[0][1:], *texts[1:]]
    if written[-1][-1:] not in ".?!":
        written[-1] += mark
    return written


def _within(word: Word, start: float, end: float) -> Word:
    begin = min(max(word.start, start), end)
    return Word(word.text, begin, min(max(word.end, begin), end), _vendors(word.confidence))


def _vendors(confidence: float) -> float:
    """The vendor is sure of nearly everything; an embedded recogniser rarely is."""
    return round(0.9 + 0.1 * confidence, 4)
