"""The MiniLM network in plain numpy: slow, short, and what the quick one is measured against."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from voice_agent.engines.embedding.safetensors import Weights
from voice_agent.engines.embedding.vectors import Vectors, unit

LAYERS: Final = 6
HEADS: Final = 12
WIDTH: Final = 384
EPSILON: Final = 1e-12
"""Added to the variance before its root."""

_Floats = npt.NDArray[np.float32]
_ERF: Final = (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429)


def embed_one(weights: Weights, numbers: Sequence[int]) -> Vectors:
    """The vector (1, 384) of one text, given as word piece numbers."""
    hidden = _embedded(weights, np.asarray(numbers))
    for layer in range(LAYERS):
        hidden = _layer(weights, f"encoder.layer.{layer}.", hidden)
    return unit(hidden.mean(axis=0, keepdims=True))


def _embedded(weights: Weights, numbers: npt.NDArray[np.int64]) -> _Floats:
    words = weights["embeddings.word_embeddings.weight"][numbers]
    places = weights["embeddings.position_embeddings.weight"][: len(numbers)]
    kinds = weights["embeddings.token_type_embeddings.weight"][0]
    return _norm(weights, "embeddings.LayerNorm", words + places + kinds)


def _layer(weights: Weights, prefix: str, hidden: _Floats) -> _Floats:
    attended = _dense(weights, prefix + "attention.output.dense", _attend(weights, prefix, hidden))
    hidden = _norm(weights, prefix + "attention.output.LayerNorm", hidden + attended)
    inner = _gelu(_dense(weights, prefix + "intermediate.dense", hidden))
    outer = _dense(weights, prefix + "output.dense", inner)
    return _norm(weights, prefix + "output.LayerNorm", hidden + outer)


def _attend(weights: Weights, prefix: str, hidden: _Floats) -> _Floats:
    query, key, value = (
        _dense(weights, f"{prefix}attention.self.{name}", hidden)
        .reshape(len(hidden), HEADS, WIDTH // HEADS)
        .transpose(1, 0, 2)
        for name in ("query", "key", "value")
    )
    scores: _Floats = query @ key.transpose(0, 2, 1) / np.float32(np.sqrt(WIDTH // HEADS))
    weighed = np.exp(scores - scores.max(axis=-1, keepdims=True))
    mixed = weighed / weighed.sum(axis=-1, keepdims=True) @ value
    return np.ascontiguousarray(mixed.transpose(1, 0, 2)).reshape(len(hidden), WIDTH)


def _dense(weights: Weights, name: str, hidden: _Floats) -> _Floats:
    result: _Floats = hidden @ weights[name + ".weight"].T + weights[name + ".bias"]
    return result


def _norm(weights: Weights, name: str, hidden: _Floats) -> _Floats:
    centred: _Floats = hidden - hidden.mean(axis=-1, keepdims=True)
    spread = np.sqrt(np.square(centred).mean(axis=-1, keepdims=True) + EPSILON)
    result: _Floats = centred / spread * weights[name + ".weight"] + weights[name + ".bias"]
    return result


def _gelu(values: _Floats) -> _Floats:
    """Abramowitz and Stegun's 7.1.26 for the error function, exact to 1.5e-7."""
    root = np.abs(values) / np.float32(np.sqrt(2))
    step = np.reciprocal(1 + np.float32(0.3275911) * root)
    total = np.zeros_like(values)
    for factor in reversed(_ERF):
        total = np.multiply(total + np.float32(factor), step)
    error = np.copysign(1 - total * np.exp(-np.square(root)), values)
    return np.multiply(values, (1 + error) / 2)
