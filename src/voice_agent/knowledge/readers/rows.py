"""Tables as sentences: what a row says, with the columns' names in it."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from voice_agent.knowledge.document import Block, Heading, Paragraph
from voice_agent.knowledge.sentences import closed

_FORMULA: Final = re.compile(
    r"\s*(?:=|[+@-]\s*[A-Za-z_]\w*\s*[(!:]|@SUM\b|[+-]\s*cmd\|)", re.IGNORECASE
)
_NAMES: Final = frozenset({"", "name", "item", "product", "title", "topic", "service"})
_QUESTIONS: Final = frozenset({"question", "q"})
_ANSWERS: Final = frozenset({"answer", "a"})


def harmless(cell: str) -> str:
    """The cell's text on one line, "" for a formula: nobody wrote that to be read out."""
    flat = " ".join(cell.split())
    return "" if _FORMULA.match(flat) else flat


def table_blocks(rows: Sequence[Sequence[str]], level: int = 2) -> Iterator[Block]:
    """The sentences of a table whose first row names the columns.

    A table of questions and answers becomes headings and paragraphs.
    """
    cleaned = [[harmless(cell) for cell in row] for row in rows]
    filled = [row for row in cleaned if any(row)]
    if len(filled) == 1:
        yield Paragraph(closed(", ".join(cell for cell in filled[0] if cell)))
    if len(filled) < 2:
        return
    headers, *body = filled
    asked = _column(headers, _QUESTIONS)
    told = _column(headers, _ANSWERS)
    for row in body:
        if asked is not None and told is not None and max(asked, told) < len(row) and row[asked]:
            yield Heading(level, row[asked])
            yield from _rest(headers, row, asked, told)
        else:
            yield Paragraph(row_sentence(headers, row))


def row_sentence(headers: Sequence[str], cells: Sequence[str]) -> str:
    """As in "Size M: chest 96 to 101 cm, waist 81 to 86 cm."."""
    said = [
        (headers[column] if column < len(headers) else "", cell)
        for column, cell in enumerate(cells)
        if cell
    ]
    if not said:
        return ""
    (header, subject), *others = said
    first = subject if header.casefold() in _NAMES else f"{header} {subject}"
    facts = ", ".join(f"{_small(name)} {cell}".strip() for name, cell in others)
    return closed(f"{first}: {facts}" if facts else first)


def _rest(headers: Sequence[str], row: Sequence[str], asked: int, told: int) -> Iterator[Block]:
    if row[told]:
        yield Paragraph(closed(row[told]))
    besides = [column for column in range(len(row)) if column not in {asked, told} and row[column]]
    if besides:
        names = [headers[column] if column < len(headers) else "" for column in besides]
        yield Paragraph(row_sentence(names, [row[column] for column in besides]))


def _column(headers: Sequence[str], names: frozenset[str]) -> int | None:
    return next((n for n, header in enumerate(headers) if header.casefold() in names), None)


def _small(name: str) -> str:
    return name if name[1:2].isupper() else name[:1].lower() + name[1:]
