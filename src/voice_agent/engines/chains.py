"""The engines of one kind in a running server: which there are and which would be used now."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from voice_agent.core.clock import Clock
from voice_agent.engines.registry import Kind
from voice_agent.engines.resilience.breaker import BreakerState
from voice_agent.engines.resilience.candidates import Candidate, Candidates
from voice_agent.engines.selection import Selection


class Standing(StrEnum):
    """What an engine would do if a call came now."""

    IN_USE = "in_use"
    STANDBY = "standby"
    BLOCKED = "blocked"
    """Its breaker is open, or half open with a trial under way."""
    MISSING = "missing"
    """It cannot work here; `reason` says what to do."""


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """One line of the doctor's report."""

    kind: str
    name: str
    standing: Standing
    breaker: BreakerState = BreakerState.CLOSED
    reason: str = ""


class EngineChain:
    """The started engines of a kind behind their breakers, and those passed over."""

    def __init__(self, kind: Kind, selection: Selection, clock: Clock) -> None:
        """One breaker for each engine, shared by all calls."""
        self.kind = kind
        self._passed_over: Mapping[str, str] = selection.passed_over
        self.traits = {one.name: one.provider.traits for one in selection.chosen}
        self.candidates: Candidates[Any] = Candidates(
            str(kind),
            [Candidate(c.name, c.engine, not c.provider.key_variable) for c in selection.chosen],
            clock,
        )

    @property
    def first(self) -> str:
        """The engine that would be used if a call came now."""
        return self.candidates.first().name

    def statuses(self) -> list[EngineStatus]:
        """Every engine of the configured order."""
        running = [self._status(candidate) for candidate in self.candidates]
        missing = [
            EngineStatus(str(self.kind), name, Standing.MISSING, reason=reason)
            for name, reason in self._passed_over.items()
        ]
        return [*running, *missing]

    def _status(self, candidate: Candidate[Any]) -> EngineStatus:
        breaker, now = candidate.breaker, self.candidates.now
        if candidate.name == self.first:
            standing = Standing.IN_USE
        else:
            standing = Standing.STANDBY if breaker.would_admit(now) else Standing.BLOCKED
        return EngineStatus(
            str(self.kind), candidate.name, standing, breaker.state(now), breaker.last_error
        )
