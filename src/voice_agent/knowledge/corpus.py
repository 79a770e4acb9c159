"""Everything that is known at one moment: files, their pieces, and both indexes over them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from voice_agent.engines.embedding.vectors import Vectors
from voice_agent.knowledge.chunking import Chunk
from voice_agent.knowledge.index import DenseIndex, dense_index
from voice_agent.knowledge.lexical import LexicalIndex


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A file of the folder as it was when it was read.

    `source` is its path in the folder, `digest` tells one content from another, `size` is in
    bytes; `refused` says why it could not be read, "" when it could.
    """

    source: str
    digest: str
    size: int
    chunks: tuple[Chunk, ...] = ()
    refused: str = ""


@dataclass(frozen=True, eq=False)
class Corpus:
    """Files in order; row n of `vectors` and of `lexical` is their nth piece."""

    files: tuple[KnownFile, ...]
    vectors: Vectors
    lexical: LexicalIndex
    dense: DenseIndex = field(repr=False)

    @classmethod
    def of(
        cls, files: Sequence[KnownFile], vectors: Vectors, lexical: LexicalIndex | None = None
    ) -> "Corpus":
        """With indexes built where they are not given."""
        if lexical is None:
            lexical = LexicalIndex.of(one.searchable for file in files for one in file.chunks)
        return cls(tuple(files), vectors, lexical, dense_index(vectors))

    @classmethod
    def empty(cls, dimension: int) -> "Corpus":
        """Nothing is known."""
        return cls.of((), np.zeros((0, dimension), np.float32))

    @property
    def size(self) -> int:
        """The number of pieces."""
        return len(self.vectors)

    @cached_property
    def _places(self) -> tuple[tuple[KnownFile, int], ...]:
        return tuple((file, at) for file in self.files for at in range(len(file.chunks)))

    def place(self, row: int) -> tuple[KnownFile, int]:
        """The file of a piece, and its number there."""
        return self._places[row]

    def chunk(self, row: int) -> Chunk:
        """A piece."""
        file, at = self._places[row]
        return file.chunks[at]
