"""How Cartesia is set up: models, voices, versions, and what a mood does to a voice."""

from collections.abc import Mapping
from typing import Any, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from voice_agent.core.audio import AudioFormat, Encoding
from voice_agent.core.errors import ProviderRejected
from voice_agent.core.speech import SpeechRequest
from voice_agent.engines.hosted import CONNECT_WITHIN, HostedOptions
from voice_agent.engines.tts.hosted_speech import Patience
from voice_agent.engines.tts.phrasing import printable
from voice_agent.engines.tts.prosody import Manner, delivery

NAME: Final = "cartesia"
HOME: Final = "https://api.cartesia.ai"
MODELS: Final = (
    "sonic-3",
    "sonic-3-2026-01-12",
    "sonic-3-2025-10-27",
    "sonic-3.5",
    "sonic-3.5-2026-05-04",
)
_DISCONTINUED: Final = ("sonic-2", "sonic-turbo", "sonic-english", "sonic-multilingual")
_CODES: Final = (
    "en fr de es pt zh ja hi it ko nl pl ru sv tr tl bg ro ar cs el fi hr ms sk da ta uk hu no "
    "vi bn th he ka id te gu kn ml mr pa or ur"
)
LANGUAGES: Final = frozenset(_CODES.split())
VOICE_AS_TEXT: Final = "2026-08-14"
"""From this version on a voice is its id; before, an object."""
_PCM_RATES: Final = (8000, 16000, 22050, 24000, 44100, 48000)
SLOWEST: Final = 0.6
FASTEST: Final = 1.5

_EMOTIONS: Final[Mapping[Manner, str]] = {
    Manner.PLAIN: "",
    Manner.BRIGHT: "happy",
    Manner.CALM: "calm",
    Manner.GENTLE: "sympathetic",
    Manner.LEVEL: "calm",
    Manner.CLEAR: "calm",
}
"""The vendor's words for manners of speaking."""


class CartesiaOptions(HostedOptions):
    """How Cartesia speaks."""

    model: str = Field(default="sonic-3", description="The vendor's model name.")
    voice: str = Field(
        default="f786b574-daa5-4673-aa0c-cbe3e8534c02",
        min_length=1,
        description="The voice's id (see `voices`).",
    )
    voices: dict[str, str] = Field(
        default_factory=dict, description="Voice ids by language, like de: …; others use `voice`."
    )
    api_version: Literal["2024-11-13", "2025-04-16", "2026-03-01", "2026-08-14"] = Field(
        default="2026-03-01", description="The vendor's dated interface."
    )
    connect_within: float = Field(
        default=CONNECT_WITHIN, gt=0, description="Deadline of a connection, seconds."
    )
    first_sound_within: float = Field(
        default=1.0, gt=0, description="Deadline of the first sound, seconds."
    )
    gap_within: float = Field(
        default=0.8, gt=0, description="Longest wait between two sounds, seconds."
    )

    @model_validator(mode="after")
    def _model_exists(self) -> Self:
        host = urlsplit(self.base_url or HOME).hostname or ""
        if host.endswith("cartesia.ai") and self.model not in MODELS:
            gone = self.model == "sonic" or self.model.startswith(_DISCONTINUED)
            why = "was discontinued" if gone else "is not known"
            raise ValueError(f"model {self.model!r} {why}; there are: {', '.join(MODELS)}")
        return self

    @property
    def patience(self) -> Patience:
        """The deadlines."""
        return Patience(self.connect_within, self.first_sound_within, self.gap_within)

    def voice_for(self, request: SpeechRequest) -> str:
        """The voice a clause asks for, or the one of its language."""
        by_language = self.voices.get(request.language) or self.voices.get(_primary(request))
        return printable(request.voice).strip() or by_language or self.voice

    def voice_field(self, voice: str) -> str | dict[str, str]:
        """A voice in the shape of the pinned version."""
        return voice if self.api_version >= VOICE_AS_TEXT else {"mode": "id", "id": voice}

    def language_fields(self, request: SpeechRequest) -> dict[str, str]:
        """The language, where the vendor speaks it."""
        primary = _primary(request)
        return {"language": primary} if primary in LANGUAGES else {}

    def generation(self, request: SpeechRequest) -> dict[str, Any]:
        """The vendor's `generation_config`, or nothing where all is as usual."""
        how = delivery(request.emotion)
        emotion = _EMOTIONS[how.manner]
        speed = round(min(max(request.rate * how.rate, SLOWEST), FASTEST), 3)
        # The vendor has switched the pace off for English in its 3.5 models.
        fixed = self.model.startswith("sonic-3.5") and _primary(request) == "en"
        config: dict[str, Any] = {} if speed == 1.0 or fixed else {"speed": speed}
        config |= {"emotion": emotion} if emotion else {}
        return {"generation_config": config} if config else {}


def output_format(audio: AudioFormat) -> dict[str, str | int]:
    """The vendor's description of a format.

    Raises:
        ProviderRejected: it offers none such.
    """
    if audio.encoding is Encoding.MULAW and audio.rate == 8000:
        return {"container": "raw", "encoding": "pcm_mulaw", "sample_rate": 8000}
    if audio.encoding is Encoding.PCM16 and audio.rate in _PCM_RATES:
        return {"container": "raw", "encoding": "pcm_s16le", "sample_rate": audio.rate}
    raise ProviderRejected(f"it does not speak {audio.encoding} at {audio.rate} Hz", provider=NAME)


def _primary(request: SpeechRequest) -> str:
    return request.language.partition("-")[0].lower()
