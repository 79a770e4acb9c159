"""How much of anything is read before a file is refused."""

import io
import zipfile
from typing import Final

from voice_agent.knowledge.document import Document, DocumentRefused

MOST_BYTES: Final = 10 * 1024 * 1024
MOST_PAGES: Final = 500
MOST_DEPTH: Final = 64
"""Objects and lists within each other."""
MOST_TEXT: Final = 3_000_000
"""Characters of one document."""
MOST_UNPACKED: Final = 60_000_000
"""Bytes that a packed file may become."""
MOST_TIMES: Final = 120
"""How much larger than packed it may be; text packs to a tenth, a bomb to a thousandth."""
MOST_ENTRIES: Final = 2000
READ_WITHIN: Final = 20.0
"""Seconds that reading one file may take."""


def check_size(name: str, size: int) -> None:
    """Refuse a file that is empty or too large.

    Raises:
        DocumentRefused: it is.
    """
    if size == 0:
        raise DocumentRefused(name, "it is empty")
    if size > MOST_BYTES:
        largest = MOST_BYTES // (1024 * 1024)
        raise DocumentRefused(
            name, f"it is larger than {largest} MB ({size / (1024 * 1024):.1f} MB)"
        )


def check_text(name: str, document: Document) -> Document:
    """The document, unless there is nothing or far too much in it.

    Raises:
        DocumentRefused: there is.
    """
    length = sum(len(block.text) for block in document.blocks)
    if not any(block.text.strip() for block in document.blocks):
        raise DocumentRefused(name, "there is no text in it")
    if length > MOST_TEXT:
        raise DocumentRefused(name, f"it has more than {MOST_TEXT:,} characters of text")
    return document


def check_archive(name: str, data: bytes) -> None:
    """Refuse an archive that would unpack to far more than it is.

    Raises:
        DocumentRefused: it would, or it is no archive.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise DocumentRefused(name, "it is damaged: its parts cannot be listed") from error
    unpacked = sum(entry.file_size for entry in entries)
    if len(entries) > MOST_ENTRIES:
        raise DocumentRefused(name, f"it has more than {MOST_ENTRIES} parts")
    if unpacked > MOST_UNPACKED or unpacked > MOST_TIMES * max(len(data), 10_000):
        raise DocumentRefused(name, "it unpacks to far more than a document (a zip bomb?)")
