"""How long callers are remembered, what is told to them about it, and proof that it is gone."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from voice_agent.core.memory import CallerId, CallerRecord, Removed

SWEEP_EVERY: Final = 6 * 3600.0
"""Seconds between two removals of what is too old."""


@dataclass(frozen=True, slots=True)
class Retention:
    """Days after their last call that callers, and after they were said that turns, are kept."""

    callers_days: int = 365
    turns_days: int = 90

    def callers_before(self, now: datetime) -> datetime:
        """Callers whose last call is older are forgotten."""
        return now - timedelta(days=self.callers_days)

    def turns_before(self, now: datetime) -> datetime:
        """Older turns are forgotten."""
        return now - timedelta(days=self.turns_days)


@dataclass(frozen=True, slots=True)
class ErasureCertificate:
    """What was removed of whom, and when; it holds nothing of what was removed."""

    caller: CallerId
    erased_at: datetime
    removed: Mapping[str, int]

    @classmethod
    def of(cls, caller: CallerId, removed: Removed, at: datetime) -> "ErasureCertificate":
        """The certificate of one erasure."""
        return cls(caller, at, dict(removed.rows))

    @property
    def statement(self) -> str:
        """One sentence for the person whose data it was."""
        when = f"{self.erased_at:%Y-%m-%d %H:%M:%S} UTC"
        if not any(self.removed.values()):
            return f"On {when} nothing was held in the memory of callers about this number."
        rows = ", ".join(f"{count} of {table}" for table, count in self.removed.items())
        return f"On {when} everything in the memory of callers was removed: rows {rows}."


def export_document(record: CallerRecord, retention: Retention, at: datetime) -> dict[str, Any]:
    """Everything held about a caller, ready for JSON."""
    profile = record.profile
    return {
        "id": record.caller.key,
        "masked_number": record.caller.masked,
        "exported_at": at,
        "consent": asdict(profile.consent),
        "profile": {
            "name": profile.name,
            "name_verified": profile.name_verified,
            "tier": profile.tier,
            "language": profile.language,
            "preferences": list(profile.preferences),
        },
        "first_call_at": record.first_call_at,
        "last_call_at": record.last_call_at,
        "calls": [asdict(call) for call in profile.calls],
        "turns": [asdict(turn) for turn in record.turns],
        "kept_for_days": asdict(retention),
    }
