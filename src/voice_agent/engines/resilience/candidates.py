"""The engines of one kind in the order in which they are tried, each behind its breaker."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

import anyio
import structlog

from voice_agent.core.clock import Clock
from voice_agent.core.errors import ProviderError, ProviderUnavailable
from voice_agent.core.ports import Warmable
from voice_agent.engines.resilience.breaker import Breaker, BreakerState

log = structlog.get_logger(__name__)

WARM_WITHIN: Final = 1.5
"""How long warming up may take (s)."""

E = TypeVar("E")


@dataclass(slots=True)
class Candidate(Generic[E]):
    """One engine; `embedded` ones run here and are always there."""

    name: str
    engine: E
    embedded: bool = False
    breaker: Breaker = field(default_factory=Breaker)


class Candidates(Generic[E]):
    """Engines of one kind, best first; shared by all calls."""

    def __init__(self, kind: str, candidates: Sequence[Candidate[E]], clock: Clock) -> None:
        """There is at least one."""
        self.kind = kind
        self._all = tuple(candidates)
        self._clock = clock

    def __iter__(self) -> Iterator[Candidate[E]]:
        """All of them, best first."""
        return iter(self._all)

    @property
    def now(self) -> float:
        """The moment by which the breakers judge."""
        return self._clock.now()

    def admitted(self, names: Iterable[str] | None = None) -> Iterator[Candidate[E]]:
        """Those that may be asked now, one after the other; each is asked or abandoned.

        When the breakers let none through the last one is asked all the same: an attempt is
        better than certain silence. `names` is another order than the configured one.
        """
        order = self._ordered(names)
        asked = False
        for candidate in order:
            if candidate.breaker.admit(self.now):
                asked = True
                yield candidate
        if not asked:
            yield order[-1]

    def first(self) -> Candidate[E]:
        """The one that would be asked if a call came now."""
        return next((c for c in self._all if c.breaker.would_admit(self.now)), self._all[-1])

    def succeeded(self, candidate: Candidate[E]) -> None:
        """It did its work."""
        if candidate.breaker.state(self.now) is not BreakerState.CLOSED:
            log.info("engine.recovered", kind=self.kind, engine=candidate.name)
        candidate.breaker.succeeded()

    def failed(self, candidate: Candidate[E], error: ProviderError) -> None:
        """It did not; the log says what became of it."""
        candidate.breaker.failed(error, self.now)
        log.warning(
            "engine.failed",
            kind=self.kind,
            engine=candidate.name,
            code=error.code,
            reason=str(error),
            breaker=str(candidate.breaker.state(self.now)),
        )

    def none_left(self, last: ProviderError | None) -> ProviderError:
        """The error when all were tried."""
        return last or ProviderUnavailable(f"no {self.kind} engine is left", provider=self.kind)

    async def warm(self) -> None:
        """Let those that may be asked get ready; never raises."""
        with anyio.move_on_after(WARM_WITHIN):
            async with anyio.create_task_group() as tasks:
                for candidate in self._all:
                    engine = candidate.engine
                    if isinstance(engine, Warmable) and candidate.breaker.would_admit(self.now):
                        tasks.start_soon(engine.warm)

    def _ordered(self, names: Iterable[str] | None) -> list[Candidate[E]]:
        if names is None:
            return list(self._all)
        wanted = {name: place for place, name in enumerate(names)}
        return sorted(self._all, key=lambda c: wanted.get(c.name, len(wanted)))
