"""Words a recogniser or a typist nearly got right, mapped to the words the patterns know.

Only long words, only to key words of the business, never from a word that means something
else (`never` in the table).
"""

from collections.abc import Sequence
from functools import cache, lru_cache

from voice_agent.engines.nlu.language import Language


@cache
def _tables(language: Language) -> tuple[dict[str, str], tuple[str, ...], frozenset[str]]:
    table = language.table("sounds")
    heard = {word: meant for meant, words in table["heard_as"].items() for word in words}
    keys = tuple(table["keys"])
    return heard, keys, frozenset(table["never"]) | frozenset(keys)


def repaired(tokens: Sequence[str], language: Language) -> tuple[str, ...]:
    """The same number of words, near misses of key words replaced."""
    return tuple(_repair(word, language) for word in tokens)


@lru_cache(maxsize=8192)
def _repair(word: str, language: Language) -> str:
    heard, keys, never = _tables(language)
    if word in heard:
        return heard[word]
    if len(word) < 5 or word in never or not word.isalpha():
        return word
    near = [key for key in keys if key[0] == word[0] and _within(word, key)]
    return near[0] if len(near) == 1 else word


def _within(word: str, key: str) -> bool:
    allowed = 1 if len(key) < 10 else 2
    return abs(len(word) - len(key)) <= allowed and distance(word, key) <= allowed


def distance(one: str, other: str) -> int:
    """Edits from one word to the other; swapping two neighbours is one edit."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        before, last, row = row, before, [i]
        for j, b in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and b == one[i - 2]:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return row[-1]
