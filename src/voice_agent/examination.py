"""Looks at every engine the settings name, as a call would find it."""

from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

import anyio
import httpx2

from voice_agent.config import Settings
from voice_agent.core.errors import ProviderError
from voice_agent.core.ports import Probeable
from voice_agent.engine_room import options_from, roles
from voice_agent.engines.chains import Standing
from voice_agent.engines.registry import Kind, Provider, find, read_options
from voice_agent.engines.retirements import retirement_warning

PROBE_WITHIN: Final = 6.0
"""How long an engine may take to say whether it works (s)."""
SERVER_WITHIN: Final = 2.0
"""How long a running server may take to tell its breakers (s)."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found out about one engine.

    `has_key` is None where none is needed, `answered` where it was not asked.
    """

    kind: str
    name: str
    has_key: bool | None
    answered: bool | None = None
    standing: Standing = Standing.STANDBY
    reason: str = ""


async def examine(settings: Settings, *, ask: bool) -> list[Finding]:
    """Every engine of the settings, in the order in which they are tried.

    With `ask` the engines that can tell are asked whether they would work, and a server that
    runs with these settings is asked for its breakers.

    Raises:
        ConfigurationError: an option is wrong, or an engine does not exist.
    """
    order = [(kind, name) for kind, names in roles(settings) for name in dict.fromkeys(names)]
    # Built one after the other: that blocks, and a connection that waits meanwhile times out.
    candidates = [_candidate(settings, kind, name, build=ask) for kind, name in order]
    findings = [candidate.finding for candidate in candidates]

    async def look(place: int) -> None:
        findings[place] = await _probe(candidates[place])

    async with anyio.create_task_group() as tasks:
        for place, candidate in enumerate(candidates):
            if candidate.engine is not None:
                tasks.start_soon(look, place)
    return _standings(findings, await _breakers(settings) if ask else {})


@dataclass(frozen=True, slots=True)
class _Candidate:
    """What is known before anybody is asked; `engine` is there if it can be asked."""

    finding: Finding
    engine: Probeable | None = None


def _candidate(settings: Settings, kind: Kind, name: str, *, build: bool) -> _Candidate:
    provider = find(kind, name)
    options = read_options(provider, options_from(settings)(provider))
    finding = Finding(str(kind), name, _has_key(provider, options))
    reason = provider.check(options)
    if reason:
        return _Candidate(replace(finding, standing=Standing.MISSING, reason=reason))
    today = datetime.now(UTC).date()
    finding = replace(finding, reason=retirement_warning(getattr(options, "model", ""), today))
    if not (build and provider.key_variable):
        return _Candidate(finding)
    engine = provider.build(options)
    return _Candidate(finding, engine if isinstance(engine, Probeable) else None)


def _has_key(provider: Provider, options: Any) -> bool | None:
    if not provider.key_variable:
        return None
    return bool(options.api_key.get_secret_value())


async def _probe(candidate: _Candidate) -> Finding:
    """Ask a hosted engine whether it would work."""
    finding, engine = candidate.finding, candidate.engine
    if engine is None:
        return finding
    try:
        with anyio.fail_after(PROBE_WITHIN):
            async with AsyncExitStack() as stack:
                if isinstance(engine, AbstractAsyncContextManager):
                    await stack.enter_async_context(engine)
                await engine.probe()
    except ProviderError as error:
        return replace(finding, answered=False, standing=Standing.MISSING, reason=str(error))
    except TimeoutError:
        reason = f"no answer within {PROBE_WITHIN:g} s"
        return replace(finding, answered=False, standing=Standing.MISSING, reason=reason)
    return replace(finding, answered=True)


async def _breakers(settings: Settings) -> dict[tuple[str, str], str]:
    """The open breakers of a server that runs with these settings, and why they are open."""
    url = f"http://{settings.host}:{settings.port}/health?ready=1"
    try:
        async with httpx2.AsyncClient(timeout=SERVER_WITHIN, trust_env=False) as client:
            chains = (await client.get(url)).json()["chains"]
            return {
                (one["kind"], one["name"]): f"breaker {one['breaker']}: {one['reason']}"
                for one in chains
                if one["standing"] == Standing.BLOCKED
            }
    except (httpx2.HTTPError, ValueError, KeyError, TypeError):
        return {}


def _standings(findings: list[Finding], blocked: dict[tuple[str, str], str]) -> list[Finding]:
    """The first of each kind that nothing speaks against is the one in use."""
    taken: set[str] = set()

    def judged(finding: Finding) -> Finding:
        if finding.standing is not Standing.STANDBY:
            return finding
        if reason := blocked.get((finding.kind, finding.name)):
            return replace(finding, standing=Standing.BLOCKED, reason=reason)
        if finding.kind in taken:
            return finding
        taken.add(finding.kind)
        return replace(finding, standing=Standing.IN_USE)

    return [judged(finding) for finding in findings]
