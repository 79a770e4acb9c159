"""Language is data: a folder of TOML tables per language, read once."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

from voice_agent.core.errors import ConfigurationError

Table = Mapping[str, Any]
"""A decoded TOML file."""

_FOLDER: Final = Path(__file__).parent / "languages"


@dataclass(frozen=True, eq=False)
class Language:
    """The tables of one language folder; compared by identity so that caches may key on it."""

    code: str
    folder: Path
    _tables: dict[str, Table] = field(default_factory=dict, repr=False)

    def table(self, name: str) -> Table:
        """The table `<name>.toml`; raises `ConfigurationError` when it cannot be read."""
        if name not in self._tables:
            self._tables[name] = _read(self.folder / f"{name}.toml")
        return self._tables[name]


def _read(path: Path) -> Table:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"The language file {path} cannot be read: {error}.") from error


@cache
def load_language(code: str = "en", root: Path = _FOLDER) -> Language:
    """The language folder `root/code`; raises `ConfigurationError` when it does not exist."""
    folder = root / code
    if not folder.is_dir():
        known = ", ".join(sorted(entry.name for entry in root.iterdir() if entry.is_dir()))
        raise ConfigurationError(f"There is no language '{code}'; there is: {known}.")
    return Language(code, folder)
