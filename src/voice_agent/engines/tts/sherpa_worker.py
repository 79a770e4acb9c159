"""sherpa-onnx behind a pipe: it ends its process when it dislikes a file."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import sherpa_onnx

from voice_agent.engines.tts.speech_worker import PhraseSink, UnknownVoice, serve


class SherpaBackend:
    """One network; a phrase is one run of it, so its first sound comes when it is done."""

    reentrant = False
    keeps_commas = True

    def __init__(self, options: dict[str, Any]) -> None:
        """`options` are those of the provider: weights, family, threads."""
        folder = Path(options["weights"])
        network = _network(str(options["family"]), folder)
        model = sherpa_onnx.OfflineTtsModelConfig(num_threads=int(options["threads"]), **network)
        self._tts = sherpa_onnx.OfflineTts(
            sherpa_onnx.OfflineTtsConfig(model=model, max_num_sentences=1)
        )

    def rate(self, voice: str) -> int:
        """Hz, the network's own."""
        self._speaker(voice)
        return int(self._tts.sample_rate)

    def speak(self, tokens: Sequence[str], voice: str, speed: float, sink: PhraseSink) -> None:
        """Speak a phrase into `sink`."""

        def heard(samples: npt.NDArray[np.float32], _progress: float) -> int:
            whole = np.clip(np.round(samples * 32767), -32768, 32767).astype(np.int16)
            return 1 if sink.audio(whole) else 0

        self._tts.generate(" ".join(tokens), self._speaker(voice), speed, heard)

    def _speaker(self, voice: str) -> int:
        last = max(int(self._tts.num_speakers), 1) - 1
        if not voice.isdecimal() or int(voice) > last:
            raise UnknownVoice(f"these weights have no voice {voice!r}; they have 0 to {last}")
        return int(voice)


def _network(family: str, folder: Path) -> dict[str, Any]:
    files = {"model": str(min(folder.glob("*.onnx"))), "tokens": str(folder / "tokens.txt")}
    if (folder / "lexicon.txt").is_file():
        files["lexicon"] = str(folder / "lexicon.txt")
    if (folder / "espeak-ng-data").is_dir():
        files["data_dir"] = str(folder / "espeak-ng-data")
    if family == "vits":
        return {"vits": sherpa_onnx.OfflineTtsVitsModelConfig(**files)}
    files["voices"] = str(folder / "voices.bin")
    if family == "kokoro":
        return {"kokoro": sherpa_onnx.OfflineTtsKokoroModelConfig(**files)}
    return {"kitten": sherpa_onnx.OfflineTtsKittenModelConfig(**files)}


def main() -> None:
    """Serve; the one argument is the provider's options as JSON."""
    serve(lambda: SherpaBackend(orjson.loads(sys.argv[1])))


if __name__ == "__main__":
    main()
