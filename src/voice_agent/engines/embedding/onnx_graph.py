"""The ONNX format, as much as writing a graph needs: protocol buffers put together by hand."""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

OPSET: Final = 20
"""The first with Gelu as one operator."""
_IR_VERSION: Final = 9
_DELIMITED: Final = 2
_FIXED32: Final = 5
_TYPES: Final = {"float32": 1, "uint8": 2, "int8": 3, "int32": 6, "int64": 7}

Attribute = int | float | Sequence[int]


@dataclass
class Graph:
    """A graph under construction; values are known by name, names are handed out."""

    nodes: list[bytes] = field(default_factory=list)
    constants: dict[str, bytes] = field(default_factory=dict)

    def constant(self, name: str, values: npt.NDArray[Any]) -> str:
        """Store an array under a name of its own and return that name.

        Raises:
            KeyError: the array's type cannot be stored.
        """
        self.constants[name] = _tensor(name, np.ascontiguousarray(values))
        return name

    def add(self, operator: str, *inputs: str, **attributes: Attribute) -> str:
        """Apply an operator with one result; returns the result's name."""
        return self.add_many(operator, 1, *inputs, **attributes)[0]

    def add_many(
        self, operator: str, results: int, *inputs: str, **attributes: Attribute
    ) -> list[str]:
        """Apply an operator with several results; returns their names."""
        outputs = [f"v{len(self.nodes)}_{number}" for number in range(results)]
        self.nodes.append(_node(operator, inputs, outputs, attributes))
        return outputs

    def encode(
        self, inputs: Mapping[str, tuple[str, Sequence[int | str]]], output: str, width: int
    ) -> bytes:
        """The model file; `inputs` have (type, shape), the output is float32 (1, `width`)."""
        graph = b"".join(
            (
                *(_message(1, node) for node in self.nodes),
                _text(2, "graph"),
                *(_message(5, tensor) for tensor in self.constants.values()),
                *(_message(11, _value(name, *kind)) for name, kind in inputs.items()),
                _message(12, _value(output, "float32", (1, width))),
            )
        )
        opset = _message(8, _text(1, "") + _number(2, OPSET))
        return _number(1, _IR_VERSION) + _text(2, "voice-agent") + _message(7, graph) + opset


def varint(value: int) -> bytes:
    """A whole number from 0 to 2^64 - 1, seven bits to a byte, lowest first."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _number(tag: int, value: int) -> bytes:
    return varint(tag << 3) + varint(value & 0xFFFF_FFFF_FFFF_FFFF)


def _message(tag: int, payload: bytes) -> bytes:
    return varint(tag << 3 | _DELIMITED) + varint(len(payload)) + payload


def _text(tag: int, value: str) -> bytes:
    return _message(tag, value.encode())


def _tensor(name: str, values: npt.NDArray[Any]) -> bytes:
    sizes = b"".join(_number(1, size) for size in values.shape)
    kind = _number(2, _TYPES[values.dtype.name])
    little = values.astype(values.dtype.newbyteorder("<"), copy=False)
    return sizes + kind + _text(8, name) + _message(9, little.tobytes())


def _node(
    operator: str,
    inputs: Sequence[str],
    outputs: Sequence[str],
    attributes: Mapping[str, Attribute],
) -> bytes:
    return b"".join(
        (
            *(_text(1, name) for name in inputs),
            *(_text(2, name) for name in outputs),
            _text(4, operator),
            *(_message(5, _attribute(*pair)) for pair in attributes.items()),
        )
    )


def _attribute(name: str, value: Attribute) -> bytes:
    if isinstance(value, int):
        return _text(1, name) + _number(3, value) + _number(20, 2)
    if isinstance(value, float):
        fixed = varint(2 << 3 | _FIXED32) + struct.pack("<f", value)
        return _text(1, name) + fixed + _number(20, 1)
    return _text(1, name) + b"".join(_number(8, item) for item in value) + _number(20, 7)


def _value(name: str, kind: str, shape: Sequence[int | str]) -> bytes:
    sizes = b"".join(
        _message(1, _number(1, size) if isinstance(size, int) else _text(2, size)) for size in shape
    )
    tensor = _number(1, _TYPES[kind]) + _message(2, sizes)
    return _text(1, name) + _message(2, _message(1, tensor))
