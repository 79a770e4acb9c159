"""`POST /api/test-nlu`: what an utterance would be understood as, and by which tier."""

from datetime import datetime
from typing import Protocol, cast
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, field_validator

from voice_agent.api.errors import PROBLEM_RESPONSES
from voice_agent.core.clock import Clock
from voice_agent.core.speech import Emotion
from voice_agent.core.understanding import Entity, Intent, TierOutcome, Understander, Understanding

router = APIRouter(tags=["engines"], responses=PROBLEM_RESPONSES)

LONGEST_TEXT = 10_000
"""Characters of a text that are taken."""


class UnderstandingServices(Protocol):
    """What this router needs of the application's services."""

    @property
    def understander(self) -> Understander:
        """The tiers of understanding."""
        ...

    @property
    def zone(self) -> ZoneInfo:
        """The business's time zone."""
        ...

    @property
    def clock(self) -> Clock:
        """Time."""
        ...


class Spoken(BaseModel):
    """An utterance and what it is said in answer to."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(max_length=LONGEST_TEXT)
    now: datetime | None = Field(
        default=None,
        description="The moment it is said; without a zone it is the business's local time.",
    )
    previous_agent_text: str | None = Field(
        default=None, max_length=LONGEST_TEXT, description="What the agent had just said."
    )

    @field_validator("now")
    @classmethod
    def _of_this_age(cls, value: datetime | None) -> datetime | None:
        if value is not None and not 1900 <= value.year <= 2200:
            raise ValueError("a year between 1900 and 2200")
        return value


class FoundEntity(BaseModel):
    """A value in the utterance."""

    name: str
    value: str = Field(description="Canonical: digits, ISO date, 24-hour time, address.")
    text: str = Field(description="The words that say it.")
    alternatives: list[str] = Field(
        default=[], description="Other readings of the same words, where they are ambiguous."
    )

    @classmethod
    def of(cls, entity: Entity) -> "FoundEntity":
        """As the API shows it."""
        return cls(
            name=entity.name,
            value=entity.value,
            text=entity.text,
            alternatives=list(entity.alternatives),
        )


class AskedTier(BaseModel):
    """One tier that was asked."""

    tier: str
    intent: Intent | None = Field(description="Its best guess.")
    confidence: float
    threshold: float = Field(description="From this confidence on the guess is believed.")
    answered: bool
    ms: float
    cost_usd: float | None
    would_have_cost: float | None = Field(description="What the language model would have cost.")
    trouble: str = Field(default="", description="The code of a failure.")

    @classmethod
    def of(cls, outcome: TierOutcome) -> "AskedTier":
        """As the API shows it."""
        return cls(
            tier=outcome.tier,
            intent=outcome.intent,
            confidence=outcome.confidence,
            threshold=outcome.threshold,
            answered=outcome.answered,
            ms=outcome.ms,
            cost_usd=outcome.cost_usd,
            would_have_cost=outcome.would_have_cost,
            trouble=outcome.trouble,
        )


class Understood(BaseModel):
    """What the utterance means."""

    intent: Intent
    confidence: float
    tier: str = Field(description="Who was sure; empty when nobody was.")
    entities: list[FoundEntity]
    emotion: Emotion
    latency_ms: float
    tiers: list[AskedTier]

    @classmethod
    def of(cls, found: Understanding) -> "Understood":
        """As the API shows it."""
        return cls(
            intent=found.intent,
            confidence=found.confidence,
            tier=found.tier,
            entities=[FoundEntity.of(entity) for entity in found.entities],
            emotion=found.emotion,
            latency_ms=found.latency_ms,
            tiers=[AskedTier.of(outcome) for outcome in found.tiers],
        )


@router.post("/api/test-nlu")
async def understand(request: Request, spoken: Spoken) -> Understood:
    """Find intent, entities and mood of a text; says which tiers were asked and how fast."""
    services = cast("UnderstandingServices", request.app.state.services)
    now = spoken.now or services.clock.wall()
    local = now if now.tzinfo else now.replace(tzinfo=services.zone)
    found = await services.understander.understand(
        spoken.text,
        now=local.astimezone(services.zone),
        previous_agent_text=spoken.previous_agent_text or "",
    )
    return Understood.of(found)
