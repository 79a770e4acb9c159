"""Whether the caller agreed, in this call, to be remembered. Pure.

A yes counts only as the answer to the question, heard to its end; a no, or the wish to be
forgotten, counts at any time and outlives a yes.
"""

from typing import Final

from voice_agent.core.events import AgentSaid, CallerSaid, CallerWentOn, CallEvent
from voice_agent.memory.wording import ConsentPatterns, any_found

LEAST_CONFIDENCE: Final = 0.5
"""Below it the recogniser's text is no basis for anything that is kept."""
_LONGEST_READ: Final = 1000


class ConsentWatch:
    """Reads the call's events; `answer` is True, False, or None while nothing was said."""

    def __init__(self, patterns: ConsentPatterns) -> None:
        self._patterns = patterns
        self._asked = False
        self._answers: dict[int, bool] = {}

    @property
    def answer(self) -> bool | None:
        """The caller's will: the last thing they said about it, a refusal before a yes."""
        last = max(self._answers, default=None)
        return None if last is None else self._answers[last]

    def note(self, event: CallEvent) -> None:
        """Take the next event."""
        match event.payload:
            case AgentSaid(text):
                self._asked = any_found(self._patterns.asked, text[-_LONGEST_READ:])
            case CallerSaid(text, confidence):
                said = self._read(text[:_LONGEST_READ].replace("’", "'"), confidence)
                if said is not None:
                    self._answers[event.turn] = said
            case CallerWentOn():
                self._answers.pop(event.turn, None)

    def _read(self, text: str, confidence: float) -> bool | None:
        patterns = self._patterns
        if any_found(patterns.withdrawn, text):
            return False
        asked = self._asked
        for harmless in patterns.harmless_no:
            text = harmless.sub("yes", text)
        if asked and any_found(patterns.no, text):
            return False
        sure = confidence >= LEAST_CONFIDENCE
        if sure and ((asked and any_found(patterns.yes, text)) or any_found(patterns.given, text)):
            return True
        return None
