"""When a second model is asked because the first one is slow, without a clock."""

from collections import deque
from typing import Final

WINDOW: Final = 100
"""First-token times that are remembered."""
ENOUGH: Final = 20
"""First-token times below which the percentile means nothing."""
UNKNOWN_DELAY: Final = 1.0
"""When to hedge while too little is known (s)."""
SHORTEST_DELAY: Final = 0.3
"""Never hedge sooner (s)."""
SHARE: Final = 0.05
"""The part of all requests that may be hedged."""


class HedgePolicy:
    """Decides from recent first-token times (s) when to ask a second model, and how often."""

    def __init__(self) -> None:
        """The first slow request may be hedged at once."""
        self._times: deque[float] = deque(maxlen=WINDOW)
        self._budget = 1.0

    def asked(self) -> None:
        """A request begins: the budget grows by its share."""
        self._budget = min(1.0, self._budget + SHARE)

    def answered(self, seconds: float) -> None:
        """The first token of an unhedged request came after so long."""
        self._times.append(seconds)

    @property
    def delay(self) -> float:
        """After how long without a token to hedge (s): the recent 95th percentile."""
        if len(self._times) < ENOUGH:
            return UNKNOWN_DELAY
        ranked = sorted(self._times)
        return max(SHORTEST_DELAY, ranked[int(0.95 * (len(ranked) - 1))])

    def spend(self) -> bool:
        """Take one hedge out of the budget, if there is one."""
        if self._budget < 1.0:
            return False
        self._budget -= 1.0
        return True
