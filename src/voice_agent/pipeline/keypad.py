"""Telephone keys to entries: pure, time is an argument (seconds)."""

from dataclasses import dataclass
from typing import Final

IDLE: Final = 2.5
"""An entry is over when no key came for this long (s)."""
LONGEST: Final = 32
"""Keys in one entry."""


@dataclass(slots=True)
class Keypad:
    """Collects digits until `#`, the longest entry or a pause; `*` starts over."""

    digits: str = ""
    last_at: float = 0.0

    def press(self, digit: str, at: float) -> str | None:
        """Take a key; returns the entry when this key ends it."""
        self.last_at = at
        if digit == "*":
            self.digits = ""
            return None
        if digit != "#":
            self.digits += digit
        if digit == "#" or len(self.digits) >= LONGEST:
            return self._take()
        return None

    @property
    def deadline(self) -> float | None:
        """When a pause ends the entry, if one is being made."""
        return self.last_at + IDLE if self.digits else None

    def expire(self, at: float) -> str | None:
        """The entry, if the pause is over."""
        if self.deadline is None or at < self.deadline:
            return None
        return self._take()

    def _take(self) -> str | None:
        entry, self.digits = self.digits, ""
        return entry or None
