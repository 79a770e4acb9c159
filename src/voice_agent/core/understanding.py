"""What a caller means: intents, entities, and which tier of understanding found out."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from voice_agent.core.speech import Emotion


class Intent(StrEnum):
    """What callers come for or do in a conversation."""

    GREETING = "greeting"
    GOODBYE = "goodbye"
    THANKS = "thanks"
    AFFIRM = "affirm"
    DENY = "deny"
    REPEAT = "repeat"
    HELP = "help"
    CHECK_ORDER_STATUS = "check_order_status"
    SCHEDULE_APPOINTMENT = "schedule_appointment"
    CANCEL_APPOINTMENT = "cancel_appointment"
    RESCHEDULE_APPOINTMENT = "reschedule_appointment"
    TRANSFER_TO_HUMAN = "transfer_to_human"
    LOOK_UP_ACCOUNT = "look_up_account"
    BUSINESS_HOURS = "business_hours"
    BILLING_PAYMENT = "billing_payment"
    GIVE_FEEDBACK = "give_feedback"
    OUT_OF_SCOPE = "out_of_scope"


@dataclass(frozen=True, slots=True)
class Entity:
    """A value found in an utterance.

    `value` is canonical (digits, ISO date, 24-hour time, address); `text` is what was said;
    `alternatives` are the other readings when it was ambiguous, never dropped in silence.
    `span` is where its words begin and end among the utterance's, (0, 0) where nobody knows.
    """

    name: str
    value: str
    text: str
    alternatives: tuple[str, ...] = ()
    span: tuple[int, int] = field(default=(0, 0), compare=False)


@dataclass(frozen=True, slots=True)
class TierOutcome:
    """What one tier made of an utterance.

    `intent` is its best guess, None where it had none; `answered` says whether its confidence
    reached its `threshold`, so that it was believed. `ms` is how long it took, `cost_usd` what
    it was paid.
    `would_have_cost` is what the language model's tier would have been paid (USD) for this
    utterance; both are None where nobody knows the price. `trouble` is the code of a failure.
    """

    tier: str
    intent: Intent | None
    confidence: float
    ms: float
    threshold: float = 0.0
    cost_usd: float | None = 0.0
    would_have_cost: float | None = None
    answered: bool = False
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Understanding:
    """What an utterance was understood as, and by whom.

    `tier` is "" when no tier was sure; the intent is the best guess then, with its confidence.
    `latency_ms` is the whole time the answer took; it is 0 for what was understood while the
    caller spoke.
    """

    intent: Intent
    confidence: float
    tier: str
    entities: tuple[Entity, ...] = ()
    emotion: Emotion = Emotion.NEUTRAL
    latency_ms: float = 0.0
    tiers: tuple[TierOutcome, ...] = ()

    def entity(self, name: str) -> Entity | None:
        """The last entity of that name: who corrects himself says the right one last."""
        named = [entity for entity in self.entities if entity.name == name]
        return named[-1] if named else None


class Understander(Protocol):
    """Finds out what a caller means."""

    async def understand(
        self, text: str, *, now: datetime, previous_agent_text: str = "", interim: bool = False
    ) -> Understanding:
        """Never raises on any text.

        `now` is aware. With `interim` nothing that costs money is asked.
        """
        ...
