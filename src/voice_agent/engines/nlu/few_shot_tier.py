"""The tier that learned from a few examples; runs beside the event loop, not on it."""

from collections.abc import Sequence
from typing import Final, Protocol

import anyio
from anyio import to_thread

from voice_agent.core.understanding import Intent
from voice_agent.engines.nlu.tiers import NO_GUESS, Guess, Utterance

THRESHOLD: Final = 0.5
_AT_ONCE: Final = 2


class Classifier(Protocol):
    """A trained classifier; pure, quick, and safe in a thread."""

    def predict(self, text: str) -> tuple[str, float, Sequence[tuple[str, float]]]:
        """The likeliest intent, its confidence (0 to 1) and the ranking it heads."""
        ...


class FewShotTier:
    """A classifier as a tier."""

    paid = False

    def __init__(
        self, classifier: Classifier, *, name: str = "few_shot", threshold: float = THRESHOLD
    ) -> None:
        """`name` is as the ledger has it."""
        self.name = name
        self.threshold = threshold
        self._classifier = classifier
        self._limit = anyio.CapacityLimiter(_AT_ONCE)

    def price(self, utterance: Utterance) -> float | None:
        """Nothing."""
        del utterance
        return 0.0

    async def guess(self, utterance: Utterance) -> Guess:
        """The classifier's guess."""
        intent, confidence, _ = await to_thread.run_sync(
            self._classifier.predict, utterance.text, limiter=self._limit
        )
        return Guess(Intent(intent), confidence) if intent in set(Intent) else NO_GUESS
