"""How names and terms of the business are pronounced, whichever voice speaks.

    Nguyen → "nwin"             an alias: other letters, for every voice
    Siobhan → {"ipa": "ʃɪˈvɔːn"}   sounds, for voices that know them; others read the word

An alias changes what the voice is given, not what the call's record says: the words that the
wrapped voice reports are told as the words that were asked for.
"""

import hashlib
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Final

from voice_agent.core.errors import ConfigurationError
from voice_agent.core.ports import SpeechSynthesizer, Warmable
from voice_agent.core.speech import SpeechEvent, SpeechRequest, SpokenWord
from voice_agent.engines.tts.event_stream import events_of
from voice_agent.engines.tts.ssml_parser import parse
from voice_agent.engines.tts.ssml_spans import (
    Emphasis,
    Phoneme,
    Prosody,
    Span,
    Spans,
    Text,
    plain_text,
    to_ssml,
)

MOST_ENTRIES: Final = 1000
LONGEST_ENTRY: Final = 200
"""Characters of a word, an alias or its sounds."""
_ACRONYM: Final = re.compile(r"[A-Z]{2,6}")


@dataclass(frozen=True, slots=True)
class Alias:
    """Written otherwise, so that it is said right."""

    text: str


@dataclass(frozen=True, slots=True)
class Sounds:
    """What is heard, in the international phonetic alphabet."""

    ipa: str


Pronunciation = Alias | Sounds


@dataclass(frozen=True, slots=True)
class Pronounced:
    """What the voice is asked, and for each word of the original the voice's word that ends it."""

    request: SpeechRequest
    words: tuple[str, ...]
    done_at: tuple[int, ...]


class Pronunciations:
    """A dictionary of words and phrases; whole words, capitals or not, the longest first."""

    def __init__(self, entries: Mapping[str, Pronunciation]) -> None:
        """See `read_pronunciations` for the setting."""
        words = sorted(entries, key=len, reverse=True)
        self._entries = [entries[word] for word in words]
        patterns = "|".join(f"({_pattern(word)})" for word in words)
        self._words = re.compile(rf"(?<!\w)(?:{patterns})(?!\w)", re.IGNORECASE)
        written = repr(sorted((word, repr(said)) for word, said in entries.items()))
        self.fingerprint = hashlib.sha256(written.encode()).hexdigest()[:16] if entries else ""
        """Another one for other entries: sound made with them must not be kept for these."""

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._entries)

    def apply(self, request: SpeechRequest) -> Pronounced | None:
        """The request as the voice is to get it; None where nothing changes."""
        if not self._entries or not self._words.search(request.text):
            return None
        spans = parse(request.markup) if request.markup else ()
        if plain_text(spans) != request.text:
            spans = (Text(request.text),)
        writing = _Writing()
        said = tuple(self._spans(spans, writing))
        markup = to_ssml(said) if request.markup or "<" in to_ssml(said) else ""
        new = replace(request, text=plain_text(said), markup=markup)
        return Pronounced(new, tuple(request.text.split()), writing.done_at())

    def _spans(self, spans: Spans, writing: "_Writing") -> Iterator[Span]:
        for span in spans:
            match span:
                case Text(text):
                    yield from self._text(text, writing)
                case Emphasis(level, children):
                    yield Emphasis(level, tuple(self._spans(children, writing)))
                case Prosody(children, rate, pitch, volume):
                    yield Prosody(tuple(self._spans(children, writing)), rate, pitch, volume)
                case _:
                    writing.copy(plain_text((span,)) or " ")
                    yield span

    def _text(self, text: str, writing: "_Writing") -> Iterator[Span]:
        position = 0
        for match in self._words.finditer(text):
            yield Text(writing.copy(text[position : match.start()]))
            entry = self._entries[(match.lastindex or 1) - 1]
            if isinstance(entry, Sounds):
                yield Phoneme("ipa", entry.ipa, writing.copy(match[0]))
            else:
                yield Text(writing.replace(match[0], entry.text))
            position = match.end()
        yield Text(writing.copy(text[position:]))


def read_pronunciations(values: Mapping[str, object]) -> Pronunciations:
    """The setting `pronunciations`: a word to an alias, or to `{"ipa": sounds}`.

    Raises:
        ConfigurationError: an entry is wrong; the message names it.
    """
    if len(values) > MOST_ENTRIES:
        raise ConfigurationError(f"pronunciations: more than {MOST_ENTRIES} entries")
    return Pronunciations({word: _read(word, value) for word, value in values.items()})


def _read(word: str, value: object) -> Pronunciation:
    if re.search(r"\w", word) and len(word) <= LONGEST_ENTRY:
        if isinstance(value, str) and _usable(value):
            return Alias(value)
        if isinstance(value, Mapping) and set(value) == {"ipa"} and _usable(value["ipa"]):
            return Sounds(str(value["ipa"]))
    raise ConfigurationError(
        f'pronunciations: {word[:40]!r} needs an alias, or {{"ipa": its sounds}}, '
        f"of at most {LONGEST_ENTRY} characters"
    )


def _usable(text: object) -> bool:
    return isinstance(text, str) and bool(text.strip()) and len(text) <= LONGEST_ENTRY


def _pattern(word: str) -> str:
    """An acronym may have been spelled out by the time it is spoken: "S Q L"."""
    if _ACRONYM.fullmatch(word.strip()):
        return r"\s?".join(word.strip())
    return r"\s+".join(map(re.escape, word.split()))


class _Writing:
    """Original and new text side by side: where each new character ends in the original."""

    def __init__(self) -> None:
        self._old: list[str] = []
        self._new: list[str] = []
        self._ends: list[int] = []

    def copy(self, text: str) -> str:
        self._ends += range(len(self._old) + 1, len(self._old) + len(text) + 1)
        self._old += text
        self._new += text
        return text

    def replace(self, old: str, new: str) -> str:
        start, new = len(self._old), " ".join(new.split())
        self._old += old
        self._new += new
        self._ends += [start + len(old) * (i + 1) // len(new) for i in range(len(new))]
        return new

    def done_at(self) -> tuple[int, ...]:
        """For each original word the number of the new word with which it is complete."""
        new = [self._ends[end - 1] for end in _ends("".join(self._new))]
        last = len(new) - 1
        return tuple(
            next((n for n, reached in enumerate(new) if reached >= end), last)
            for end in _ends("".join(self._old))
        )


def _ends(text: str) -> Sequence[int]:
    return [match.end() for match in re.finditer(r"\S+", text)]


class PronouncingSynthesizer:
    """Speaks through another voice, with the business's pronunciations."""

    def __init__(self, inner: SpeechSynthesizer, pronunciations: Pronunciations) -> None:
        """`inner` speaks; its words are told as those of the original text."""
        self._inner = inner
        self._pronunciations = pronunciations

    async def warm(self) -> None:
        """Let the voice get ready."""
        if isinstance(self._inner, Warmable):
            await self._inner.warm()

    async def stream(self, request: SpeechRequest) -> AsyncIterator[SpeechEvent]:
        """Speak one clause; see the port."""
        pronounced = self._pronunciations.apply(request)
        teller = _Teller(pronounced) if pronounced else None
        asked = pronounced.request if pronounced else request
        async with aclosing(events_of(self._inner, asked)) as events:
            async for event in events:
                if teller is not None and isinstance(event, SpokenWord):
                    for word in teller.told(event):
                        yield word
                else:
                    yield event


class _Teller:
    """Tells the voice's words as the original ones, each once and in order."""

    def __init__(self, pronounced: Pronounced) -> None:
        self._words = pronounced.words
        self._done_at = pronounced.done_at
        self._heard = -1
        self._told = 0
        self._start: float | None = None

    def told(self, word: SpokenWord) -> Iterator[SpokenWord]:
        self._heard += 1
        self._start = word.start if self._start is None else self._start
        until = self._told
        while until < len(self._words) and self._done_at[until] <= self._heard:
            until += 1
        if until == self._told:
            return
        step = (word.end - self._start) / (until - self._told)
        for index, text in enumerate(self._words[self._told : until]):
            start = self._start + index * step
            yield SpokenWord(text, start, start + step)
        self._told, self._start = until, None
