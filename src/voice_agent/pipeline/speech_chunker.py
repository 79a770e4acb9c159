"""A model's stream of text, cut into clauses that can be spoken one after the other.

    Sure,| let me look that up.| Your order 1,042 ships on Nov. 25, 2026.| Anything else?
         ^ first clause early   ^ then sentences; long ones also at a comma

The first clause ends at the first comma after three words or at the first sentence's end, so
that the voice can start; later clauses are whole sentences. A boundary is decided when the
first character behind it is known, so it does not depend on how the text was cut into deltas.
"""

import re
from bisect import bisect_right
from dataclasses import dataclass, replace
from typing import Final

from voice_agent.pipeline.clause_ends import Ending, ending, inside_markup
from voice_agent.pipeline.spoken import render
from voice_agent.pipeline.spoken.speech_tags import (
    has_speech_tags,
    keeps_together,
    without_speech_tags,
)
from voice_agent.pipeline.spoken.tagged import render_tagged

_FIRST_CLAUSE_WORDS: Final = 3
_LONG_CLAUSE: Final = 80
"""Characters from which a comma is enough to end a later clause."""
_LONGEST_CLAUSE: Final = 200
"""Characters after which a clause ends at a space, wherever the sentence is."""
_LONGEST_RUN: Final = 600
"""Characters after which even a text without spaces is cut."""

_BREAK: Final = re.compile(r"(?<!\s)\s++(?=\S)|—(?=\S)|(?<=[。！？；，、])(?=\S)")
_WORD: Final = re.compile(r"\S*\w\S*")


@dataclass(frozen=True, slots=True)
class Clause:
    """A slice of the model's text, what is to be said for it, and how the two run together.

    `offsets[i]` is where `text` ends that is complete once the word `i` of `spoken` (split at
    spaces) was said; the last is the length of `text`. `markup` is an SSML fragment that reads
    as `spoken`, empty where it would add nothing.
    """

    text: str
    spoken: str
    offsets: tuple[int, ...]
    markup: str = ""

    def shown(self) -> "Clause":
        """The same clause with a text for people: without the speech tags."""
        if not has_speech_tags(self.text):
            return self
        kept = without_speech_tags(self.text)
        offsets = tuple(bisect_right(kept.ends or (), offset) for offset in self.offsets)
        return replace(self, text=kept.text, offsets=offsets)


def spoken_words_to_text(clause: Clause, count: int) -> str:
    """The part of `clause.text` that was said when `count` spoken words had been played."""
    if count >= len(clause.offsets):
        return clause.text
    return clause.text[: clause.offsets[count - 1]] if count > 0 else ""


def clauses_of(text: str, language: str = "en") -> list[Clause]:
    """A whole text, a phrase of the phrase book for one, in the clauses in which it is spoken."""
    chunker = SpeechChunker(language)
    return [*chunker.push(text), *chunker.finish()]


class SpeechChunker:
    """Collects deltas and gives clauses; the clauses' texts joined are the deltas joined."""

    def __init__(self, language: str = "en") -> None:
        """`language` is a BCP 47 tag; it decides how numbers and abbreviations are said."""
        self._language = language
        self._pending = ""
        self._scanned = 0
        self._first = True
        self._open: tuple[str, ...] = ()

    def push(self, delta: str) -> list[Clause]:
        """Take the next piece of text and return the clauses that are complete by now."""
        self._pending += delta
        clauses: list[Clause] = []
        while (cut := self._next_cut()) is not None:
            clause = self._clause(self._pending[:cut])
            self._pending, self._scanned = self._pending[cut:], 0
            clauses.append(clause)
            self._first = False
        return clauses

    def finish(self) -> list[Clause]:
        """The rest, at the end of the text or before a pause in it; the next push starts anew.

        The rest may have nothing to say (`spoken` is empty), an emoji for instance.
        """
        rest, self._pending = self._pending, ""
        self._scanned, self._first = 0, True
        clauses = [self._clause(rest)] if rest else []
        self._open = ()
        return clauses

    def _clause(self, text: str) -> Clause:
        if not self._open and not has_speech_tags(text):
            rendering = render(text, self._language)
            return Clause(text, rendering.spoken, rendering.offsets)
        tagged = render_tagged(text, self._language, self._open)
        self._open = tagged.still_open
        return Clause(text, tagged.spoken, tagged.offsets, tagged.markup)

    def _next_cut(self) -> int | None:
        for match in _BREAK.finditer(self._pending, self._scanned, _LONGEST_RUN + 1):
            cut = self._scanned = match.end()
            whole = keeps_together(self._pending[:cut]) < 0
            if whole and self._ends_at(cut):
                return cut
            if whole and cut > _LONGEST_CLAUSE:
                return self._forced_cut(cut)
        return self._cut_of_a_run() if len(self._pending) > _LONGEST_RUN else None

    def _cut_of_a_run(self) -> int:
        """Before a tag or a short element that would be cut, else at the bound."""
        start = keeps_together(self._pending[:_LONGEST_RUN])
        return start if start > 0 else _LONGEST_RUN

    def _ends_at(self, cut: int) -> bool:
        text, following = without_speech_tags(self._pending[:cut]).text, self._pending[cut]
        kind = ending(text, following)
        if kind is Ending.NONE or (kind is Ending.PAUSE and not self._long_enough(text)):
            return False
        return any(map(str.isalnum, text)) and not inside_markup(text)

    def _long_enough(self, text: str) -> bool:
        if not self._first:
            return len(text) >= _LONG_CLAUSE
        words = len(_WORD.findall(text))
        return words >= _FIRST_CLAUSE_WORDS or (
            not text.isascii() and len(text) >= _LONG_CLAUSE // 8
        )

    def _forced_cut(self, latest: int) -> int:
        """The last space that parts neither a number from its neighbours nor an abbreviation."""
        cuts = [match.end() for match in _BREAK.finditer(self._pending, 0, latest + 1)]
        return next((cut for cut in reversed(cuts) if self._harmless(cut)), latest)

    def _harmless(self, cut: int) -> bool:
        if keeps_together(self._pending[:cut]) >= 0:
            return False
        before, after = self._pending[:cut].rstrip()[-1:], self._pending[cut]
        return not (before.isdigit() or after.isdigit() or before in ".#$-–—" or after in "-–—")
