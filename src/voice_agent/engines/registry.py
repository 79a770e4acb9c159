"""Providers: one file each, found by looking.

A provider file ends with `PROVIDER = Provider(…)`. From that one object come the settings
reference, secret masking, the readiness line and the conformance tests.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ValidationError

from voice_agent.core.errors import ConfigurationError


class Kind(StrEnum):
    """What an engine does; the value is its folder under `engines/`."""

    STT = "stt"
    LLM = "llm"
    TTS = "tts"
    VAD = "vad"
    REALTIME = "realtime"


def _usable(_options: Any) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Provider:
    """One engine that can be chosen by name.

    `check` returns "" when the engine can work here and now, else one sentence with the
    exact next step. `extra` is the pip extra it needs. `key_variable` names the environment
    variable from which a hosted engine's option `api_key` is taken when it is not set
    otherwise. `traits` are figures by which a router may choose (see `engines/tts/router.py`).
    """

    name: str
    kind: Kind
    options: type[BaseModel]
    build: Callable[[Any], Any]
    summary: str
    extra: str = ""
    check: Callable[[Any], str] = _usable
    key_variable: str = ""
    traits: Mapping[str, float] = field(default_factory=dict)


def providers(kind: Kind) -> dict[str, Provider]:
    """Every provider of a kind by name, in alphabetical order."""
    return {provider.name: provider for provider in sorted(_found(kind), key=lambda p: p.name)}


def find(kind: Kind, name: str) -> Provider:
    """The provider called `name`.

    Raises:
        ConfigurationError: there is none; the message lists those there are.
    """
    known = providers(kind)
    if name not in known:
        raise ConfigurationError(
            f"no {kind} engine is called {name!r}; there are: {', '.join(known)}"
        )
    return known[name]


def read_options(provider: Provider, values: dict[str, Any]) -> BaseModel:
    """The provider's options from plain values.

    Raises:
        ConfigurationError: a value is wrong; the message names every one.
    """
    try:
        return provider.options(**values)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise ConfigurationError(
            f"options of {provider.kind} engine {provider.name}: {wrong}"
        ) from None


def _found(kind: Kind) -> Iterator[Provider]:
    package = importlib.import_module(f"voice_agent.engines.{kind}")
    for module in pkgutil.iter_modules(package.__path__):
        if module.name.endswith("_worker"):
            continue
        provider = getattr(
            importlib.import_module(f"{package.__name__}.{module.name}"), "PROVIDER", None
        )
        if isinstance(provider, Provider):
            yield provider
