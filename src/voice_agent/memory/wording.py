"""What memory says and listens for, by language; wording is data in `languages/`."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from voice_agent.memory.plain_text import NumberMask

Patterns = tuple[re.Pattern[str], ...]


@dataclass(frozen=True, slots=True)
class ConsentPatterns:
    """How consent is asked for, given, refused and withdrawn."""

    asked: Patterns
    yes: Patterns
    no: Patterns
    harmless_no: Patterns
    given: Patterns
    withdrawn: Patterns


@dataclass(frozen=True, slots=True)
class Wording:
    """One language's sentences and patterns."""

    data: Mapping[str, Any]
    consent: ConsentPatterns
    names: Patterns
    preferences: Patterns
    matters: Mapping[str, str]
    mask: NumberMask

    def say(self, key: str) -> str:
        """A sentence."""
        return str(self.data[key]).strip()

    def listed(self, key: str) -> tuple[str, ...]:
        """A list of words."""
        return tuple(map(str, self.data[key]))


@cache
def load_wording(language: str) -> Wording:
    """The wording of a language; English where it does not ship."""
    folder = resources.files("voice_agent.memory").joinpath("languages")
    path = folder.joinpath(f"{language.partition('-')[0]}.toml")
    if not path.is_file():
        path = folder.joinpath("en.toml")
    data = tomllib.loads(path.read_text("utf-8"))
    consent = {name: _patterns(found) for name, found in data["consent"].items()}
    return Wording(
        data=data,
        consent=ConsentPatterns(**consent),
        names=_patterns(data["statements"]["name"]),
        preferences=_patterns(data["statements"]["preference"]),
        matters=data["matters"],
        mask=NumberMask(frozenset(data["number_words"])),
    )


def _patterns(sources: list[str]) -> Patterns:
    return tuple(re.compile(source, re.IGNORECASE) for source in sources)


def any_found(patterns: Patterns, text: str) -> bool:
    """Whether one of them occurs."""
    return any(pattern.search(text) for pattern in patterns)
