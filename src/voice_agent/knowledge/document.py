"""A document as every reader hands it over: headings and paragraphs in order."""

from dataclasses import dataclass
from typing import ClassVar

from voice_agent.core.errors import ProtocolError

_LONGEST_NAME = 120


@dataclass(frozen=True, slots=True)
class Heading:
    """The title of what follows; `level` 1 is the highest."""

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Sentences that belong together; a row of a table is one too."""

    text: str


Block = Heading | Paragraph


@dataclass(frozen=True, slots=True)
class Document:
    """What was read from one file."""

    title: str
    blocks: tuple[Block, ...]


class DocumentRefused(ProtocolError):
    """A file cannot be read; the message names it and says why."""

    code: ClassVar[str] = "document_refused"

    def __init__(self, name: str, reason: str) -> None:
        """`name` as it is known to people; `reason` a clause such as "it is empty"."""
        super().__init__(f"{printable(name)}: {reason}")
        self.name = printable(name)
        self.reason = reason


def printable(name: str) -> str:
    """A file's name on one line, whatever is in it."""
    safe = "".join(one if one.isprintable() else "�" for one in name)
    return safe if len(safe) <= _LONGEST_NAME else f"{safe[: _LONGEST_NAME - 1]}…"
