"""Whether a speech-to-speech model still hears the caller; pure, times are arguments.

Such a model reports the caller's speech by itself. A session that hangs reports nothing, and
its silence looks like the caller's. So our own detector listens too: where it hears a caller
for long of whom the model says nothing, the model has gone deaf.
"""

from dataclasses import dataclass
from typing import Final

MISSED: Final = 1.5
"""Speech of which the model says nothing (s), while the agent is silent itself."""
WORD: Final = 0.5
"""Speech, with the silence by which its end is known, that is a word and no cough (s)."""
UNENDED: Final = 3.0
"""Silence after which the model must have noticed that the caller stopped (s)."""


@dataclass(slots=True)
class DeafnessWatch:
    """Compares what our detector heard with what the model reports."""

    ours_since: float | None = None
    ours_until: float | None = None
    model_hears: bool = False
    unheard_from: float | None = None
    """When speech began of which the model said nothing yet."""
    unheard_seconds: float = 0.0

    @property
    def missed_a_word(self) -> bool:
        """Whether the caller said something that the model did not report."""
        return self.unheard_seconds >= WORD

    def we_heard(self, *, speaking: bool, at: float) -> None:
        """Our detector: the caller began or stopped."""
        if speaking:
            self.ours_since, self.ours_until = at, None
            if not self.model_hears and self.unheard_from is None:
                self.unheard_from = at
        else:
            if self.unheard_from is not None and self.ours_since is not None:
                self.unheard_seconds += at - self.ours_since
            self.ours_since, self.ours_until = None, at

    def model_heard(self, *, speaking: bool) -> None:
        """The model: the caller began or stopped."""
        self.model_hears = speaking
        self.unheard_from, self.unheard_seconds = None, 0.0
        if not speaking:
            self.ours_until = None

    def deaf(self, at: float, *, agent_sounds: bool) -> bool:
        """Whether the model should have said something by now."""
        if self.model_hears:
            silent = self.ours_since is None and self.ours_until is not None
            return silent and at - (self.ours_until or at) > UNENDED
        if agent_sounds or self.ours_since is None:
            if agent_sounds and self.ours_since is not None:
                self.ours_since = at
            return False
        return self.unheard_from is not None and at - self.ours_since > MISSED
