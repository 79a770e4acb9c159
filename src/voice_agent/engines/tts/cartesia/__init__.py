"""Cartesia: fast expressive voices."""

from voice_agent.engines.hosted import missing_key
from voice_agent.engines.registry import Kind, Provider
from voice_agent.engines.tts.cartesia.options import NAME, CartesiaOptions
from voice_agent.engines.tts.cartesia.synthesizer import Cartesia

_KEY_VARIABLE = "CARTESIA_API_KEY"


def _check(options: CartesiaOptions) -> str:
    return missing_key(options, f"tts.{NAME}", _KEY_VARIABLE)


PROVIDER = Provider(
    name=NAME,
    kind=Kind.TTS,
    options=CartesiaOptions,
    build=Cartesia,
    check=_check,
    key_variable=_KEY_VARIABLE,
    summary="Cartesia: hosted voices that begin quickly, in many languages",
    traits={"quality": 0.9, "first_sound_ms": 120, "usd_per_1000_characters": 0.035},
)
