"""From a folder of files to a corpus: only what changed is read, only what is new is embedded."""

import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from voice_agent.engines.embedding.vectors import SentenceEmbedder, Vectors
from voice_agent.knowledge.chunking import Chunk, chunk
from voice_agent.knowledge.corpus import Corpus, KnownFile
from voice_agent.knowledge.document import DocumentRefused
from voice_agent.knowledge.readers.formats import READERS
from voice_agent.knowledge.readers.guarded import read_guarded
from voice_agent.knowledge.readers.limits import MOST_BYTES, check_size

MOST_FILES: Final = 10_000
_BATCH: Final = 64
"""Pieces embedded at a time."""

Progress = Callable[[int, int, str], None]
"""Told how much of how much is done, and what is being done; called from any thread."""


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What a synchronisation did, in files; `embedded` counts pieces."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    unchanged: int = 0
    refused: tuple[tuple[str, str], ...] = ()
    embedded: int = 0

    @property
    def changes(self) -> bool:
        """Whether anything is different from before."""
        return bool(self.added or self.changed or self.removed)


def sync(
    folder: Path, before: Corpus, embedder: SentenceEmbedder, progress: Progress
) -> tuple[Corpus, SyncReport]:
    """The folder's corpus now; `before` itself where nothing changed. Blocks.

    A file that cannot be read is in the report with its reason; the others are known all the
    same.
    """
    known = {file.source: file for file in before.files}
    found: list[KnownFile] = []
    paths = list(_paths(folder))
    for number, (source, path) in enumerate(paths):
        progress(number, len(paths), source)
        found.append(_read(folder, source, path, known.get(source)))
    report = _compared(known, found)
    if not report.changes:
        return before, report
    vectors, embedded = _vectors(found, before, embedder, progress)
    return Corpus.of(found, vectors), _with_embedded(report, embedded)


def _paths(folder: Path) -> Iterator[tuple[str, Path]]:
    """Visible files of a kind that is read, by their path in the folder, in order."""
    found: list[tuple[str, Path]] = []
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in names:
            path = Path(parent, name)
            if not name.startswith(".") and path.suffix.lower() in READERS:
                found.append((path.relative_to(folder).as_posix(), path))
    yield from sorted(found)[:MOST_FILES]


def _read(folder: Path, source: str, path: Path, known: KnownFile | None) -> KnownFile:
    """The file as it is now; what is known already is not read again."""
    data, digest = b"", ""
    try:
        data = _bytes(folder, source, path)
        digest = hashlib.blake2b(data, digest_size=16).hexdigest()
        if known is not None and known.digest == digest:
            return known
        return KnownFile(source, digest, len(data), chunk(read_guarded(source, data)))
    except DocumentRefused as refusal:
        told = digest or f"refused: {refusal.reason}"
        return KnownFile(source, told, len(data), refused=refusal.reason)


def _bytes(folder: Path, source: str, path: Path) -> bytes:
    if not source.isprintable():
        raise DocumentRefused(source, "its name has characters that cannot be printed")
    try:
        if not path.resolve(strict=True).is_relative_to(folder.resolve()):
            raise DocumentRefused(source, "it is a link to something outside of the folder")
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise DocumentRefused(source, "it is not a file")
        check_size(source, status.st_size)
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise DocumentRefused(source, f"it cannot be opened: {error.strerror}") from error
    except RuntimeError as error:
        raise DocumentRefused(source, "it is a link that leads back to itself") from error
    check_size(source, len(data))
    return data


def _compared(known: Mapping[str, KnownFile], found: Sequence[KnownFile]) -> SyncReport:
    now = {file.source: file for file in found}
    return SyncReport(
        added=tuple(source for source in now if source not in known),
        changed=tuple(s for s in now if s in known and known[s].digest != now[s].digest),
        removed=tuple(source for source in known if source not in now),
        unchanged=sum(1 for s in now if s in known and known[s].digest == now[s].digest),
        refused=tuple((file.source, file.refused) for file in found if file.refused),
    )


def _with_embedded(report: SyncReport, embedded: int) -> SyncReport:
    return SyncReport(
        report.added, report.changed, report.removed, report.unchanged, report.refused, embedded
    )


def _vectors(
    files: Sequence[KnownFile], before: Corpus, embedder: SentenceEmbedder, progress: Progress
) -> tuple[Vectors, int]:
    """A vector for every piece, old ones where the text is the same, and how many are new."""
    old = {before.chunk(row).searchable: row for row in range(before.size)}
    chunks: list[Chunk] = [one for file in files for one in file.chunks]
    vectors = np.zeros((len(chunks), embedder.dimension), np.float32)
    new: list[int] = []
    for row, one in enumerate(chunks):
        if (same := old.get(one.searchable)) is None:
            new.append(row)
        else:
            vectors[row] = before.vectors[same]
    for start in range(0, len(new), _BATCH):
        rows = new[start : start + _BATCH]
        progress(start, len(new), "embedding")
        vectors[rows] = embedder.embed([chunks[row].searchable for row in rows])
    progress(len(new), len(new), "embedding")
    return vectors, len(new)
