"""Permits: what may act must hold one, and only this file can make them."""

from dataclasses import dataclass
from typing import Final

from voice_agent.core.errors import PermissionDeniedError


@dataclass(frozen=True, slots=True)
class Decision:
    """May it happen? `code` is stable, `reason` is one sentence for people."""

    allowed: bool
    code: str
    reason: str = ""


ALLOWED: Final = Decision(allowed=True, code="allowed")
"""Nothing stands against it."""

_MINT: Final = object()


class ToolPermit:
    """The right to run one tool once in one turn of one call."""

    __slots__ = ("call_id", "tool", "turn")

    def __init__(self, tool: str, call_id: str, turn: int, *, mint: object) -> None:
        """Only `permit_tool` has what `mint` must be."""
        if mint is not _MINT:
            raise TypeError("a ToolPermit is made by permit_tool only")
        self.tool = tool
        self.call_id = call_id
        self.turn = turn


def permit_tool(decision: Decision, *, tool: str, call_id: str, turn: int) -> ToolPermit:
    """Turn a decision into a permit.

    Raises:
        PermissionDeniedError: the decision is no.
    """
    if not decision.allowed:
        raise PermissionDeniedError(decision.reason or f"{tool} is not permitted here.")
    return ToolPermit(tool, call_id, turn, mint=_MINT)
