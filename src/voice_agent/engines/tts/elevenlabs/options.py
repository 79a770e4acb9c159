"""How ElevenLabs is set up: models, voices, and what a mood does to a voice."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from voice_agent.core.audio import AudioFormat, Encoding
from voice_agent.core.errors import ProviderRejected
from voice_agent.core.speech import SpeechRequest
from voice_agent.engines.hosted import CONNECT_WITHIN, HostedOptions
from voice_agent.engines.tts.hosted_speech import Patience
from voice_agent.engines.tts.phrasing import printable
from voice_agent.engines.tts.prosody import delivery

NAME: Final = "elevenlabs"
HOME: Final = "https://api.elevenlabs.io"
_OWN_DOMAIN: Final = "elevenlabs.io"
_PCM_RATES: Final = (8000, 16000, 22050, 24000, 44100)
"""Those which WebSocket and HTTP both offer (Hz)."""
SLOWEST: Final = 0.7
FASTEST: Final = 1.2


@dataclass(frozen=True, slots=True)
class ModelTraits:
    """What a model can do; `first_sound` is when it counts as stalled (s)."""

    websocket: bool = True
    language_code: bool = False
    first_sound: float = 1.0


MODELS: Final[Mapping[str, ModelTraits]] = {
    "eleven_flash_v2_5": ModelTraits(language_code=True),
    "eleven_flash_v2": ModelTraits(),
    "eleven_turbo_v2_5": ModelTraits(language_code=True),
    "eleven_turbo_v2": ModelTraits(),
    "eleven_multilingual_v2": ModelTraits(first_sound=2.0),
    "eleven_v3": ModelTraits(websocket=False, first_sound=3.0),
    "eleven_v4": ModelTraits(websocket=False, first_sound=3.0),
    "eleven_v4_turbo": ModelTraits(websocket=False),
}
_DIALOGUE_ONLY: Final = "eleven_v3_conversational"


class ElevenLabsOptions(HostedOptions):
    """How ElevenLabs speaks."""

    model: str = Field(default="eleven_flash_v2_5", description="The vendor's model name.")
    voice: str = Field(
        default="JBFqnCBsd6RMkjVDRZzb", min_length=1, description="The voice's id (see `voices`)."
    )
    voices: dict[str, str] = Field(
        default_factory=dict, description="Voice ids by language, like de: …; others use `voice`."
    )
    transport: Literal["auto", "websocket", "http"] = Field(
        default="auto", description="auto: websocket, and http for models that refuse it."
    )
    stability: float = Field(default=0.5, ge=0, le=1, description="Low is lively, high is even.")
    similarity: float = Field(default=0.75, ge=0, le=1, description="Nearness to the original.")
    style: float = Field(default=0.0, ge=0, le=1, description="Exaggeration; above 0 is slower.")
    text_normalization: Literal["auto", "on", "off"] = Field(
        default="auto", description="Whether the vendor writes out numbers once more."
    )
    connect_within: float = Field(
        default=CONNECT_WITHIN, gt=0, description="Deadline of a connection, seconds."
    )
    first_sound_within: float | None = Field(
        default=None, gt=0, description="Deadline of the first sound, seconds; empty: the model's."
    )
    gap_within: float = Field(
        default=0.8, gt=0, description="Longest wait between two sounds, seconds."
    )

    @model_validator(mode="after")
    def _model_fits(self) -> Self:
        if self.model == _DIALOGUE_ONLY:
            raise ValueError(f"{_DIALOGUE_ONLY} speaks dialogues only; use eleven_v3")
        if self.at_home and self.model not in MODELS:
            raise ValueError(f"no model {self.model!r}; there are: {', '.join(MODELS)}")
        if self.transport == "websocket" and not self.traits.websocket:
            raise ValueError(f"{self.model} is refused on WebSockets: set transport to http")
        return self

    @property
    def at_home(self) -> bool:
        """Whether the vendor itself is asked; its regional hosts are the vendor too."""
        host = urlsplit(self.base_url or HOME).hostname or ""
        return host == _OWN_DOMAIN or host.endswith(f".{_OWN_DOMAIN}")

    @property
    def traits(self) -> ModelTraits:
        """What the model can do; of an unknown one, what all can."""
        later = self.model.startswith(("eleven_v3", "eleven_v4"))
        return MODELS.get(self.model, ModelTraits(websocket=not later))

    @property
    def over_http(self) -> bool:
        """Whether clauses go over HTTP."""
        return self.transport == "http" or not self.traits.websocket

    @property
    def patience(self) -> Patience:
        """The deadlines."""
        first = self.first_sound_within or self.traits.first_sound
        return Patience(self.connect_within, first, self.gap_within)

    def voice_for(self, request: SpeechRequest) -> str:
        """The voice a clause asks for, or the one of its language."""
        primary = request.language.partition("-")[0].lower()
        by_language = self.voices.get(request.language) or self.voices.get(primary)
        return printable(request.voice).strip() or by_language or self.voice

    def language_code(self, request: SpeechRequest) -> str:
        """The two-letter language, "" where the model takes none."""
        primary = request.language.partition("-")[0].lower()
        return primary if self.traits.language_code and len(primary) == 2 else ""

    def settings(self, request: SpeechRequest) -> dict[str, float | bool]:
        """The vendor's `voice_settings` for a clause."""
        how = delivery(request.emotion)
        liveliness = how.liveliness - 0.5
        return {
            "stability": round(_between(0.0, self.stability - liveliness, 1.0), 3),
            "similarity_boost": self.similarity,
            "style": round(_between(0.0, self.style + max(0.0, liveliness), 1.0), 3),
            "use_speaker_boost": True,
            "speed": round(_between(SLOWEST, request.rate * how.rate, FASTEST), 3),
        }


def output_format(audio: AudioFormat) -> str:
    """The vendor's name of a format.

    Raises:
        ProviderRejected: it offers none such.
    """
    if audio.encoding is Encoding.MULAW and audio.rate == 8000:
        return "ulaw_8000"
    if audio.encoding is Encoding.PCM16 and audio.rate in _PCM_RATES:
        return f"pcm_{audio.rate}"
    raise ProviderRejected(f"it does not speak {audio.encoding} at {audio.rate} Hz", provider=NAME)


def _between(least: float, value: float, most: float) -> float:
    return min(max(value, least), most)
