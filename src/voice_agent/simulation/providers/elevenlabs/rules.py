"""What ElevenLabs allows: models, formats, voices, limits; and the switches of this simulation."""

from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from voice_agent.simulation.providers.desk import Desk
from voice_agent.simulation.providers.speaking import Packing, WireFormat

NAME: Final = "elevenlabs"
DEFAULT_MODEL: Final = "eleven_multilingual_v2"
DEFAULT_FORMAT: Final = "mp3_44100_128"
DEFAULT_INACTIVITY: Final = 20
LONGEST_INACTIVITY: Final = 180


class Rules(BaseModel):
    """Limits and switches; put an instance into the desk's `rules` to change them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    contexts: int = Field(default=5, ge=1, description="Contexts of one socket.")
    concurrency: int = Field(default=30, ge=1, description="Requests that generate at once.")
    inactivity: float | None = Field(
        default=None, gt=0, description="Seconds, in place of what the client asks for."
    )
    inactivity_code: int = Field(default=1008, description="1008 or 1000: how a silent one ends.")
    final_delay: float = Field(default=0.4, ge=0, description="Most a context's end is late (s).")
    drifting_spelling: bool = Field(
        default=False, description="Every other message spells its fields the other way."
    )
    empty_frames: bool = Field(default=True, description="A frame without audio comes first.")
    padding: int = Field(
        default=0, ge=0, description="Bytes of an unknown field in a context's first audio."
    )
    voice_slots: int = Field(default=30, ge=0, description="Voices that can be made.")
    legacy_errors: bool = Field(default=False, description="HTTP errors as before 2026.")


@dataclass(frozen=True, slots=True)
class Model:
    """What one model can do."""

    name: str
    characters: int
    sockets: bool = True
    languages: tuple[str, ...] = ("en",)


_MANY: Final = ("en", "de", "fr", "es", "it", "pt", "pl", "nl", "ja", "hi", "zh", "ko")
MODELS: Final = {
    "eleven_flash_v2_5": Model("Eleven Flash v2.5", 40_000, languages=_MANY),
    "eleven_flash_v2": Model("Eleven Flash v2", 30_000),
    "eleven_turbo_v2_5": Model("Eleven Turbo v2.5", 40_000, languages=_MANY),
    "eleven_turbo_v2": Model("Eleven Turbo v2", 30_000),
    "eleven_multilingual_v2": Model("Eleven Multilingual v2", 10_000, languages=_MANY),
    "eleven_v3": Model("Eleven v3", 5_000, sockets=False, languages=_MANY),
    "eleven_v3_conversational": Model("Eleven v3 Conversational", 5_000, sockets=False),
    "eleven_v4": Model("Eleven v4", 10_000, sockets=False, languages=_MANY),
    "eleven_v4_turbo": Model("Eleven v4 Turbo", 10_000, sockets=False, languages=_MANY),
}
PREMADE: Final = {
    "21m00Tcm4TlvDq8ikWAM": "Rachel",
    "EXAVITQu4vr4xnSDxMaL": "Sarah",
    "JBFqnCBsd6RMkjVDRZzb": "George",
    "onwK4e9ZLuTAKqWW03F9": "Daniel",
}
VOICE: Final = "21m00Tcm4TlvDq8ikWAM"
"""A voice that is always there."""
FORMATS: Final = {
    **{f"pcm_{r}": WireFormat(Packing.PCM16, r) for r in (8000, 16000, 22050, 24000, 44100)},
    "ulaw_8000": WireFormat(Packing.MULAW, 8000),
    "mp3_22050_32": WireFormat(Packing.MPEG, 22050, 32),
    **{f"mp3_44100_{k}": WireFormat(Packing.MPEG, 44100, k) for k in (32, 64, 96, 128, 192)},
}
"""What both the sockets and HTTP offer here; A-law and Opus have no encoder and are refused."""
HTTP_FORMATS: Final = {
    **FORMATS,
    "mp3_24000_48": WireFormat(Packing.MPEG, 24000, 48),
    "pcm_32000": WireFormat(Packing.PCM16, 32000),
    "pcm_48000": WireFormat(Packing.PCM16, 48000),
}
_SETTINGS: Final = {
    "stability": (0.0, 1.0),
    "similarity_boost": (0.0, 1.0),
    "style": (0.0, 1.0),
    "speed": (0.7, 1.2),
}


def rules_of(desk: Desk) -> Rules:
    """The rules in force."""
    found = desk.rules.get(NAME)
    return found if isinstance(found, Rules) else Rules()


def wrong_setting(settings: Any) -> str:
    """What is wrong with `voice_settings`, "" where nothing is."""
    if settings is None:
        return ""
    if not isinstance(settings, dict):
        return "voice_settings must be an object"
    for name, (low, high) in _SETTINGS.items():
        value = settings.get(name)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if value is not None and not (number and low <= value <= high):
            return f"voice_settings.{name} must be between {low} and {high}"
    return ""


class Studio:
    """What one desk's ElevenLabs remembers: voices and how much is being generated."""

    def __init__(self) -> None:
        self.voices = dict(PREMADE)
        self.generating = 0
