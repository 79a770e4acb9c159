"""The folder of documents: what is put there, and what stands in while it is empty."""

import os
from pathlib import Path
from typing import Final
from uuid import uuid4

from voice_agent.core.errors import NotFoundError, StorageError
from voice_agent.knowledge.document import DocumentRefused
from voice_agent.knowledge.readers.formats import ending_of
from voice_agent.knowledge.readers.guarded import read_guarded

SAMPLES: Final = Path(__file__).with_name("samples")
"""Documents of an invented outdoor shop."""
_LONGEST_NAME: Final = 100
_FORBIDDEN: Final = frozenset('/\\:*?"<>|')


class KnowledgeFolder:
    """Documents in a folder of the operator's."""

    def __init__(self, path: Path, *, samples: bool) -> None:
        """`samples`: sample documents are used as long as the folder is empty."""
        self._path, self._samples = path, samples

    def current(self) -> Path:
        """Where the documents are."""
        return SAMPLES if self._samples and self._is_empty() else self._path

    def add(self, name: str, data: bytes) -> None:
        """Keep a file that can be read, over one of the same name.

        Raises:
            DocumentRefused: it cannot be read, or has no proper name; nothing was kept.
            StorageError: it cannot be written.
        """
        proper = proper_name(name)
        read_guarded(proper, data)
        new = self._path / f".{uuid4().hex}.new"
        try:
            self._path.mkdir(parents=True, exist_ok=True)
            new.write_bytes(data)
            new.replace(self._path / proper)
        except OSError as error:
            new.unlink(missing_ok=True)
            raise StorageError(f"{proper} cannot be written: {error.strerror}.") from error

    def remove(self, source: str) -> None:
        """Delete a file.

        Raises:
            NotFoundError: there is no such file in the operator's folder.
            StorageError: it cannot be deleted.
        """
        # Links are not followed: what is deleted is what is in the folder.
        path = Path(os.path.normpath(self._path / source))
        if not path.is_relative_to(self._path) or not (path.is_file() or path.is_symlink()):
            raise NotFoundError("There is no document with this name in the folder.")
        try:
            path.unlink()
        except OSError as error:
            raise StorageError(f"{source} cannot be deleted: {error.strerror}.") from error

    def _is_empty(self) -> bool:
        try:
            return not any(not one.name.startswith(".") for one in self._path.iterdir())
        except OSError:
            return True


def proper_name(name: str) -> str:
    """The name a document is kept under: its own, when that is one.

    Raises:
        DocumentRefused: it is empty, hidden, too long, a path, or cannot be printed.
    """
    plain = name.strip()
    if not plain or plain.startswith("."):
        raise DocumentRefused(name or "a file without a name", "it needs a name")
    if not plain.isprintable() or _FORBIDDEN & set(plain):
        raise DocumentRefused(name, "its name has characters that files here must not have")
    if len(plain.encode()) > _LONGEST_NAME:
        raise DocumentRefused(name, "its name is too long")
    ending_of(plain)
    return plain
