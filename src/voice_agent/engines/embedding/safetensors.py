"""The safetensors format: a JSON header, then the numbers; no code in it, none is run."""

import json
import struct
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

Weights = dict[str, npt.NDArray[np.float32]]

_LONGEST_HEADER: Final = 10_000_000


def read_weights(path: Path) -> Weights:
    """All float32 tensors of a file by name, mapped and not copied.

    Raises:
        OSError: it cannot be read.
        ValueError: it is not a safetensors file.
    """
    with path.open("rb") as file:
        prefix = file.read(8)
        if len(prefix) < 8:
            raise ValueError(f"{path} is too short")
        (size,) = struct.unpack("<Q", prefix)
        if size > _LONGEST_HEADER:
            raise ValueError(f"{path} has no sensible header")
        header = json.loads(file.read(size))
    data = np.memmap(path, dtype=np.uint8, mode="r", offset=8 + size)
    weights = {}
    for name, entry in header.items():
        if entry.get("dtype") == "F32":
            start, end = entry["data_offsets"]
            weights[name] = data[start:end].view(np.float32).reshape(entry["shape"])
    return weights
