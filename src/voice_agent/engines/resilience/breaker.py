"""A circuit breaker, without a clock: who may ask an engine, and when again.

```text
            3 failures in a row                 30 s are over
  CLOSED ───────────────────────▶ OPEN ───────────────────────▶ HALF_OPEN
    ▲                              ▲                               │ │
    │                              └────────────── the trial fails ┘ │
    └──────────────────────────────────────────── the trial succeeds ┘
```

In HALF_OPEN exactly one request, the trial, is let through. An engine that asks for a pause
is blocked for that pause at once; one that is misconfigured for five minutes, as nothing but
an operator can help it. A request that is itself at fault says nothing about the engine.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from voice_agent.core.errors import (
    ProviderError,
    ProviderMisconfigured,
    ProviderRejected,
    ProviderThrottled,
)

FAILURES: Final = 3
"""Failures in a row that open the breaker."""
BLOCKED_FOR: Final = 30.0
"""How long an open breaker lets nobody through (s)."""
PAUSE: Final = 5.0
"""The block after a throttle that names no pause (s)."""
MISCONFIGURED_FOR: Final = 300.0
"""The block after a refused key, model or voice (s)."""


class BreakerState(StrEnum):
    """Whether requests pass."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(slots=True)
class Breaker:
    """The state of one engine, shared by all calls; every `at` is seconds on one clock.

    A request that `admit` let through reports exactly one of `succeeded`, `failed` and
    `abandoned`.
    """

    failures: int = 0
    last_error: str = ""
    _blocked_until: float | None = None
    _trial_since: float | None = None

    def state(self, at: float) -> BreakerState:
        """The state at a moment."""
        if self._blocked_until is None:
            return BreakerState.CLOSED
        return BreakerState.OPEN if at < self._blocked_until else BreakerState.HALF_OPEN

    def would_admit(self, at: float) -> bool:
        """Whether `admit` would say yes; changes nothing."""
        match self.state(at):
            case BreakerState.CLOSED:
                return True
            case BreakerState.OPEN:
                return False
            case BreakerState.HALF_OPEN:
                return self._trial_since is None or at - self._trial_since >= BLOCKED_FOR

    def admit(self, at: float) -> bool:
        """Let a request through, or not; in HALF_OPEN the first one becomes the trial."""
        if not self.would_admit(at):
            return False
        if self.state(at) is BreakerState.HALF_OPEN:
            self._trial_since = at
        return True

    def succeeded(self) -> None:
        """The engine did its work."""
        self.failures = 0
        self.last_error = ""
        self._blocked_until = None
        self._trial_since = None

    def abandoned(self) -> None:
        """The request was given up by us: it proves nothing."""
        self._trial_since = None

    def failed(self, error: ProviderError, at: float) -> None:
        """The engine did not do its work."""
        trial, self._trial_since = self._trial_since is not None, None
        match error:
            case ProviderThrottled():
                pause = PAUSE if error.retry_after is None else error.retry_after
                self._block(error, at + pause)
            case ProviderMisconfigured():
                self._block(error, at + MISCONFIGURED_FOR)
            case ProviderRejected():
                return
            case _:
                self.failures += 1
                if trial or self.failures >= FAILURES:
                    self._block(error, at + BLOCKED_FOR)

    def _block(self, error: ProviderError, until: float) -> None:
        self.last_error = str(error)
        self._blocked_until = max(until, self._blocked_until or until)
