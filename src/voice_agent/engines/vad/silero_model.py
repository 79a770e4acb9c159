"""The Silero network under onnxruntime, and the memory it keeps per call."""

from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from voice_agent.core.errors import ProviderUnavailable
from voice_agent.engines.vad.windows import Window

INSTALL: Final = "pip install --no-deps silero-vad==6.2.3"
"""Its weights are wanted, not its code, which would bring torch along."""
RATES: Final = (8000, 16000)
"""Sample rates (Hz) the network knows."""
CONTEXT: Final = 0.004
"""Seconds of the window before that the network sees again."""
SURELY_QUIET: Final = 0.1
QUIET_WINDOWS: Final = 5
RESET_AFTER: Final = 2.0
"""Seconds: in long quiet on a telephone line the network's memory drifts until it no longer
hears soft speech, so it is emptied when this long has passed and the last windows were quiet."""

_Memory = npt.NDArray[np.float32]


def weights_path() -> Path | None:
    """Where the installed package keeps the network; its code is not imported."""
    spec = find_spec("silero_vad")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / "data" / "silero_vad.onnx"
        if path.is_file():
            return path
    return None


class CallMemory:
    """What the network remembers of one call between windows."""

    def __init__(self, rate: int) -> None:
        """`rate` in Hz, 8000 or 16000."""
        self.rate = rate
        self._size = round(CONTEXT * rate)
        self._quiet, self._age, self.resets = 0, 0.0, -1
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self.state: _Memory = np.zeros((2, 128), np.float32)
        self.context: Window = np.zeros(self._size, np.float32)
        self._age = 0.0
        self.resets += 1

    def update(self, window: Window, state: _Memory, probability: float) -> None:
        """Note a window's outcome; empties the memory in long quiet."""
        self.state, self.context = state, window[-self._size :]
        self._age += len(window) / self.rate
        self._quiet = self._quiet + 1 if probability < SURELY_QUIET else 0
        if self._age >= RESET_AFTER and self._quiet >= QUIET_WINDOWS:
            self.reset()


class SileroModel:
    """One network for all calls; a batch holds at most one window per call."""

    def __init__(self, path: Path) -> None:
        """Load the network.

        Raises:
            ProviderUnavailable: the file is missing or is not the network.
        """
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session: Any = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise ProviderUnavailable(
                f"the voice activity network {path} cannot be loaded; restore it with: {INSTALL}",
                provider="silero",
            ) from error

    def listen(
        self, rate: int, windows: Sequence[Window], memories: Sequence[CallMemory]
    ) -> list[float]:
        """Probability of speech per window, all of one `rate`; memories are updated."""
        heard = np.stack(
            [np.concatenate((m.context, w)) for m, w in zip(memories, windows, strict=True)]
        )
        state = np.stack([memory.state for memory in memories], axis=1)
        inputs = {"input": heard, "state": state, "sr": np.array(rate, np.int64)}
        output, after = self._session.run(None, inputs)
        probabilities = [float(value) for value in output[:, 0]]
        for row, (memory, window) in enumerate(zip(memories, windows, strict=True)):
            memory.update(window, after[:, row], probabilities[row])
        return probabilities


@lru_cache(maxsize=2)
def load_model(path: Path) -> SileroModel:
    """The network of a file, loaded once per process."""
    return SileroModel(path)
