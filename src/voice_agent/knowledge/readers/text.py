"""Plain text: paragraphs between empty lines."""

import re
from collections.abc import Iterator
from typing import Final

from voice_agent.knowledge.document import Block, Document, Heading, Paragraph
from voice_agent.knowledge.readers.decoding import decode
from voice_agent.knowledge.sentences import closed

_LONGEST_HEADING: Final = 70
_ITEM: Final = re.compile(r"^\s*(?:[-*•–]|\d{1,2}[.)])\s+")
_RULE: Final = re.compile(r"^[\s=\-_*#~]{3,}$")


def read_text(name: str, data: bytes) -> Document:
    """A document; its first short line is its title.

    Raises:
        DocumentRefused: it is not text.
    """
    blocks = tuple(text_blocks(decode(name, data)))
    title = blocks[0].text if blocks and isinstance(blocks[0], Heading) else ""
    return Document(title, blocks)


def text_blocks(text: str) -> Iterator[Block]:
    """Paragraphs with their broken lines joined; a short line on its own is a heading."""
    first = True
    for part in re.split(r"\n[ \t]*\n", text):
        lines = [line.strip() for line in part.splitlines() if line.strip()]
        lines = [line for line in lines if not _RULE.match(line)]
        if not lines:
            continue
        if _is_heading(lines):
            yield Heading(1 if first else 2, lines[0])
        else:
            yield from _paragraphs(lines)
        first = False


def _is_heading(lines: list[str]) -> bool:
    line = lines[0]
    short = len(lines) == 1 and len(line) <= _LONGEST_HEADING
    return short and line[-1] not in ".!:;,…" and not _ITEM.match(line)


def _paragraphs(lines: list[str]) -> Iterator[Paragraph]:
    """Lines joined, except that every item of a list is a sentence."""
    joined = ""
    for line in lines:
        if _ITEM.match(line):
            if joined:
                yield Paragraph(closed(joined))
            joined = _ITEM.sub("", line)
        else:
            joined = f"{joined} {line}".strip()
    if joined:
        yield Paragraph(closed(joined))
