"""How long an answer may keep a caller waiting, counted in seconds of waiting."""

from dataclasses import dataclass
from typing import Final

from voice_agent.engines.llm.hosted_answer import AnswerReader

TAIL_WITHIN: Final = 0.5
"""How long figures and the end of a complete answer are waited for (s)."""


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Of one answer (s); `headers`, `first_token` and `answer` count from the request."""

    headers: float = 2.0
    first_token: float = 2.5
    gap: float = 2.0
    tool_gap: float = 2.5
    answer: float = 20.0


class Patience:
    """What is left of the deadlines of one answer.

    Progress of the answer renews it; whatever else comes does not.
    """

    def __init__(self, deadlines: Deadlines) -> None:
        """Nothing was waited for yet."""
        self._deadlines = deadlines
        self._since_progress = 0.0
        self._progress = 0
        self._complete = False
        self.total = 0.0
        """Seconds waited since the request."""

    def waited(self, seconds: float) -> None:
        """So long nothing came."""
        self.total += seconds
        self._since_progress += seconds

    def note(self, reader: AnswerReader) -> bool:
        """Look at the answer after something came; true when that was its first token."""
        first = reader.progress > 0 and not self._progress
        if reader.progress > self._progress or (reader.complete and not self._complete):
            self._since_progress = 0.0
        self._progress, self._complete = reader.progress, reader.complete
        return first

    def for_headers(self) -> tuple[float, str]:
        """How long to wait for the response, and what to say when it is over."""
        allowed = min(self._deadlines.headers, self._deadlines.answer)
        return allowed, f"no response within {allowed:g} s"

    def for_more(self, reader: AnswerReader) -> tuple[float, str]:
        """How long to wait for the next piece, and what to say when it is over."""
        whole = self._deadlines.answer
        limits = [(whole - self.total, f"no whole answer within {whole:g} s")]
        if reader.complete:
            limits.append((TAIL_WITHIN - self._since_progress, ""))
        elif not self._progress:
            first = self._deadlines.first_token
            limits.append((first - self.total, f"no first token within {first:g} s"))
        else:
            gap = self._deadlines.tool_gap if reader.in_tool_call else self._deadlines.gap
            limits.append((gap - self._since_progress, f"no further token within {gap:g} s"))
        return min(limits)
