"""One answer out of several models' pieces: whole phrases, and nothing said twice.

Text is passed on phrase by phrase (up to a comma or a sentence's end), which is where speech is
cut into clauses anyway. When a model dies in the middle of an answer its unfinished phrase is
forgotten, and another model is told what was said so far. Some go on from there, some begin
again, some repeat the last few words or a sentence: what repeats is dropped.
"""

import re
from dataclasses import dataclass, field, replace
from typing import Final

from voice_agent.core.chat import ChatRequest

LONGEST_PHRASE: Final = 160
"""Characters after which a phrase without punctuation is passed on at a space."""

_INSTRUCTION: Final = (
    "The caller is listening to your answer to their last message and has already heard this "
    "beginning of it:\n«{said}»\nContinue exactly where it stops, so that both parts read as "
    "one answer. Repeat nothing of it, do not greet and do not apologise."
)
_WORD: Final = re.compile(r"\S+\s*")
_PHRASE_END: Final = re.compile(r"[.!?…,;:。！？，、；：—–)\]\"'”’»*_>]\s+|\n|[。！？，、；：—]")
_SENTENCE_END: Final = re.compile(r"[.!?…。！？][\"')\]”’»]*\s*$")

Words = tuple[str, ...]


def continuing(request: ChatRequest, said: str) -> ChatRequest:
    """The same request for a model that comes in after `said`."""
    if not said.strip():
        return request
    instruction = _INSTRUCTION.format(said=said.strip())
    system = f"{request.system}\n\n{instruction}".strip()
    return replace(request, system=system, said=said.strip())


@dataclass(slots=True)
class Answer:
    """Collects one answer; `said` is what was passed on so far."""

    said: str = ""
    _pending: str = ""
    _echo: "_Echo | None" = None

    def push(self, delta: str) -> str:
        """Take a piece of text; returns the whole new phrases that may be passed on."""
        self._pending += delta
        end = max((match.end() for match in _PHRASE_END.finditer(self._pending)), default=0)
        if not end and len(self._pending) > LONGEST_PHRASE:
            end = self._pending.rfind(" ") + 1
        ready, self._pending = self._pending[:end], self._pending[end:]
        return self._pass_on(ready)

    def finish(self) -> str:
        """The answer is complete: the last phrase, too."""
        ready, self._pending = self._pending, ""
        text = self._pass_on(ready)
        if self._echo is not None:
            text += self._say(self._echo.finish())
            self._echo = None
        return text

    def hand_over(self) -> None:
        """The model is gone and another one continues: an unfinished phrase is forgotten."""
        self._pending = ""
        self._echo = _Echo(_WORD.findall(self.said)) if self.said.strip() else None

    def _pass_on(self, text: str) -> str:
        if not text:
            return ""
        return self._say(text if self._echo is None else self._echo.push(text))

    def _say(self, text: str) -> str:
        if text and self.said and not self.said[-1].isspace() and not text[0].isspace():
            text = f" {text}"
        self.said += text
        return text


class _Echo:
    """Takes out of a successor's text what was said before it came in."""

    def __init__(self, said: list[str]) -> None:
        self._overlap: _Overlap | None = _Overlap(said)
        self._sentences = {_plain_all(one) for one in _sentences(said)}
        self._held = ""
        self._new_sentence = False

    def push(self, phrases: str) -> str:
        """What is new of the next whole phrases; a sentence may wait for its end."""
        out = ""
        for word in _WORD.findall(phrases):
            if self._overlap is None:
                out += self._sentence_word(word)
            elif (released := self._overlap.push(word)) is not None:
                self._overlap = None
                for one in _WORD.findall(released):
                    out += self._sentence_word(one)
        return out

    def finish(self) -> str:
        """The successor has said everything."""
        out = self.push(self._overlap.end()) if self._overlap is not None else ""
        self._overlap = None
        held, self._held = self._held, ""
        return out + ("" if _plain_all(_WORD.findall(held)) in self._sentences else held)

    def _sentence_word(self, word: str) -> str:
        """Holds a sentence back for as long as it is one that was said."""
        ends = bool(_SENTENCE_END.search(word))
        if self._new_sentence:
            self._new_sentence = not ends
            return word
        self._held += word
        words = _plain_all(_WORD.findall(self._held))
        if ends:
            held, self._held = self._held, ""
            return "" if words in self._sentences else held
        if any(one[: len(words)] == words for one in self._sentences):
            return ""
        held, self._held, self._new_sentence = self._held, "", True
        return held


@dataclass(slots=True)
class _Overlap:
    """Compares what a successor says first with what was said, until they differ."""

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
        self.starts = [start for start in self.starts if self._repeats(start + position, word)]
        if any(start + position + 1 == len(self.said) for start in self.starts):
            self.repeated = position + 1
        return None if self.starts else self._new()

    def end(self) -> str:
        """The successor stopped while it was still repeating."""
        return "" if self.starts else self._new()

    def _repeats(self, at: int, word: str) -> bool:
        return at < len(self.said) and _plain(self.said[at]) == _plain(word)

    def _new(self) -> str:
        if self.repeated and _ends_alike(self.said[-1], self.held[self.repeated - 1]):
            return "".join(self.held[self.repeated :])
        return "".join(self.held)


def _sentences(words: list[str]) -> list[list[str]]:
    """The whole sentences of a text."""
    sentences: list[list[str]] = [[]]
    for word in words:
        sentences[-1].append(word)
        if _SENTENCE_END.search(word):
            sentences.append([])
    return sentences[:-1]


def _ends_alike(said: str, repeated: str) -> bool:
    """Where a sentence was over, the same words are a repetition only if it is over again."""
    return not _SENTENCE_END.search(said) or bool(_SENTENCE_END.search(repeated))


def _plain_all(words: list[str]) -> Words:
    return tuple(_plain(word) for word in words)


def _plain(word: str) -> str:
    bare = re.sub(r"[^\w]+", "", word).casefold()
    return bare or word.strip()
