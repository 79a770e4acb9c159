"""What an utterance was understood as, and the seam that every tier of understanding fits."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol

from voice_agent.core.speech import Expectation
from voice_agent.core.understanding import Entity

__all__ = ["EPOCH", "Context", "Entity", "Understander", "Understanding"]

EPOCH: Final = datetime(2000, 1, 3, 9, tzinfo=UTC)
"""A Monday; the `now` of a context that does not care."""


@dataclass(frozen=True, slots=True)
class Context:
    """What an utterance is read against: the aware local time and the answer expected."""

    now: datetime = EPOCH
    expectation: Expectation = Expectation.ANYTHING


@dataclass(frozen=True, slots=True)
class Understanding:
    """The likeliest intent ("" when none was recognised) with its confidence, 0 to 1.

    `agrees` is the yes (true) or no (false) an utterance carries beside its intent.
    """

    intent: str
    confidence: float
    entities: tuple[Entity, ...] = ()
    alternatives: tuple[tuple[str, float], ...] = ()
    agrees: bool | None = None

    def entity(self, name: str) -> Entity | None:
        """The last entity of that name: who corrects himself says the right one last."""
        named = [entity for entity in self.entities if entity.name == name]
        return named[-1] if named else None


class Understander(Protocol):
    """Reads intent and entities out of one utterance; pure and quick."""

    def understand(self, text: str, context: Context) -> Understanding:
        """Never raises on any text."""
        ...
