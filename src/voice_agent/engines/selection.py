"""Starts the engines of an ordered list that can work here."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from typing import Any

import structlog
from pydantic import BaseModel

from voice_agent.core.errors import ConfigurationError, ProviderError
from voice_agent.engines.registry import Kind, Provider, find, read_options

log = structlog.get_logger(__name__)

OptionsOf = Callable[[Provider], dict[str, Any]]
"""What is set for a provider."""


@dataclass(frozen=True, slots=True)
class ChosenEngine:
    """A running engine."""

    provider: Provider
    engine: Any
    options: BaseModel

    @property
    def name(self) -> str:
        """The provider's name."""
        return self.provider.name


@dataclass(frozen=True, slots=True)
class Selection:
    """The running engines of a list, best first, and why others were passed over."""

    chosen: tuple[ChosenEngine, ...]
    passed_over: Mapping[str, str]


async def start_engines(
    kind: Kind,
    names: Sequence[str],
    options: OptionsOf,
    stack: AsyncExitStack,
    *,
    least: int = 1,
    most: int = 99,
) -> Selection:
    """Start the usable engines of a list, at most so many; `stack` stops them.

    Raises:
        ConfigurationError: fewer than `least` are usable; the message says for each one why.
            Or an option of any of them is wrong.
    """
    chosen: list[ChosenEngine] = []
    passed_over: dict[str, str] = {}
    for name in dict.fromkeys(names):
        if len(chosen) == most:
            break
        provider = find(kind, name)
        values = read_options(provider, options(provider))
        reason = provider.check(values)
        if not reason:
            try:
                engine = await _start(provider.build(values), stack)
                chosen.append(ChosenEngine(provider, engine, values))
                continue
            except ProviderError as error:
                reason = str(error)
        passed_over[name] = reason
        log.info("engine.passed_over", kind=str(kind), engine=name, reason=reason)
    if len(chosen) < least:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in passed_over.items())
        raise ConfigurationError(
            f"no {kind} engine can be used here ({reasons or 'none is named'})"
        )
    return Selection(tuple(chosen), passed_over)


async def choose_engine(
    kind: Kind, names: Sequence[str], options: OptionsOf, stack: AsyncExitStack
) -> ChosenEngine:
    """Start the first usable engine; `stack` stops it.

    Raises:
        ConfigurationError: as `start_engines`.
    """
    return (await start_engines(kind, names, options, stack, most=1)).chosen[0]


async def _start(engine: Any, stack: AsyncExitStack) -> Any:
    if isinstance(engine, AbstractAsyncContextManager):
        return await stack.enter_async_context(engine)
    return engine
