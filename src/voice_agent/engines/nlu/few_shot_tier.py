"""The tier that learned from a few examples; runs beside the event loop, not on it."""

from typing import Final, Protocol

import anyio
from anyio import to_thread

from voice_agent.core.understanding import Intent
from voice_agent.engines.nlu.tiers import NO_GUESS, Guess, Utterance

THRESHOLD: Final = 0.45
"""Below it a paid tier is worth asking; the classifier's own rule rejects what fits nothing."""
_AT_ONCE: Final = 2


class Prediction(Protocol):
    """What a classifier says of a text."""

    @property
    def intent(self) -> str:
        """The likeliest intent's name."""
        ...

    @property
    def confidence(self) -> float:
        """How likely it is, 0 to 1."""
        ...


class Classifier(Protocol):
    """A trained classifier; pure, quick, and safe in a thread."""

    def predict(self, text: str) -> Prediction:
        """What the text means; never raises on any text."""
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
        said = await to_thread.run_sync(
            self._classifier.predict, utterance.text, limiter=self._limit
        )
        known = said.intent in set(Intent)
        return Guess(Intent(said.intent), said.confidence) if known else NO_GUESS
