"""A tool takes long: whether the caller is told so, once, and in which kind of words.

```text
caller    where is my order?
silence                     ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁
tool                          │◀── 0.7 s ──▶│ still running, nothing said yet: a filler
agent                                       │ Let me check that.         Your order is …
```

The reply has one filler at most. What was said before it, by the model or to reassure the
caller, stands in for it; and where it was said, the next reassurance is another sentence.
"""

from dataclasses import dataclass, field
from typing import Final

from voice_agent.core.chat import ToolAccess

FILLER_AFTER: Final = 0.7
"""How long a tool may take before the caller is told so (s)."""
OTHER: Final = "other"
"""The kind of words for a tool of which nobody said what it does."""


@dataclass(slots=True)
class Filler:
    """The one filler a reply may have."""

    spoken: bool = False
    _running: dict[str, ToolAccess | None] = field(default_factory=dict)

    def started(self, call_id: str, access: ToolAccess | None, at: float) -> float | None:
        """A tool began; gives when to ask `take`, None where there will be nothing to say."""
        if self.spoken:
            return None
        self._running[call_id] = access
        return at + FILLER_AFTER

    def finished(self, call_id: str) -> None:
        """A tool has its result."""
        self._running.pop(call_id, None)

    def take(self, call_id: str, *, said: bool) -> str | None:
        """The kind of words to say now that this tool takes long; None: say nothing.

        `said` is whether the caller heard, or is about to hear, anything of this reply.
        """
        if self.spoken or said or call_id not in self._running:
            return None
        self.spoken = True
        access = self._running[call_id]
        return OTHER if access is None else access.value
