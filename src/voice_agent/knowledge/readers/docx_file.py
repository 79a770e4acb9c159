"""DOCX: paragraphs, headings and tables in their order."""

import io
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from voice_agent.knowledge.document import Block, Document, DocumentRefused, Heading, Paragraph
from voice_agent.knowledge.readers.decoding import readable
from voice_agent.knowledge.readers.limits import check_archive
from voice_agent.knowledge.readers.rows import table_blocks
from voice_agent.knowledge.sentences import closed

if TYPE_CHECKING:
    from docx.table import Table
    from docx.text.paragraph import Paragraph as WordParagraph

_LEVEL: Final = re.compile(r"heading (\d)")


def read_docx(name: str, data: bytes) -> Document:
    """A document; its title is its first heading.

    Raises:
        DocumentRefused: it is damaged, or would unpack to far more than it is.
    """
    import docx

    check_archive(name, data)
    try:
        blocks = tuple(_blocks(docx.Document(io.BytesIO(data)).iter_inner_content()))
    except Exception as error:
        # A damaged file breaks the reader in more ways than it names.
        raise DocumentRefused(name, f"it is damaged ({type(error).__name__})") from error
    title = next((block.text for block in blocks if isinstance(block, Heading)), "")
    return Document(title, blocks)


def _blocks(contents: "Iterator[WordParagraph | Table]") -> Iterator[Block]:
    from docx.table import Table

    for part in contents:
        if isinstance(part, Table):
            rows = [[readable(cell.text) for cell in row.cells] for row in part.rows]
            yield from table_blocks(rows, level=6)
        elif said := " ".join(readable(part.text).split()):
            yield _block(part, said)


def _block(paragraph: "WordParagraph", said: str) -> Block:
    style = str(paragraph.style.name).casefold() if paragraph.style else ""
    if found := _LEVEL.match(style):
        return Heading(int(found[1]), said)
    if style == "title":
        return Heading(1, said)
    return Paragraph(closed(said) if style.startswith("list") else said)
