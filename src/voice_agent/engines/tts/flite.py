"""flite: a clearer voice than espeak-ng where Debian's `libflite1` is installed."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from voice_agent.core.errors import ProviderUnavailable
from voice_agent.engines.registry import Kind, Provider
from voice_agent.engines.tts.flite_library import load_flite, load_voice
from voice_agent.engines.tts.worker_synthesizer import WorkerSynthesizer


class FliteOptions(BaseModel):
    """How flite speaks."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    voice: Literal["slt", "rms", "awb", "kal16", "kal"] = Field(
        default="slt",
        description="slt: woman; rms: man; awb: Scottish man; kal16, kal: older, rougher",
    )
    pace: float = Field(default=1.0, ge=0.5, le=2.0, description="Pace at rate 1; higher is faster")
    deadline: float = Field(
        default=5.0, gt=0, description="Longest wait for the next sound, seconds"
    )


def _build(options: FliteOptions) -> WorkerSynthesizer:
    return WorkerSynthesizer(
        "flite",
        "voice_agent.engines.tts.flite_worker",
        options.model_dump(),
        deadline=options.deadline,
    )


def _check(options: FliteOptions) -> str:
    try:
        load_flite()
        load_voice(options.voice)
    except ProviderUnavailable as error:
        return str(error)
    return ""


PROVIDER = Provider(
    name="flite",
    kind=Kind.TTS,
    options=FliteOptions,
    build=_build,
    check=_check,
    traits={"quality": 0.45, "first_sound_ms": 25, "usd_per_1000_characters": 0.0},
    summary="Clearer than espeak-ng, still no human; needs Debian's libflite1",
)
