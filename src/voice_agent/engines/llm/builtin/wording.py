"""Sentences from templates: `{value}` must be known, `[a|b]` is the first known."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from voice_agent.engines.nlu.language import Language, Table, load_language

_FOLDER: Final = Path(__file__).parent / "languages"
_OPTIONAL: Final = re.compile(r"\[([^\[\]]*)\]")
_VALUE: Final = re.compile(r"\{(\w+)\}")

Values = Mapping[str, str]
"""Words ready to be said, by the name templates use."""


@cache
def load_wording(code: str = "en") -> "Wording":
    """The sentences of a language; raises `ConfigurationError` when there are none."""
    return Wording(load_language(code, _FOLDER))


def fill(template: str, values: Values) -> str | None:
    """The sentence, or None when it needs a value that is not known."""
    shown = _OPTIONAL.sub(lambda match: _first_known(match[1].split("|"), values), template)
    filled = _fill(shown, values)
    return None if filled is None else " ".join(filled.split())


def _first_known(choices: Sequence[str], values: Values) -> str:
    known = (_fill(choice, values) for choice in choices)
    return next((text for text in known if text is not None), "")


def _fill(template: str, values: Values) -> str | None:
    if any(not values.get(name) for name in _VALUE.findall(template)):
        return None
    return _VALUE.sub(lambda match: values[match[1]], template)


def first_fitting(wordings: Sequence[str], values: Values, turn: int = 0) -> str | None:
    """The wording whose turn it is, or the next whose values are known."""
    start = turn % len(wordings) if wordings else 0
    rotated = (*wordings[start:], *wordings[:start])
    return next((text for text in (fill(one, values) for one in rotated) if text), None)


@dataclass(frozen=True, eq=False)
class Wording:
    """The sentences of one language."""

    language: Language

    @property
    def sentences(self) -> Table:
        """The table `sentences.toml`."""
        return self.language.table("sentences")

    @property
    def results(self) -> Table:
        """The table `results.toml`."""
        return self.language.table("results")

    def say(self, key: str, turn: int, **values: str) -> str:
        """A sentence of `[say]`; falls back to its last wording's plain words."""
        wordings: list[str] = self.sentences["say"][key]
        return first_fitting(wordings, values, turn) or wordings[-1]

    def word(self, key: str) -> Any:
        """An entry of `[words]`."""
        return self.sentences["words"][key]

    def action(self, key: str, description: str = "") -> str:
        """What a task does, as it stands after "I can"."""
        actions: Mapping[str, str] = self.sentences["action"]
        if key in actions and key != "*":
            return actions[key]
        plain = re.split(r"[.;:]", description, maxsplit=1)[0].strip()
        return plain[:1].lower() + plain[1:80] if plain else actions["that"]

    def joined(self, parts: Sequence[str], last: str = "and") -> str:
        """As in "a, b and c"."""
        if len(parts) < 2:
            return "".join(parts)
        return f"{', '.join(parts[:-1])} {self.word(last)} {parts[-1]}"
