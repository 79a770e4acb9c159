"""Where a voice breathes: a clause cut into phrases with a pause after each.

        "Your order, ten forty two, has been shipped. Anything else?"
         └── phrase ──┘└─────┬─────┘└───────┬──────┘ └─────┬─────┘
                     0.15 s ─┘      0.15 s ─┘      0.3 s ──┘      0.3 s at the end

Engines speak one phrase at a time, edges trimmed; the silence between phrases is ours, so
it is the same for every voice. A phrase is also the longest stretch one call can keep a
shared engine busy.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

COMMA_PAUSE: Final = 0.15
SENTENCE_PAUSE: Final = 0.3
"""Seconds; at the short end of what readers do, because the line is waiting."""
LONGEST: Final = 200
"""Characters after which a phrase without punctuation is cut between words."""

_CLOSERS: Final = "\"')]}»”’"
_COMMAS: Final = (",", ";", ":", "–", "—")
_STOPS: Final = (".", "!", "?", "…")
_ABBREVIATIONS: Final = frozenset(
    ("mr.", "mrs.", "ms.", "dr.", "st.", "no.", "prof.", "jr.", "sr.", "vs.", "e.g.", "i.e.")
)


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words spoken in one breath, and the silence (seconds) after them."""

    tokens: tuple[str, ...]
    pause: float

    @property
    def text(self) -> str:
        """The words with single spaces."""
        return " ".join(self.tokens)

    @property
    def speakable(self) -> bool:
        """Whether there is anything to pronounce."""
        return any(character.isalnum() for character in self.text)


def phrases(text: str, *, keep_commas: bool = False) -> list[Phrase]:
    """Cut a clause; `keep_commas` leaves those to an engine that phrases well itself."""
    return list(_phrases(printable(text).split(), keep_commas=keep_commas))


def printable(text: str) -> str:
    """The text without control characters and broken ones, which become spaces."""
    return "".join(c if c.isprintable() else " " for c in text)


def _phrases(tokens: Sequence[str], *, keep_commas: bool) -> Iterator[Phrase]:
    start, length = 0, 0
    for index, token in enumerate(tokens):
        length += len(token) + 1
        following = tokens[index + 1] if index + 1 < len(tokens) else ""
        pause = _pause_after(token, following)
        if keep_commas and pause == COMMA_PAUSE and following and length < LONGEST / 2:
            continue
        if pause or length >= LONGEST or not following:
            yield Phrase(tuple(tokens[start : index + 1]), pause)
            start, length = index + 1, 0


def _pause_after(token: str, following: str) -> float:
    bare = token.rstrip(_CLOSERS)
    if bare.endswith(_COMMAS):
        return COMMA_PAUSE
    if not bare.endswith(_STOPS) or bare.lower() in _ABBREVIATIONS:
        return 0.0
    goes_on = bare.endswith(".") and following[:1].islower()
    return 0.0 if goes_on else SENTENCE_PAUSE
