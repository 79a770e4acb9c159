"""Which accounts a call has named and which of them are proven to be the caller's own."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

_CALLS: Final = 1000
"""Calls remembered at once; beyond that the oldest is forgotten."""


@dataclass(slots=True)
class _Known:
    named: int | None = None
    proven: int | None = None


class Verifications:
    """Customer numbers by call; a call proves one at a time."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self._calls: OrderedDict[str, _Known] = OrderedDict()

    def named(self, call_id: str) -> int | None:
        """The customer whose account the call has named but not proven to be the caller's."""
        known = self._calls.get(call_id)
        return known.named if known else None

    def is_proven(self, call_id: str, customer_id: int) -> bool:
        """Whether the call has proven that it comes from this customer."""
        known = self._calls.get(call_id)
        return known is not None and known.proven == customer_id

    def name(self, call_id: str, customer_id: int) -> None:
        """The call names an account."""
        self._call(call_id).named = customer_id

    def prove(self, call_id: str, customer_id: int) -> None:
        """The call has told what only this customer knows."""
        known = self._call(call_id)
        known.named, known.proven = None, customer_id

    def _call(self, call_id: str) -> _Known:
        known = self._calls.setdefault(call_id, _Known())
        self._calls.move_to_end(call_id)
        if len(self._calls) > _CALLS:
            self._calls.popitem(last=False)
        return known
