"""Vectors of words alone: stands in for the sentence embedding where its weights are missing."""

import zlib
from collections.abc import Sequence
from typing import Final

import numpy as np

from voice_agent.engines.embedding.vectors import Vectors, unit
from voice_agent.knowledge.words import search_words

_WIDTH: Final = 384


class WordVectors:
    """Counts a text's words in places drawn by their checksums; knows no meaning."""

    name = "words-1"
    dimension = _WIDTH

    def embed(self, texts: Sequence[str]) -> Vectors:
        """A row of length 1 per text; a text without words has an empty one."""
        rows = np.zeros((len(texts), _WIDTH), np.float32)
        for row, text in enumerate(texts):
            for word in search_words(text):
                checksum = zlib.crc32(word.encode())
                rows[row, checksum % _WIDTH] += 1.0 if checksum & 0x10000 else -1.0
        return unit(rows)
