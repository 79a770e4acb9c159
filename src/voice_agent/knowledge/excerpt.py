"""The sentences of a passage that answer a question, short enough to be spoken."""

from collections.abc import Iterator, Sequence
from typing import Final

from voice_agent.knowledge.lexical import LexicalIndex
from voice_agent.knowledge.sentences import split_sentences
from voice_agent.knowledge.words import search_words

LONGEST: Final = 240
"""Characters: about a quarter of a minute."""


def excerpt(text: str, query: str, lexical: LexicalIndex) -> str:
    """Neighbouring whole sentences that share most with the question, in their order."""
    sentences = split_sentences(text)
    if len(text) <= LONGEST or len(sentences) < 2:
        return _bounded(" ".join(sentences))
    asked = {word: lexical.rarity(word) for word in set(search_words(query))}

    def worth(part: Sequence[str]) -> float:
        there = set(search_words(" ".join(part)))
        return sum(value for word, value in asked.items() if word in there)

    # Of equals the first: the longest that begins soonest.
    chosen = max(_parts(sentences), key=worth)
    return _bounded(" ".join(chosen))


def _parts(sentences: Sequence[str]) -> Iterator[Sequence[str]]:
    """The longest run of sentences that fits, from each sentence on."""
    for start in range(len(sentences)):
        end = start + 1
        while end < len(sentences) and len(" ".join(sentences[start : end + 1])) <= LONGEST:
            end += 1
        yield sentences[start:end]


def _bounded(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    cut = text.rfind(" ", 0, LONGEST - 1)
    return f"{text[: cut if cut > 0 else LONGEST - 1]}…"
