"""From text to what is spoken: ElevenLabs' SSML subset, and characters with their times."""

import re
from collections.abc import Iterator, Sequence
from html import unescape
from itertools import pairwise
from typing import Final

from voice_agent.core.speech import SpokenWord
from voice_agent.simulation.providers.elevenlabs.messages import Glyph
from voice_agent.simulation.providers.speaking import Passage, Pause, Say, Sound

LONGEST_BREAK: Final = 3.0
_TAG: Final = re.compile(r"<\s*(/?)\s*([a-zA-Z-]+)([^<>]*)>")
_TIME: Final = re.compile(r"time\s*=\s*[\"']\s*([0-9]*\.?[0-9]+)\s*(ms|s)\s*[\"']")


def passage(text: str, *, ssml: bool, rate: float = 1.0) -> Passage:
    """What to say; without `ssml` tags are words like all others."""
    if not ssml:
        return [Say(text, rate)]
    return [part for part in _parts(text, rate) if isinstance(part, Pause) or part.text.strip()]


def _parts(text: str, rate: float) -> Iterator[Say | Pause]:
    place = 0
    words = ""
    for tag in _TAG.finditer(text):
        words += unescape(text[place : tag.start()])
        place = tag.end()
        time = _TIME.search(tag[3]) if tag[2] == "break" else None
        if time:
            yield Say(words, rate)
            seconds = float(time[1]) / (1000 if time[2] == "ms" else 1)
            yield Pause(min(seconds, LONGEST_BREAK))
            words = ""
    yield Say(words + unescape(text[place:]), rate)


def glyphs(sound: Sound) -> list[Glyph]:
    """Every character with its time; together they last as long as the sound."""
    places = [*_places(sound), sound.seconds]
    return [
        Glyph(character, max(0.0, end - start))
        for character, (start, end) in zip(sound.text, pairwise(places), strict=True)
    ]


def cut(whole: Sequence[Glyph], pieces: int) -> list[list[Glyph]]:
    """Runs of characters, cut at spaces, of quite different lengths."""
    last = len(whole) - 1
    spaces = [n + 1 for n, glyph in enumerate(whole) if glyph.text.isspace() and 0 < n < last]
    chosen = [spaces[len(spaces) * k * k // (pieces * pieces)] for k in range(1, pieces) if spaces]
    ends = [0, *sorted(set(chosen)), len(whole)]
    return [list(whole[start:end]) for start, end in pairwise(ends) if end > start]


def _places(sound: Sound) -> list[float]:
    """Where each character starts."""
    found = list(re.finditer(r"\S+", sound.text))
    if len(found) != len(sound.words):
        each = sound.seconds / len(sound.text)
        return [n * each for n in range(len(sound.text))]
    places = [0.0] * len(sound.text)
    reached = 0.0
    for written, spoken in zip(found, sound.words, strict=True):
        start, end = _within(spoken, reached, sound.seconds)
        length = written.end() - written.start()
        for n in range(length):
            places[written.start() + n] = start + (end - start) * n / length
        for n in range(written.end(), len(places)):
            places[n] = end
        reached = end
    places[0] = 0.0
    return places


def _within(word: SpokenWord, earliest: float, latest: float) -> tuple[float, float]:
    start = min(max(word.start, earliest), latest)
    return start, min(max(word.end, start), latest)
