"""Picks the first engine of an ordered list that can work here, and starts it."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from typing import Any

import structlog

from voice_agent.core.errors import ConfigurationError, ProviderError
from voice_agent.engines.registry import Kind, Provider, find, read_options

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ChosenEngine:
    """A running engine, and why those before it in the list were passed over."""

    name: str
    engine: Any
    passed_over: Mapping[str, str]


async def choose_engine(
    kind: Kind,
    names: Sequence[str],
    options: Callable[[Provider], dict[str, Any]],
    stack: AsyncExitStack,
) -> ChosenEngine:
    """Start the first usable engine; `stack` stops it.

    Raises:
        ConfigurationError: none is usable; the message says for each one why.
    """
    passed_over: dict[str, str] = {}
    for name in names:
        provider = find(kind, name)
        values = read_options(provider, options(provider))
        reason = provider.check(values)
        if not reason:
            try:
                engine = await _start(provider.build(values), stack)
            except ProviderError as error:
                reason = str(error)
            else:
                return ChosenEngine(name, engine, passed_over)
        passed_over[name] = reason
        log.info("engine.passed_over", kind=str(kind), engine=name, reason=reason)
    reasons = "; ".join(f"{name}: {reason}" for name, reason in passed_over.items())
    raise ConfigurationError(f"no {kind} engine can be used here ({reasons or 'none is named'})")


async def _start(engine: Any, stack: AsyncExitStack) -> Any:
    if isinstance(engine, AbstractAsyncContextManager):
        return await stack.enter_async_context(engine)
    return engine
