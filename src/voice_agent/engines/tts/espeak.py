"""espeak-ng: instant, robotic, always there; runs in a process of its own (GPL-3)."""

from importlib.util import find_spec

from pydantic import BaseModel, ConfigDict, Field

from voice_agent.engines.registry import Kind, Provider
from voice_agent.engines.tts.worker_synthesizer import WorkerSynthesizer


class EspeakOptions(BaseModel):
    """How espeak-ng speaks."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    voice: str = Field(
        default="en-us", description="A language, with a variant if wanted: en-us+m3"
    )
    words_per_minute: int = Field(default=165, ge=80, le=450, description="Pace at rate 1")
    pitch: int = Field(default=50, ge=0, le=99, description="Base pitch; 50 is the voice's own")
    pitch_range: int = Field(
        default=50, ge=0, le=100, description="How lively the melody is; 50 is the voice's own"
    )
    deadline: float = Field(
        default=5.0, gt=0, description="Longest wait for the next sound, seconds"
    )


def _build(options: EspeakOptions) -> WorkerSynthesizer:
    return WorkerSynthesizer(
        "espeak",
        "voice_agent.engines.tts.espeak_worker",
        options.model_dump(),
        deadline=options.deadline,
    )


def _check(_options: EspeakOptions) -> str:
    # Looked for, not imported: the library must stay out of this process.
    if find_spec("espeakng_loader") is None:
        return "espeak-ng is missing: pip install espeakng-loader"
    return ""


PROVIDER = Provider(
    name="espeak",
    kind=Kind.TTS,
    options=EspeakOptions,
    build=_build,
    check=_check,
    traits={"quality": 0.3, "first_sound_ms": 10, "usd_per_1000_characters": 0.0},
    summary="Robotic but instant, in the standard install, nothing to download",
)
