"""The corpus on disk: written as a whole or not at all, thrown away when damaged."""

import os
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import numpy as np
import orjson
import structlog

from voice_agent.core.errors import StorageError
from voice_agent.knowledge.chunking import Chunk
from voice_agent.knowledge.corpus import Corpus, KnownFile
from voice_agent.knowledge.lexical import LexicalIndex

FORMAT: Final = 1
"""Of the files and of how text is cut: an index of another one is made anew."""
_MANIFEST: Final = "index.json"
_DAMAGED: Final = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    IndexError,
    EOFError,
    zipfile.BadZipFile,
)

log = structlog.get_logger(__name__)


class KnowledgeStore:
    """A folder with the index; `embedder` names what its vectors depend on."""

    def __init__(self, folder: Path, embedder: str, dimension: int) -> None:
        """Nothing is read or made yet."""
        self._folder, self._embedder, self._dimension = folder, embedder, dimension

    def load(self) -> Corpus:
        """What was saved last; nothing when there is nothing, or nothing that can be used."""
        path = self._folder / _MANIFEST
        if not path.exists():
            return Corpus.empty(self._dimension)
        try:
            return self._read(orjson.loads(path.read_bytes()))
        except _DAMAGED as error:
            log.warning("knowledge.index_unusable", reason=str(error)[:200])
            return Corpus.empty(self._dimension)

    def save(self, corpus: Corpus) -> None:
        """Keep a corpus in place of the one before.

        Raises:
            StorageError: the folder cannot be written; the one before is still there.
        """
        name = f"index-{uuid4().hex}.npz"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._write_arrays(name, corpus)
            manifest = orjson.dumps(self._manifest(name, corpus))
            _replace(self._folder / _MANIFEST, manifest)
            self._tidy(name)
        except OSError as error:
            raise StorageError(
                f"The knowledge index in {self._folder} cannot be written: {error.strerror}."
            ) from error

    def _read(self, manifest: Any) -> Corpus:
        made = (manifest["format"], manifest["embedder"])
        if made != (FORMAT, self._embedder):
            raise ValueError(f"made by {made}")
        files = [_file(entry) for entry in manifest["files"]]
        path = self._folder / Path(manifest["arrays"]).name
        # Opened here: numpy leaves a file open that turns out not to be an archive.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            vectors = arrays["vectors"]
            lexical = LexicalIndex(
                {word: number for number, word in enumerate(manifest["words"])},
                arrays["starts"],
                arrays["rows"],
                arrays["weights"],
                len(vectors),
            )
        if vectors.shape != (sum(len(file.chunks) for file in files), self._dimension):
            raise ValueError("vectors and pieces differ in number")
        if len(lexical.starts) != len(lexical.words) + 1 or lexical.starts[-1] != len(lexical.rows):
            raise ValueError("words and postings differ in number")
        return Corpus.of(files, vectors, lexical)

    def _manifest(self, arrays: str, corpus: Corpus) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "embedder": self._embedder,
            "arrays": arrays,
            "words": list(corpus.lexical.words),
            "files": [_entry(file) for file in corpus.files],
        }

    def _write_arrays(self, name: str, corpus: Corpus) -> None:
        with (self._folder / name).open("wb") as file:
            np.savez(
                file,
                vectors=corpus.vectors,
                starts=corpus.lexical.starts,
                rows=corpus.lexical.rows,
                weights=corpus.lexical.weights,
            )
            file.flush()
            os.fsync(file.fileno())

    def _tidy(self, keep: str) -> None:
        for old in self._folder.glob("index-*.npz"):
            if old.name != keep:
                old.unlink(missing_ok=True)


def _replace(path: Path, data: bytes) -> None:
    new = path.with_suffix(".new")
    with new.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def _entry(file: KnownFile) -> list[Any]:
    chunks = [[chunk.text, chunk.title] for chunk in file.chunks]
    return [file.source, file.digest, file.size, chunks, file.refused]


def _file(entry: Sequence[Any]) -> KnownFile:
    source, digest, size, chunks, refused = entry
    pieces = tuple(Chunk(text, title) for text, title in chunks)
    return KnownFile(source, digest, size, pieces, refused)
