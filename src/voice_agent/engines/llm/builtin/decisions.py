"""What the dialogue can decide, and what it remembers of a call between two turns."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from voice_agent.core.chat import JsonObject


@dataclass(frozen=True, slots=True)
class Say:
    """Speak."""

    text: str


@dataclass(frozen=True, slots=True)
class CallTool:
    """Run a declared tool with arguments that fit its schema."""

    name: str
    arguments: JsonObject


Decision = Say | CallTool


@dataclass(frozen=True)
class Task:
    """Something the caller wants done.

    `unsure` are values heard with doubt, to be read back; `asking` is one that must be given
    again even if the tool could do without.
    """

    intent: str
    tool: str
    slots: Mapping[str, Any] = field(default_factory=dict)
    unsure: frozenset[str] = frozenset()
    topic: str = ""
    asking: str = ""

    def filled(self, slots: Mapping[str, Any], *, doubtful: bool) -> "Task":
        """With more (or corrected) values."""
        doubts = self.unsure | slots.keys() if doubtful else self.unsure - slots.keys()
        asking = "" if self.asking in slots else self.asking
        merged = {**self.slots, **slots}
        return replace(self, slots=merged, unsure=frozenset(doubts), asking=asking)

    def without(self, name: str) -> "Task":
        """Asking for one value again."""
        slots = {key: value for key, value in self.slots.items() if key != name}
        return replace(self, slots=slots, unsure=self.unsure - {name}, asking=name)


@dataclass(frozen=True)
class State:
    """Where a call stands: the open task, the one done last, misunderstandings in a row."""

    task: Task | None = None
    last: Task | None = None
    misses: int = 0


@dataclass(frozen=True)
class Step:
    """The next state and what to do now."""

    state: State
    decision: Decision
