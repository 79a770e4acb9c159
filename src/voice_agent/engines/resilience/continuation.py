"""One answer out of several models' pieces: whole words, and nothing said twice.

A model that dies in the middle of an answer is followed by another one that is told what was
said so far. Some go on from there, some begin again, some repeat the last few words: what
repeats is dropped, word by word, while it is still unclear which it is.
"""

import re
from dataclasses import dataclass, field, replace
from typing import Final

from voice_agent.core.chat import ChatRequest

_INSTRUCTION: Final = (
    "The caller is listening to your answer to their last message and has already heard this "
    "beginning of it:\n«{said}»\nContinue exactly where it stops, so that both parts read as "
    "one answer. Repeat nothing of it, do not greet and do not apologise."
)
_WORD: Final = re.compile(r"\S+\s*")
_SENTENCE_END: Final = re.compile(r"[.!?][\"')\]]*$")


def continuing(request: ChatRequest, said: str) -> ChatRequest:
    """The same request for a model that comes in after `said`."""
    if not said.strip():
        return request
    instruction = _INSTRUCTION.format(said=said.strip())
    return replace(request, system=f"{request.system}\n\n{instruction}".strip())


@dataclass(slots=True)
class Answer:
    """Collects one answer; `said` is what was passed on so far."""

    said: str = ""
    _pending: str = ""
    _overlap: "_Overlap | None" = None

    def push(self, delta: str) -> str:
        """Take a piece of text; returns the whole new words that may be passed on."""
        self._pending += delta
        return self._pass_on(self._take_words())

    def finish(self) -> str:
        """The answer is complete: the last word, too."""
        words = self._take_words()
        if self._pending:
            words.append(self._pending)
            self._pending = ""
        text = self._pass_on(words)
        if self._overlap is not None:
            text += self._say(self._overlap.end())
            self._overlap = None
        return text

    def hand_over(self) -> None:
        """The model is gone and another one continues: half a word is forgotten."""
        self._pending = ""
        self._overlap = _Overlap(_WORD.findall(self.said)) if self.said.strip() else None

    def _take_words(self) -> list[str]:
        """Whole words, with the space behind them."""
        text = self._pending.lstrip() if not self.said or self.said[-1].isspace() else self._pending
        end = max((match.end() for match in re.finditer(r"\s", text)), default=0)
        self._pending = text[end:]
        leading = len(text[:end]) - len(text[:end].lstrip())
        words = _WORD.findall(text[leading:end])
        return [text[:leading] + words[0], *words[1:]] if words else [text[:end]] * bool(end)

    def _pass_on(self, words: list[str]) -> str:
        out = ""
        for word in words:
            if self._overlap is None:
                out += self._say(word)
            elif (released := self._overlap.push(word)) is not None:
                self._overlap = None
                out += self._say(released)
        return out

    def _say(self, text: str) -> str:
        if text and self.said and not self.said[-1].isspace() and not text[0].isspace():
            text = f" {text}"
        self.said += text
        return text


@dataclass(slots=True)
class _Overlap:
    """Compares what a successor says with what was said, until they differ."""

    said: list[str]
    held: list[str] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    repeated: int = 0

    def push(self, word: str) -> str | None:
        """None while the words repeat what was said; then what is new of them."""
        position = len(self.held)
        if position == 0:
            self.starts = list(range(len(self.said)))
        self.held.append(word)
        going: list[int] = []
        for start in self.starts:
            at = start + position
            if at < len(self.said) and _same(self.said[at], word):
                going.append(start)
        self.starts = going
        if any(start + position + 1 == len(self.said) for start in going):
            self.repeated = position + 1
        return None if going else self._new()

    def end(self) -> str:
        """The successor stopped while it was still repeating."""
        return "" if self.starts else self._new()

    def _new(self) -> str:
        if self.repeated and _ends_alike(self.said[-1], self.held[self.repeated - 1]):
            return "".join(self.held[self.repeated :])
        return "".join(self.held[self._whole_sentences() :])

    def _whole_sentences(self) -> int:
        """How many words of the beginning are sentences that were said just so."""
        whole = 0
        for number, (said, word) in enumerate(zip(self.said, self.held, strict=False), 1):
            if not _same(said, word):
                break
            if _SENTENCE_END.search(said.strip()) and _SENTENCE_END.search(word.strip()):
                whole = number
        return whole


def _ends_alike(said: str, repeated: str) -> bool:
    """Where a sentence was over, the same words are a repetition only if it is over again."""
    return not _SENTENCE_END.search(said.strip()) or bool(_SENTENCE_END.search(repeated.strip()))


def _same(one: str, other: str) -> bool:
    return _plain(one) == _plain(other)


def _plain(word: str) -> str:
    bare = re.sub(r"[^\w]+", "", word).casefold()
    return bare or word.strip()
