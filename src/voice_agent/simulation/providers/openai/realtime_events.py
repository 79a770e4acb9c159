"""Server events of the Realtime API, each with an id of its own."""

import random
from typing import Any

from voice_agent.simulation.providers.answers import new_id
from voice_agent.simulation.providers.openai.realtime_checks import Invalid, Json


class Events:
    """Writes the events of one session."""

    def __init__(self, chance: random.Random) -> None:
        """`chance` makes the ids."""
        self._chance = chance

    def new_id(self, prefix: str) -> str:
        """An id such as `item_…`."""
        return new_id(self._chance, f"{prefix}_", 21)

    def event(self, kind: str, **fields: Any) -> Json:
        """One event."""
        return {"type": kind, "event_id": self.new_id("event"), **fields}

    def error(
        self,
        message: str,
        code: str | None,
        *,
        param: str | None = None,
        event_id: str | None = None,
        kind: str = "invalid_request_error",
    ) -> Json:
        """An error; `event_id` is the client's, of the event that caused it."""
        error = {
            "type": kind,
            "code": code,
            "message": message,
            "param": param,
            "event_id": event_id,
        }
        return self.event("error", error=error)

    def refusal(self, invalid: Invalid, event_id: str | None) -> Json:
        """The error for an event that the vendor refuses."""
        return self.error(
            str(invalid), invalid.code, param=invalid.param or None, event_id=event_id
        )

    def rate_limits(self, used: int) -> Json:
        """What may still be asked for; `used` tokens are gone."""
        limits = [
            {"name": "requests", "limit": 5000, "remaining": 4999, "reset_seconds": 0.012},
            {
                "name": "tokens",
                "limit": 400_000,
                "remaining": max(0, 400_000 - used),
                "reset_seconds": round(used * 0.00015, 3),
            },
        ]
        return self.event("rate_limits.updated", rate_limits=limits)
