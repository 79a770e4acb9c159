"""The tiers of understanding, quickest and surest first; the first that is sure answers.

    instant patterns ─▶ NLU server ─▶ few examples ─▶ language model
    no cost, no wait    no cost        no cost          paid, only when nobody else is sure

Entities and mood come from the words alone, whoever found the intent.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import Final, Protocol

import structlog

from voice_agent.core.clock import Clock
from voice_agent.core.errors import ProviderError
from voice_agent.core.understanding import Intent, TierOutcome, Understanding
from voice_agent.engines.nlu.emotions import emotion_of
from voice_agent.engines.nlu.language import Language, load_language
from voice_agent.engines.nlu.spoken_entities import spoken_entities

log = structlog.get_logger(__name__)

LONGEST_TEXT: Final = 1000
"""Characters of an utterance that are looked at by anything outside this machine."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """What a tier is asked about; `now` is the business's local time."""

    text: str
    now: datetime
    previous_agent_text: str = ""


@dataclass(frozen=True, slots=True)
class Guess:
    """A tier's best guess, None where it has none, and what asking was paid (USD)."""

    intent: Intent | None
    confidence: float
    cost_usd: float | None = 0.0


NO_GUESS: Final = Guess(None, 0.0)


class Tier(Protocol):
    """One way to find an intent."""

    @property
    def name(self) -> str:
        """As the ledger has it."""
        ...

    @property
    def threshold(self) -> float:
        """From this confidence on its guess is believed."""
        ...

    @property
    def paid(self) -> bool:
        """Whether asking costs money, so that it is asked only about final texts."""
        ...

    def price(self, utterance: Utterance) -> float | None:
        """What asking would probably cost (USD), None where nobody knows; asks nobody."""
        ...

    async def guess(self, utterance: Utterance) -> Guess:
        """Ask.

        Raises:
            ProviderError: it could not answer.
        """
        ...


class TieredUnderstander:
    """Asks one tier after the other until one is sure; see the port `Understander`."""

    def __init__(
        self,
        tiers: Sequence[Tier],
        clock: Clock,
        *,
        zone: tzinfo | None = None,
        language: Language | None = None,
    ) -> None:
        """`zone` is the business's, in which dates are meant; without it, that of `now`."""
        self._tiers = tuple(tiers)
        self._clock = clock
        self._zone = zone
        self._language = language or load_language()

    async def understand(
        self, text: str, *, now: datetime, previous_agent_text: str = "", interim: bool = False
    ) -> Understanding:
        """What the caller means; never raises."""
        began = self._clock.now()
        local = now.astimezone(self._zone) if self._zone else now
        utterance = Utterance(text, local, previous_agent_text)
        asked = [tier for tier in self._tiers if not (interim and tier.paid)]
        outcomes = await self._outcomes(utterance, asked if text.strip() else ())
        known = spoken_entities(text, local, previous_agent_text, self._language)
        decided = decided_by(outcomes)
        return replace(
            decided,
            entities=known,
            emotion=emotion_of(text, self._language),
            latency_ms=self._ms(began),
        )

    async def _outcomes(
        self, utterance: Utterance, tiers: Sequence[Tier]
    ) -> tuple[TierOutcome, ...]:
        alternative = self._price_of_paid(utterance)
        outcomes: list[TierOutcome] = []
        for tier in tiers:
            outcome = await self._ask(tier, utterance)
            outcomes.append(replace(outcome, would_have_cost=alternative))
            if outcome.answered:
                break
        return tuple(outcomes)

    async def _ask(self, tier: Tier, utterance: Utterance) -> TierOutcome:
        began = self._clock.now()
        guess, trouble = NO_GUESS, ""
        try:
            guess = await tier.guess(utterance)
        except ProviderError as error:
            trouble = error.code
            log.info("nlu.tier_failed", tier=tier.name, code=error.code)
        answered = guess.intent is not None and guess.confidence >= tier.threshold
        return TierOutcome(
            tier.name,
            guess.intent,
            round(guess.confidence, 4),
            self._ms(began),
            threshold=tier.threshold,
            cost_usd=guess.cost_usd,
            answered=answered,
            trouble=trouble,
        )

    def _price_of_paid(self, utterance: Utterance) -> float | None:
        paid = [tier.price(utterance) for tier in self._tiers if tier.paid]
        return paid[-1] if paid else None

    def _ms(self, began: float) -> float:
        return round(1000 * (self._clock.now() - began), 3)


def decided_by(outcomes: Sequence[TierOutcome]) -> Understanding:
    """What the tiers' guesses amount to: the sure one's, else the last guess as nobody's."""
    for outcome in outcomes:
        if outcome.answered and outcome.intent is not None:
            return Understanding(
                outcome.intent, outcome.confidence, outcome.tier, tiers=tuple(outcomes)
            )
    for outcome in reversed(outcomes):
        if outcome.intent is not None:
            return Understanding(outcome.intent, outcome.confidence, "", tiers=tuple(outcomes))
    return Understanding(Intent.OUT_OF_SCOPE, 0.0, "", tiers=tuple(outcomes))
