"""Names of people as they are told: introduced, spelled, or given when asked for."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final

from voice_agent.engines.nlu.phrases import Phrases, word_at
from voice_agent.engines.nlu.spoken_contacts import Found

_MAX_NAME_WORDS: Final = 4
_SPELLED: Final = 3
"""Letters in a row that spell a name."""


def find_name(
    tokens: Sequence[str], table: Mapping[str, Any], given: AbstractSet[str], *, expected: bool
) -> Found | None:
    """A person's name: after words that announce one, or the whole answer when asked for.

    `given` are known given names; after "this is" only one of them opens a name.
    """
    if halves := _first_and_last(tokens, table):
        return halves
    openers = table["before"] if expected else table["sure"]
    if name := _announced(tokens, openers, table):
        return name
    if not expected:
        return _introduced(tokens, table, given)
    start = next((at for at in range(len(tokens)) if _may_name(tokens[at], table)), len(tokens))
    name = _name_at(tokens, start, table)
    return name if name and name[2] == len(tokens) else None


def _announced(
    tokens: Sequence[str], openers: Phrases[str], table: Mapping[str, Any]
) -> Found | None:
    for at in range(len(tokens)):
        after = openers.end(tokens, at)
        if after and (name := _name_at(tokens, after, table)):
            return name
    return None


def _first_and_last(tokens: Sequence[str], table: Mapping[str, Any]) -> Found | None:
    """As in "first name Peter, last name Parker"."""
    first = _announced(tokens, table["first"], table)
    last = _announced(tokens, table["last"], table)
    if not first or not last or first[2] > last[1]:
        return None
    return f"{first[0]} {last[0]}", first[1], last[2]


def _introduced(
    tokens: Sequence[str], table: Mapping[str, Any], given: AbstractSet[str]
) -> Found | None:
    for at in range(len(tokens)):
        after = table["before"].end(tokens, at)
        titled = bool(after) and after < len(tokens) and tokens[after] in table["titles"]
        if titled or (after and after < len(tokens) and tokens[after] in given):
            return _name_at(tokens, after, table)
    return None


def _name_at(tokens: Sequence[str], at: int, table: Mapping[str, Any]) -> Found | None:
    while at < len(tokens) and (tokens[at] in table["titles"] or tokens[at] in table["skipped"]):
        at += 1
    if spelled := _spelled(tokens, at, table):
        return spelled
    end = at
    while end < len(tokens) and _may_name(tokens[end], table):
        if end > at and table["first"].end(tokens, end) + table["last"].end(tokens, end):
            break
        if tokens[end] in table["never"] and not _among_letters(tokens, end):
            break
        end += 1
    words = tokens[at:end]
    if len(words) > 1 and all(len(word) == 1 for word in words):
        return "".join(words).capitalize(), at, end
    if not words or len(words) > _MAX_NAME_WORDS:
        return None
    return " ".join(word.capitalize() for word in words), at, end


def _spelled(tokens: Sequence[str], at: int, table: Mapping[str, Any]) -> Found | None:
    """As in "smyth with a y, s m y t h": the letters say how the word before is written."""
    start = at
    while start < len(tokens) and start - at <= _MAX_NAME_WORDS:
        end = start
        while end < len(tokens) and len(tokens[end]) == 1 and tokens[end].isalpha():
            end += 1
        letters = tokens[start:end]
        if len(letters) > 3 and tokens[start - 1] in table["with"]:
            start, letters = start + 1, letters[1:]
        if len(letters) >= _SPELLED and (
            start == at or _about(tokens[at], letters, tokens[at:start], table)
        ):
            return "".join(letters).capitalize(), at, end
        start = max(end, start + 1)
    return None


def _about(
    word: str, letters: Sequence[str], between: Sequence[str], table: Mapping[str, Any]
) -> bool:
    """Whether the letters can spell the word and nothing else was said between."""
    quiet = all(len(w) == 1 or w in table["with"] or w in table["skipped"] for w in between[1:])
    return word[:1] == letters[0] and quiet


def _among_letters(tokens: Sequence[str], at: int) -> bool:
    """Whether "a" or "i" is a letter that spells."""
    return any(len(word_at(tokens, beside)) == 1 for beside in (at - 1, at + 1))


def _may_name(word: str, table: Mapping[str, Any]) -> bool:
    single_letter = len(word) == 1 and word.isalpha()
    return single_letter or (word.replace("'", "").isalpha() and word not in table["never"])
