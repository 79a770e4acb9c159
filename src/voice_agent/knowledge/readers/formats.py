"""Which reader reads which file."""

from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import Final

from voice_agent.knowledge.document import Document, DocumentRefused
from voice_agent.knowledge.readers.csv_file import read_csv
from voice_agent.knowledge.readers.docx_file import read_docx
from voice_agent.knowledge.readers.html_file import read_html
from voice_agent.knowledge.readers.json_file import read_json
from voice_agent.knowledge.readers.limits import check_size, check_text
from voice_agent.knowledge.readers.markdown import read_markdown
from voice_agent.knowledge.readers.pdf import read_pdf
from voice_agent.knowledge.readers.text import read_text

Reader = Callable[[str, bytes], Document]

READERS: Final[Mapping[str, Reader]] = {
    ".md": read_markdown,
    ".markdown": read_markdown,
    ".txt": read_text,
    ".html": read_html,
    ".htm": read_html,
    ".json": read_json,
    ".csv": read_csv,
    ".pdf": read_pdf,
    ".docx": read_docx,
}
"""By the ending of the name, in lower case."""


def ending_of(name: str) -> str:
    """The name's ending, when there is a reader for it.

    Raises:
        DocumentRefused: there is none.
    """
    ending = PurePosixPath(name).suffix.lower()
    if ending not in READERS:
        known = ", ".join(sorted(one.removeprefix(".") for one in READERS))
        raise DocumentRefused(name, f"files of this kind are not read; these are: {known}")
    return ending


def read(name: str, data: bytes) -> Document:
    """Read a file, here and now; its title is its name's where it has none of its own.

    Raises:
        DocumentRefused: it cannot be read; the message says why.
    """
    check_size(name, len(data))
    document = check_text(name, READERS[ending_of(name)](name, data))
    title = document.title or PurePosixPath(name).stem.replace("_", " ").replace("-", " ")
    return Document(" ".join(title.split())[:200], document.blocks)
