"""Where the words of a speech-to-speech model's item sound; pure.

Such a model sends text beside its sound without saying which word is when, and the text runs
ahead. While an item is unfinished no more of its text is believed to have sounded than a brisk
speaker says in the time; once it is finished, its words are spread over it by their length.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

BRISK: Final = 17.0
"""Characters that a brisk speaker says in a second."""
_WORD: Final = re.compile(r"\S+\s*")


@dataclass(slots=True)
class Stretch:
    """A run of one item's sound within a reply.

    `start` is where it begins in the reply (s), `text_start` where its text begins.
    """

    item: str
    start: float
    text_start: int
    seconds: float = 0.0
    text: str = ""

    def word_ends(self, *, finished: bool) -> Iterator[tuple[float, int]]:
        """For each word: by when it has sounded (s in the reply), and where its text ends."""
        length = len(self.text)
        pace = self.seconds / length if length else 0.0
        if not finished:
            pace = max(pace, 1 / BRISK)
        for word in _WORD.finditer(self.text):
            yield self.start + pace * word.end(), self.text_start + word.end()

    def heard(self, reply_heard: float) -> float:
        """Seconds of this stretch that were heard when `reply_heard` seconds of the reply were."""
        return min(max(0.0, reply_heard - self.start), self.seconds)
