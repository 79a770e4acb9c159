"""Examples: what callers say, and what they mean by it."""

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from voice_agent.core.errors import ConfigurationError
from voice_agent.engines.nlu.language import Language

OUT_OF_SCOPE: Final = "out_of_scope"
_TABLES: Final = ("examples", "examples_out_of_scope")


@dataclass(frozen=True, slots=True)
class Example:
    """One utterance and its intent."""

    text: str
    intent: str


def shipped_examples(language: Language) -> tuple[Example, ...]:
    """The examples of a language folder.

    Raises:
        ConfigurationError: they cannot be read.
    """
    return tuple(example for name in _TABLES for example in _of_table(language.table(name), name))


def read_examples(path: Path) -> tuple[Example, ...]:
    """The examples of a file: TOML like the shipped ones, or JSON lines of text and intent.

    Raises:
        ConfigurationError: it cannot be read, or a row is not an example.
    """
    try:
        content = path.read_text(encoding="utf-8")
        if path.suffix == ".toml":
            return tuple(_of_table(tomllib.loads(content), str(path)))
        return tuple(_of_line(line) for line in content.splitlines() if line.strip())
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"The examples {path} cannot be read: {error!r}.") from error


def _of_table(table: Mapping[str, Any], name: str) -> Iterable[Example]:
    intents = table.get("examples")
    if not isinstance(intents, dict):
        raise ConfigurationError(f"The examples {name} have no table [examples].")
    for intent, block in intents.items():
        lines = block.splitlines() if isinstance(block, str) else block
        yield from (Example(line.strip(), intent) for line in lines if line.strip())


def _of_line(line: str) -> Example:
    row = json.loads(line)
    text, intent = row["text"], row["intent"]
    if not (isinstance(text, str) and isinstance(intent, str)):
        raise TypeError("text and intent must be strings")
    return Example(text, intent)
