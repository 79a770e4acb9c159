"""From a transcript with Cartesia's tags to what is spoken."""

import re
from collections.abc import Iterator
from typing import Final

from voice_agent.simulation.providers.speaking import Passage, Pause, Say

LONGEST_BREAK: Final = 10.0
_TAG: Final = re.compile(
    r"<break\s+time=[\"'](?P<time>[0-9.]+)(?P<unit>ms|s)[\"']\s*/?>"
    r"|<spell>(?P<spell>.*?)</spell>"
    r"|<speed\s+ratio=[\"'](?P<speed>[0-9.]+)[\"']\s*/?>"
    r"|<(?:volume|emotion)\s+[a-z]+=[\"'][^\"'<>]*[\"']\s*/?>"
    r"|\[laughter\]",
    re.DOTALL,
)
_PACE: Final = (0.6, 1.5)


def passage(transcript: str, rate: float = 1.0) -> Passage:
    """What to say; tags that are not whole are words like all others."""
    return [
        part for part in _parts(transcript, rate) if isinstance(part, Pause) or part.text.strip()
    ]


def _parts(text: str, rate: float) -> Iterator[Say | Pause]:
    place, words = 0, ""
    for tag in _TAG.finditer(text):
        words += text[place : tag.start()]
        place = tag.end()
        if tag["spell"] is not None:
            words += " ".join(sign for sign in tag["spell"] if sign.isalnum())
        elif tag["time"]:
            yield Say(words, rate)
            words = ""
            seconds = _number(tag["time"], 0.0) / (1000 if tag["unit"] == "ms" else 1)
            yield Pause(min(seconds, LONGEST_BREAK))
        elif tag["speed"]:
            yield Say(words, rate)
            words = ""
            rate = min(max(_number(tag["speed"], 1.0), _PACE[0]), _PACE[1])
    yield Say(words + text[place:], rate)


def _number(text: str, default: float) -> float:
    try:
        return float(text)
    except ValueError:
        return default
