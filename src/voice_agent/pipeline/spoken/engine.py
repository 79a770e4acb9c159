"""One pass of a language's rules over a text, word by word, with the way back."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from voice_agent.pipeline.spoken.characters import Characters

Say = Callable[[re.Match[str]], str]
"""What a match sounds like: words and the marks `, . ? !`."""

_DIGIT: Final = re.compile("[0-9]")
_STRENGTH: Final = {",": 1, ".": 2, "!": 3, "?": 4}


@dataclass(frozen=True, slots=True)
class Rule:
    """Something written that is said otherwise; `needs_digit` skips it in texts without one."""

    pattern: re.Pattern[str]
    say: Say
    needs_digit: bool = False


class Scanner:
    """Finds the next match of any rule in one regular expression."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        parts = (f"(?P<r{i}>{_anonymous(rule.pattern)})" for i, rule in enumerate(self.rules))
        self.pattern = re.compile("|".join(parts))

    def rule_of(self, match: re.Match[str]) -> Rule:
        """The rule that a match of `pattern` belongs to."""
        return self.rules[int((match.lastgroup or "r0")[1:])]


def _anonymous(pattern: re.Pattern[str]) -> str:
    return re.sub(r"\(\?P<\w+>", "(?:", pattern.pattern)


class Language:
    """Rules in the order in which they are tried; `spelled` are the words for one digit."""

    def __init__(self, rules: Sequence[Rule], spelled: frozenset[str] = frozenset()) -> None:
        """The two expressions are compiled here, not during the first call."""
        self.spelled = spelled
        self._with_digits = Scanner(rules)
        self._without_digits = Scanner([rule for rule in rules if not rule.needs_digit])

    def scanner_for(self, text: str) -> Scanner:
        """The rules that `text` can meet."""
        return self._with_digits if _DIGIT.search(text) else self._without_digits


@dataclass(frozen=True, slots=True)
class Rendering:
    """Words to say and, for each, where the written text ends that it completes."""

    spoken: str
    offsets: tuple[int, ...]


class _Writer:
    """Collects words with their ends and pauses in between."""

    def __init__(self, spelled: frozenset[str]) -> None:
        self._spelled = spelled
        self.words: list[str] = []
        self.ends: list[int] = []
        self._last = -1

    def say(self, phrase: str, written: str, start: int, end: int) -> None:
        words = phrase.split()
        if not words or words[0] in _STRENGTH:
            self._touch(start, end)
            self._pause(phrase)
            return
        before = self.ends[-1] if self.ends else 0
        marks = _progress(words, written, self._spelled)
        for word, done in zip(words, marks, strict=True):
            if word in _STRENGTH:
                self._pause(word)
            else:
                self.words.append(word)
                self.ends.append(start + done if done else before)
        self.ends[-1] = self._last = end

    def _touch(self, start: int, end: int) -> None:
        if start == self._last and self.ends:
            self.ends[-1] = self._last = end

    def _pause(self, mark: str) -> None:
        if not self.words or not mark:
            return
        last = self.words[-1]
        if last[-1] not in _STRENGTH:
            self.words[-1] = last + mark
        elif _STRENGTH[mark] > _STRENGTH[last[-1]]:
            self.words[-1] = last[:-1] + mark


def _progress(words: list[str], written: str, spelled: frozenset[str]) -> list[int]:
    """How many characters of `written` are complete after each of `words`."""
    if len(words) == 1:
        return [len(written)]
    bare = [word.rstrip(",.?!") for word in words]
    if all(len(word) == 1 or word in spelled for word in bare):
        ends = [i + 1 for i, char in enumerate(written) if char.isalnum()]
        if len(ends) == len(words):
            return ends
    ends = [match.end() for match in re.finditer(r"\S+", written)]
    done = [(i + 1) * len(ends) // len(words) for i in range(len(words))]
    return [ends[count - 1] if count else 0 for count in done]


def run(chars: Characters, language: Language) -> Rendering:
    """Say `chars` once; offsets are in the source of `chars`."""
    text = chars.text
    scanner = language.scanner_for(text)
    writer = _Writer(language.spelled)
    for match in scanner.pattern.finditer(text):
        start, end = match.span()
        rule = scanner.rule_of(match)
        own = rule.pattern.match(text, start)
        phrase = rule.say(own) if own else match.group()
        writer.say(phrase, text[start:end], start, end)
    offsets = tuple(map(chars.source_end, writer.ends))
    return Rendering(" ".join(writer.words), offsets)
