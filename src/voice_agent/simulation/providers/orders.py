"""What an operator orders of the simulated providers: bad days and delays, from files or words."""

import tomllib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from voice_agent.core.errors import ConfigurationError
from voice_agent.simulation.providers.desk import Timing
from voice_agent.simulation.providers.faults import Fault


def read_faults(text: str, known: Collection[str]) -> list[Fault]:
    """The `[[fault]]` tables of a TOML file, in order.

    Raises:
        ConfigurationError: it is no TOML, or says something that cannot be done.
    """
    table = _table(text)
    orders = table.pop("fault", [])
    if table:
        raise ConfigurationError(f"{next(iter(table))!r} is unknown; faults are [[fault]] tables")
    if not isinstance(orders, list):
        raise ConfigurationError("fault: write [[fault]], with two brackets")
    return [_fault(order, number, known) for number, order in enumerate(orders, 1)]


def read_timings(text: str, known: Collection[str]) -> dict[str, Timing]:
    """One table per provider, with `first`, `between` and `jitter` in seconds.

    Raises:
        ConfigurationError: it is no TOML, or says something that cannot be done.
    """
    return {_known(name, known): _timing(name, values) for name, values in _table(text).items()}


def timings_from(words: Sequence[str], known: Collection[str]) -> dict[str, Timing]:
    """Delays from files and from words like `openai=0.3,0.02`; later ones win.

    Raises:
        ConfigurationError: a file cannot be read, or a word is none of that form.
    """
    timings: dict[str, Timing] = {}
    for word in words:
        name, sign, figures = word.partition("=")
        if sign:
            timings[_known(name, known)] = _timing(name, _figures(word, figures))
        else:
            timings |= read_timings(read_text(Path(word)), known)
    return timings


def read_text(path: Path) -> str:
    """A text file.

    Raises:
        ConfigurationError: it cannot be read; the message names it.
    """
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path} is no text") from None


def _table(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"no TOML: {error}") from None


def _fault(order: Any, number: int, known: Collection[str]) -> Fault:
    try:
        fault = Fault.model_validate(order)
    except ValidationError as error:
        raise ConfigurationError(f"fault {number}: {_problems(error)}") from None
    _known(fault.provider, known)
    return fault


def _timing(name: str, values: Any) -> Timing:
    try:
        return Timing.model_validate(values)
    except ValidationError as error:
        raise ConfigurationError(f"timings of {name}: {_problems(error)}") from None


def _figures(word: str, figures: str) -> Mapping[str, str]:
    parts = figures.split(",")
    names = ("first", "between", "jitter")
    if len(parts) > len(names):
        raise ConfigurationError(f"{word!r}: give first,between,jitter in seconds")
    return dict(zip(names, parts, strict=False))


def _known(name: str, known: Collection[str]) -> str:
    if name not in known:
        raise ConfigurationError(
            f"no simulated provider is called {name!r}; there are: {', '.join(known)}"
        )
    return name


def _problems(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, e['loc'])) or 'it'}: {e['msg']}" for e in error.errors())
