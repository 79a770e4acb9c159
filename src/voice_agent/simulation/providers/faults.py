"""Bad days on order: which request of which provider goes wrong, how, and how far in."""

from dataclasses import dataclass
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class FaultKind(StrEnum):
    """How a request or connection goes wrong."""

    REFUSE = "refuse"
    """The connection is reset before anything is answered."""
    UNAUTHORIZED = "unauthorized"
    """The provider's own answer to a wrong key (401)."""
    THROTTLE = "throttle"
    """The provider's own answer to too many requests (429)."""
    ERROR = "error"
    """The provider's own answer to a fault of its own (500); in mid-stream its error event."""
    STALL = "stall"
    """Nothing more comes, and the connection stays open."""
    RESET = "reset"
    """The connection is reset in mid-stream."""
    CUT = "cut"
    """The stream ends cleanly, without its terminal event."""
    GARBAGE = "garbage"
    """Malformed events: bad JSON, wrong types, binary where text belongs."""


class Fault(BaseModel):
    """One order. It strikes requests `skip`+1 to `skip`+`times` of a provider."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    provider: str = Field(description="The simulated provider's name.")
    kind: FaultKind
    after: int = Field(default=0, ge=0, description="Events that pass before it strikes.")
    skip: int = Field(default=0, ge=0, description="Requests that are let through first.")
    times: int | None = Field(default=None, ge=1, description="How many it strikes; empty: all.")
    retry_after: float = Field(default=1.0, ge=0, description="The pause a throttle asks for (s).")

    @property
    def meets_connects(self) -> bool:
        """Whether it strikes before anything was answered, so a connect and not a stream."""
        always = (FaultKind.REFUSE, FaultKind.UNAUTHORIZED, FaultKind.THROTTLE)
        return self.kind in always or (self.kind is FaultKind.ERROR and self.after == 0)


@dataclass(slots=True)
class _Order:
    fault: Fault
    seen: int = 0

    def strikes(self) -> bool:
        fault = self.fault
        self.seen += 1
        past = self.seen - fault.skip
        return past > 0 and (fault.times is None or past <= fault.times)


class FaultPlan:
    """All orders; the first that strikes a request is its fate."""

    def __init__(self, *faults: Fault) -> None:
        self._orders = [_Order(fault) for fault in faults]

    def order(self, *faults: Fault) -> None:
        """Add faults to come."""
        self._orders += [_Order(fault) for fault in faults]

    def clear(self) -> None:
        """Good days again."""
        self._orders.clear()

    def fate(self, provider: str, *, connecting: bool | None = None) -> Fault | None:
        """What happens to the next request or connection; ask exactly once for each.

        A socket that lives longer than one answer asks twice: with `connecting` true for the
        faults that meet connects, and false at each answer for all others.
        """
        struck = [
            order.fault
            for order in self._orders
            if order.fault.provider == provider
            and connecting in (None, order.fault.meets_connects)
            and order.strikes()
        ]
        return struck[0] if struck else None
