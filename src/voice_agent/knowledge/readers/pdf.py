"""PDF: the text of its pages."""

import io
import logging
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from voice_agent.knowledge.document import Document, DocumentRefused
from voice_agent.knowledge.readers.decoding import readable
from voice_agent.knowledge.readers.limits import MOST_PAGES, MOST_TEXT
from voice_agent.knowledge.readers.text import text_blocks

if TYPE_CHECKING:
    from pypdf import PdfReader

_HYPHEN: Final = re.compile(r"(?<=[a-z])-\n(?=[a-z])")


def read_pdf(name: str, data: bytes) -> Document:
    """A document; its title is the one in its description, or its first heading.

    Raises:
        DocumentRefused: it is damaged, locked, too long or has no text.
    """
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        title, text = _contents(name, data)
    except DocumentRefused:
        raise
    except Exception as error:
        # A damaged file breaks the reader in more ways than it names.
        raise DocumentRefused(name, f"it is damaged ({type(error).__name__})") from error
    if not text.strip():
        raise DocumentRefused(name, "there is no text in it; a scanned page is a picture")
    return Document(" ".join(readable(title).split()), tuple(text_blocks(text)))


def _contents(name: str, data: bytes) -> tuple[str, str]:
    from pypdf import PdfReader

    reader = PdfReader(io.BytesIO(data), strict=False)
    if reader.is_encrypted and not reader.decrypt(""):
        raise DocumentRefused(name, "it is locked with a password")
    if len(reader.pages) > MOST_PAGES:
        raise DocumentRefused(name, f"it has more than {MOST_PAGES} pages")
    title = reader.metadata.title if reader.metadata else None
    return title or "", _HYPHEN.sub("", readable("\n\n".join(_pages(name, reader))))


def _pages(name: str, reader: "PdfReader") -> Iterator[str]:
    length = 0
    for page in reader.pages:
        text = page.extract_text()
        length += len(text)
        if length > MOST_TEXT:
            raise DocumentRefused(name, f"it has more than {MOST_TEXT:,} characters of text")
        yield text
