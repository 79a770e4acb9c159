"""What can be set of OpenAI's Realtime API, and which of its models there are."""

from typing import Final, Literal, Self
from urllib.parse import urlsplit

import structlog
from pydantic import Field, field_validator, model_validator

from voice_agent.engines.hosted import CONNECT_WITHIN, HostedOptions

log = structlog.get_logger(__name__)

NAME: Final = "openai"
HOME: Final = "https://api.openai.com/v1"
DEFAULT_MODEL: Final = "gpt-realtime-2.1"
REASONING: Final = ("gpt-realtime-2.1", "gpt-realtime-2.1-mini", "gpt-realtime-2")
MODELS: Final = (
    *REASONING,
    "gpt-realtime-1.5",
    "gpt-realtime",
    "gpt-realtime-2025-08-28",
    "gpt-realtime-mini",
    "gpt-realtime-mini-2025-12-15",
)
"""The last four are shut down on 2027-01-20."""
RETIRED: Final = "gpt-4o-realtime"
"""Names that begin so belonged to the beta and are answered by the current model."""
VOICES: Final = (
    "alloy",
    "ash",
    "ballad",
    "coral",
    "echo",
    "sage",
    "shimmer",
    "verse",
    "marin",
    "cedar",
)
Effort = Literal["", "minimal", "low", "medium", "high", "xhigh"]


class Options(HostedOptions):
    """Settings of OpenAI's speech-to-speech models."""

    model: str = Field(default=DEFAULT_MODEL, min_length=1, description="The model's name.")
    voice: str = Field(default="marin", min_length=1, description="The model's voice.")
    transcriber: str = Field(
        default="gpt-4o-mini-transcribe",
        min_length=1,
        description="The model that writes down what the caller says.",
    )
    effort: Effort = Field(
        default="minimal", description="How much a reasoning model thinks; empty: its default."
    )
    threshold: float = Field(
        default=0.5, ge=0, le=1, description="How sure the server must be that it hears speech."
    )
    prefix_ms: int = Field(
        default=300, ge=0, le=5000, description="Sound kept from before the speech (ms)."
    )
    silence_ms: int = Field(
        default=500, ge=100, le=5000, description="Silence that ends the caller's turn (ms)."
    )
    noise_reduction: Literal["", "near_field", "far_field"] = Field(
        default="", description="The server's noise filter; empty: none, as fits a telephone."
    )
    longest_session: float = Field(
        default=3300.0,
        gt=0,
        le=3600,
        description="Seconds after which the session is left; the server ends it after 3600.",
    )
    connect_within: float = Field(
        default=CONNECT_WITHIN, gt=0, description="Deadline of a connection (s)."
    )
    ready_within: float = Field(
        default=2.0, gt=0, description="Deadline of the session's settings being taken (s)."
    )

    @field_validator("base_url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in ("http", "https") or not parts.netloc):
            raise ValueError("an address begins with http:// or https://")
        return value.rstrip("/")

    @field_validator("model")
    @classmethod
    def _is_current(cls, value: str) -> str:
        if not value.startswith(RETIRED):
            return value
        log.info("realtime.model_replaced", retired=value, model=DEFAULT_MODEL)
        return DEFAULT_MODEL

    @model_validator(mode="after")
    def _is_known(self) -> Self:
        if self.base_url and urlsplit(self.base_url).hostname != urlsplit(HOME).hostname:
            return self
        if self.model not in MODELS:
            raise ValueError(f"OpenAI's speech-to-speech models are: {', '.join(MODELS)}")
        if self.voice not in VOICES and not self.voice.startswith("voice_"):
            raise ValueError(f"OpenAI's voices are: {', '.join(VOICES)}, or voice_…")
        return self

    @property
    def home(self) -> str:
        """The address without a slash at its end."""
        return self.base_url or HOME
