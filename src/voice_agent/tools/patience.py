"""How often one call may guess at what only the right person knows."""

from collections import OrderedDict
from typing import Final

from voice_agent.core.errors import ToolError

_CALLS: Final = 1000
"""Calls remembered at once; beyond that the oldest is forgotten."""


class Patience:
    """Counts the wrong guesses of each call; what was guessed is not kept."""

    def __init__(self, most: int = 5) -> None:
        """`most` wrong guesses of one kind are let pass in a call."""
        self._most = most
        self._wrong: OrderedDict[tuple[str, str], int] = OrderedDict()

    def check(self, call_id: str, kind: str) -> None:
        """Let the call guess once more.

        Raises:
            ToolError: it has guessed often enough.
        """
        if self._wrong.get((call_id, kind), 0) >= self._most:
            raise ToolError(
                "That did not match too often in this call. Do not try again; offer a person.",
                reason="too_many_attempts",
            )

    def wrong(self, call_id: str, kind: str) -> None:
        """Note a wrong guess."""
        key = call_id, kind
        self._wrong[key] = self._wrong.pop(key, 0) + 1
        if len(self._wrong) > _CALLS:
            self._wrong.popitem(last=False)
