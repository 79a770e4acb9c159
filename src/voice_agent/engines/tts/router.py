"""Which voice is to be tried first for a clause: pure ordering, others speak and measure.

A reply keeps its voice. A caller who hears another person go on in the middle of a sentence is
worse off than with a second of waiting or a plainer voice, so a mode decides only

- which voice begins a reply, and
- between engines or models that *sound the same* (one `voice`), for each clause of it,

and another voice goes on only where the one that spoke has failed.
"""

import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

NOT_NOTICED: Final = 0.25
"""Seconds by which a better voice may begin later than the quickest, in mode auto."""
MARGIN: Final = 0.1
"""Seconds of sound that must still be left when a better voice's first sound comes."""
ACKNOWLEDGEMENT: Final = 3
"""Words up to which a clause is no more than a sign of life."""
REMEMBERED: Final = 50
"""Measurements kept for each engine."""
AT_ONCE: Final = 0.001
"""Seconds; no engine is that quick: a kept clip was."""


class Mode(StrEnum):
    """What the operator wants most."""

    AUTO = "auto"
    """Quick to begin, then as good as the time allows, cheap when the budget is spent."""
    QUALITY = "quality"
    SPEED = "speed"
    COST = "cost"


@dataclass(frozen=True, slots=True)
class Candidate:
    """An engine that could speak.

    `traits` are the provider's (`quality` 0 to 1, `first_sound_ms`, `usd_per_1000_characters`).
    `voice` names how it sounds, "" for a sound of its own: engines with one `voice` may take turns.
    """

    name: str
    traits: Mapping[str, float] = field(default_factory=dict)
    healthy: bool = True
    voice: str = ""

    @property
    def sound(self) -> str:
        """What must not change within a reply."""
        return self.voice or self.name


@dataclass(frozen=True, slots=True)
class ClauseContext:
    """What is known when a clause is about to be spoken.

    `current` is the engine that spoke the clause before in the same reply, "" at its beginning;
    `failed` are those that failed in this reply. `buffered` is how many seconds of sound the
    caller still has to hear. `budget_left` is what the call may still cost (USD), None for no
    limit.
    """

    text: str
    current: str = ""
    failed: frozenset[str] = frozenset()
    buffered: float = 0.0
    budget_left: float | None = None


class TTSRouter:
    """Orders candidates by mode, from their traits and from what was measured."""

    def __init__(self, mode: Mode = Mode.AUTO) -> None:
        """One for all calls: what one call measures is known to the next."""
        self.mode = mode
        self._measured: dict[str, deque[float]] = {}

    def observe(self, name: str, first_sound: float) -> None:
        """An engine took so long (s) from being asked to its first sound."""
        if first_sound >= AT_ONCE:
            self._measured.setdefault(name, deque(maxlen=REMEMBERED)).append(first_sound)

    def order(self, candidates: Sequence[Candidate], context: ClauseContext) -> list[str]:
        """All names, the one to try first first; those that will hardly work come last."""
        key = self._key(candidates, context)
        speaking = next((c.sound for c in candidates if c.name == context.current), "")

        def rank(candidate: Candidate) -> tuple[bool, bool, tuple[float, ...]]:
            out = not candidate.healthy or candidate.name in context.failed
            return out, bool(speaking) and candidate.sound != speaking, key(candidate)

        return [candidate.name for candidate in sorted(candidates, key=rank)]

    def first_sound(self, candidate: Candidate, share: float = 0.5) -> float:
        """Seconds to the first sound: a quantile of what was measured, else the trait."""
        measured = sorted(self._measured.get(candidate.name, ()))
        if measured:
            return measured[min(math.ceil(share * len(measured)), len(measured)) - 1]
        return candidate.traits.get("first_sound_ms", math.inf) / 1000

    def _key(
        self, candidates: Sequence[Candidate], context: ClauseContext
    ) -> Callable[[Candidate], tuple[float, ...]]:
        match self._wanted(context):
            case Mode.SPEED:
                return lambda c: (self.first_sound(c), -_quality(c))
            case Mode.COST:
                return lambda c: (_cost(c), -_quality(c))
            case Mode.QUALITY:
                return lambda c: (-_quality(c), self.first_sound(c))
            case _:
                return self._in_time(candidates, context)

    def _wanted(self, context: ClauseContext) -> Mode:
        spent = context.budget_left is not None and context.budget_left <= 0
        return Mode.COST if self.mode is Mode.AUTO and spent else self.mode

    def _in_time(
        self, candidates: Sequence[Candidate], context: ClauseContext
    ) -> Callable[[Candidate], tuple[float, ...]]:
        """The best of those that are in time first, then the others, the quickest first."""
        usable = [c for c in candidates if c.healthy and c.name not in context.failed]
        quickest = min(map(self.first_sound, usable), default=math.inf)
        begins = context.current not in [c.name for c in usable]
        hurry = begins or len(context.text.split()) <= ACKNOWLEDGEMENT

        def key(candidate: Candidate) -> tuple[float, ...]:
            typical, late = self.first_sound(candidate), self.first_sound(candidate, 0.95)
            in_time = late + MARGIN <= context.buffered
            if in_time or (hurry and typical <= quickest + NOT_NOTICED):
                return 0, -_quality(candidate), typical
            return 1, typical, -_quality(candidate)

        return key


def _quality(candidate: Candidate) -> float:
    return candidate.traits.get("quality", 0.0)


def _cost(candidate: Candidate) -> float:
    """An engine that does not say what it costs counts as the dearest."""
    return candidate.traits.get("usd_per_1000_characters", math.inf)
