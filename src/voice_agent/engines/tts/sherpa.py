"""sherpa-onnx with the user's own weights: human-like voices, nothing of them shipped here."""

from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from voice_agent.core.errors import ConfigurationError
from voice_agent.engines.registry import Kind, Provider
from voice_agent.engines.tts.worker_synthesizer import WorkerSynthesizer

Family = Literal["vits", "kokoro", "kitten"]


class SherpaOptions(BaseModel):
    """Which weights, and how they speak."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    weights: Path | None = Field(
        default=None, description="Folder of an unpacked sherpa-onnx voice"
    )
    family: Family = Field(default="vits", description="vits (piper, MMS, coqui), kokoro or kitten")
    voice: str = Field(default="0", pattern=r"^\d+$", description="Speaker number")
    threads: int = Field(default=1, ge=1, le=16, description="Processor cores used per phrase")
    deadline: float = Field(
        default=15.0, gt=0, description="Longest wait for the next sound, seconds"
    )


def missing_files(folder: Path, family: Family) -> list[str]:
    """What a voice's folder lacks, in words; empty when it is complete."""
    missing = [] if any(folder.glob("*.onnx")) else ["a *.onnx file"]
    wanted = ["tokens.txt"] if family == "vits" else ["tokens.txt", "voices.bin"]
    missing += [name for name in wanted if not (folder / name).is_file()]
    if not (folder / "lexicon.txt").is_file() and not (folder / "espeak-ng-data").is_dir():
        missing.append("lexicon.txt or the folder espeak-ng-data")
    return missing


def _trouble(options: SherpaOptions) -> str:
    if options.weights is None:
        return (
            "no weights are set: unpack a voice from the sherpa-onnx releases and give its folder"
            " as the option `weights`"
        )
    if not options.weights.is_dir():
        return f"there is no folder {options.weights}"
    missing = missing_files(options.weights, options.family)
    return f"the folder {options.weights} lacks {', '.join(missing)}" if missing else ""


def _check(options: SherpaOptions) -> str:
    if find_spec("sherpa_onnx") is None:
        return "sherpa-onnx is missing: pip install 'voice-agent[sherpa]'"
    return _trouble(options)


def _build(options: SherpaOptions) -> WorkerSynthesizer:
    trouble = _check(options)
    if trouble:
        raise ConfigurationError(f"the sherpa voice cannot be used: {trouble}")
    return WorkerSynthesizer(
        "sherpa",
        "voice_agent.engines.tts.sherpa_worker",
        options.model_dump(mode="json"),
        deadline=options.deadline,
    )


PROVIDER = Provider(
    name="sherpa",
    kind=Kind.TTS,
    options=SherpaOptions,
    build=_build,
    check=_check,
    extra="sherpa",
    traits={"quality": 0.75, "first_sound_ms": 500, "usd_per_1000_characters": 0.0},
    summary="Neural voices from weights you bring; no word times",
)
