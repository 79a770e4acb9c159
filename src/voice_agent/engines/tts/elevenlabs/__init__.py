"""ElevenLabs: expressive voices in many languages, and cloned ones."""

from voice_agent.engines.hosted import missing_key
from voice_agent.engines.registry import Kind, Provider
from voice_agent.engines.tts.elevenlabs.options import NAME, ElevenLabsOptions
from voice_agent.engines.tts.elevenlabs.synthesizer import ElevenLabs

_KEY_VARIABLE = "ELEVENLABS_API_KEY"


def _check(options: ElevenLabsOptions) -> str:
    return missing_key(options, f"tts.{NAME}", _KEY_VARIABLE)


PROVIDER = Provider(
    name=NAME,
    kind=Kind.TTS,
    options=ElevenLabsOptions,
    build=ElevenLabs,
    check=_check,
    key_variable=_KEY_VARIABLE,
    summary="ElevenLabs: expressive hosted voices in many languages, and cloned ones",
    traits={"quality": 0.95, "first_sound_ms": 200, "usd_per_1000_characters": 0.05},
)
