"""Reads files so that none of them can hold up or bring down the server."""

import json
import subprocess
import sys
from typing import Final

from voice_agent.knowledge.document import Block, Document, DocumentRefused, Heading, Paragraph
from voice_agent.knowledge.readers.formats import ending_of, read
from voice_agent.knowledge.readers.limits import READ_WITHIN, check_size

_SIMPLE: Final = frozenset({".md", ".markdown", ".txt", ".html", ".htm", ".json", ".csv"})
_SMALL: Final = 200_000
"""Bytes up to which a text format is read here: starting a process takes longer."""


def read_guarded(name: str, data: bytes) -> Document:
    """Read a file; blocks for up to `READ_WITHIN` seconds.

    Raises:
        DocumentRefused: it cannot be read; the message says why.
    """
    check_size(name, len(data))
    if ending_of(name) in _SIMPLE and len(data) <= _SMALL:
        return read(name, data)
    return _document(name, _ask_worker(name, data))


def _ask_worker(name: str, data: bytes) -> bytes:
    command = [sys.executable, "-m", "voice_agent.knowledge.readers.reading_worker", name]
    try:
        done = subprocess.run(  # noqa: S603 - our own module; the name is an argument, not a command
            command, input=data, capture_output=True, timeout=READ_WITHIN, check=False
        )
    except subprocess.TimeoutExpired:
        raise DocumentRefused(name, f"reading it takes longer than {READ_WITHIN:g} s") from None
    except (OSError, ValueError) as error:
        raise DocumentRefused(name, "no process could be started to read it") from error
    if done.returncode != 0:
        raise DocumentRefused(name, "it breaks its reader, or takes too long or too much memory")
    return done.stdout


def _document(name: str, answer: bytes) -> Document:
    told = json.loads(answer)
    if "refused" in told:
        raise DocumentRefused(name, told["refused"])
    blocks: tuple[Block, ...] = tuple(
        Heading(level, text) if level else Paragraph(text) for level, text in told["blocks"]
    )
    return Document(told["title"], blocks)
