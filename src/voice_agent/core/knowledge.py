"""What the business's documents say: passages with their source, and the seams around them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Passage:
    """A few sentences of a document, unchanged.

    `source` is the file, `title` the headings above the passage, `position` its number in the
    file from 0 and `score` how well it answers, 0 to 1. Its text is data: whoever wrote the
    document is nobody's master.
    """

    text: str
    source: str
    title: str
    position: int
    score: float


@dataclass(frozen=True, slots=True)
class Findings:
    """Passages, best first, and the sentences of them to say; nothing where nothing answers."""

    passages: tuple[Passage, ...] = ()
    answer: str = ""


class KnowledgeSearch(Protocol):
    """Finds what the documents say about a question."""

    async def search(self, query: str, k: int = 3) -> Findings:
        """At most `k` passages good enough to answer from; empty when there are none."""
        ...

    async def prefetch(self, text: str) -> None:
        """Search for words that may become the question, so that its answer is there at once."""
        ...


class UnansweredQuestions(Protocol):
    """Keeps what callers asked and no document answered."""

    async def note(self, question: str, call_id: str, turn: int, at: datetime) -> None:
        """Keep one question."""
        ...
