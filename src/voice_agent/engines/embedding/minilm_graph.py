"""The MiniLM network as an ONNX graph of one text, in float32 or in dynamic int8.

One text at a time: no padding, no mask, and a vector never depends on its neighbours, which
it would in int8, where one scale serves all that is multiplied at once.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from voice_agent.engines.embedding.minilm_numpy import EPSILON, HEADS, LAYERS, WIDTH
from voice_agent.engines.embedding.onnx_graph import Graph
from voice_agent.engines.embedding.safetensors import Weights

REVISION: Final = 1
"""Raise it when the graph changes: files in the cache are named after it."""
_SEVEN_BITS: Final = 63
"""Larger weights overflow the 16-bit sums of processors without VNNI, which then differ."""
_PROJECTIONS: Final = ("query", "key", "value")


class Precision(StrEnum):
    """How the numbers of the network are kept."""

    FP32 = "fp32"
    INT8 = "int8"


def build(weights: Weights, precision: Precision) -> bytes:
    """The model file: `ids` (int64, one per word piece) to a vector (1, 384) of length 1.

    Raises:
        KeyError: a weight is missing.
    """
    writer = _Writer(Graph(), weights, precision)
    hidden = writer.embedded()
    for layer in range(LAYERS):
        hidden = writer.layer(f"encoder.layer.{layer}.", hidden)
    return writer.graph.encode({"ids": ("int64", ("pieces",))}, writer.pooled(hidden), WIDTH)


@dataclass
class _Writer:
    graph: Graph
    weights: Weights
    precision: Precision

    def embedded(self) -> str:
        """Words, places and the one text type, added and normalised."""
        add = self.graph.add
        start = self.graph.constant("start", np.array([0], np.int64))
        places = self.weights["embeddings.position_embeddings.weight"]
        kind = self.weights["embeddings.token_type_embeddings.weight"][0]
        table = self.graph.constant("places", places + kind)
        places_used = add("Slice", table, start, add("Shape", "ids"), start)
        return self.norm("embeddings.LayerNorm", add("Add", self.words(), places_used))

    def words(self) -> str:
        """The rows of the word table; in int8 each row has a scale of its own."""
        table = self.weights["embeddings.word_embeddings.weight"]
        if self.precision is Precision.FP32:
            return self.graph.add("Gather", self.graph.constant("words", table), "ids")
        scale = np.maximum(np.abs(table).max(axis=1, keepdims=True), 1e-12) / 127
        rows = np.rint(table / scale).astype(np.int8)
        codes = self.graph.add("Gather", self.graph.constant("words", rows), "ids")
        scales = self.graph.constant("words.scale", scale.astype(np.float32))
        values = self.graph.add("Cast", codes, to=1)
        return self.graph.add("Mul", values, self.graph.add("Gather", scales, "ids"))

    def layer(self, prefix: str, hidden: str) -> str:
        """Attention, then the two dense steps, each added to what came in."""
        add = self.graph.add
        mixed = self.dense(prefix + "attention.output.dense", self.attend(prefix, hidden))
        hidden = self.norm(prefix + "attention.output.LayerNorm", add("Add", hidden, mixed))
        inner = add("Gelu", self.dense(prefix + "intermediate.dense", hidden))
        outer = self.dense(prefix + "output.dense", inner)
        return self.norm(prefix + "output.LayerNorm", add("Add", hidden, outer))

    def attend(self, prefix: str, hidden: str) -> str:
        """Every piece looks at every other, in twelve ways at once."""
        add = self.graph.add
        split = self._shape("heads", (0, 3, HEADS, WIDTH // HEADS))
        joined = self._shape("joined", (0, WIDTH))
        heads = add("Reshape", self._project(prefix, hidden), split)
        apart = add("Transpose", heads, perm=(1, 2, 0, 3))
        query, key, value = self.graph.add_many("Split", 3, apart, axis=0, num_outputs=3)
        scores = add("MatMul", query, add("Transpose", key, perm=(0, 1, 3, 2)))
        mixed = add("MatMul", add("Softmax", scores, axis=-1), value)
        one = self.graph.constant("first_axis", np.array([0], np.int64))
        back = add("Transpose", add("Squeeze", mixed, one), perm=(1, 0, 2))
        return add("Reshape", back, joined)

    def _project(self, prefix: str, hidden: str) -> str:
        """Query, key and value in one product; the query is scaled beforehand."""
        names = [f"{prefix}attention.self.{name}" for name in _PROJECTIONS]
        scales = (np.float32((WIDTH // HEADS) ** -0.5), np.float32(1), np.float32(1))
        pairs = tuple(zip(names, scales, strict=True))
        matrix = np.concatenate([self.weights[f"{n}.weight"] * scale for n, scale in pairs])
        bias = np.concatenate([self.weights[f"{n}.bias"] * scale for n, scale in pairs])
        return self._product(prefix + "projection", hidden, matrix.T, bias)

    def dense(self, name: str, hidden: str) -> str:
        """A matrix and a bias."""
        matrix, bias = self.weights[f"{name}.weight"].T, self.weights[f"{name}.bias"]
        return self._product(name, hidden, matrix, bias)

    def _product(
        self, name: str, hidden: str, matrix: npt.NDArray[np.float32], bias: npt.NDArray[np.float32]
    ) -> str:
        add, constant = self.graph.add, self.graph.constant
        offset = constant(f"{name}.bias", bias)
        if self.precision is Precision.FP32:
            return add("Add", add("MatMul", hidden, constant(name, matrix)), offset)
        scale = np.abs(matrix).max(axis=0) / _SEVEN_BITS
        codes = constant(name, np.rint(matrix / scale).astype(np.int8))
        rough, step, zero = self.graph.add_many("DynamicQuantizeLinear", 3, hidden)
        whole = add("Cast", add("MatMulInteger", rough, codes, zero), to=1)
        steps = add("Mul", step, constant(f"{name}.scale", scale.astype(np.float32)))
        return add("Add", add("Mul", whole, steps), offset)

    def norm(self, name: str, hidden: str) -> str:
        """A layer's normalisation."""
        scale = self.graph.constant(f"{name}.weight", self.weights[f"{name}.weight"])
        bias = self.graph.constant(f"{name}.bias", self.weights[f"{name}.bias"])
        return self.graph.add("LayerNormalization", hidden, scale, bias, epsilon=EPSILON)

    def pooled(self, hidden: str) -> str:
        """The mean over all pieces, scaled to length 1."""
        axis = self.graph.constant("pieces_axis", np.array([0], np.int64))
        mean = self.graph.add("ReduceMean", hidden, axis)
        return self.graph.add("LpNormalization", mean, axis=1, p=2)

    def _shape(self, name: str, sizes: tuple[int, ...]) -> str:
        return self.graph.constant(name, np.array(sizes, np.int64))
