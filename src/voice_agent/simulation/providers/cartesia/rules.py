"""What Cartesia allows: versions, models, formats, voices, limits, and our switches."""

from dataclasses import dataclass
from typing import Final, Literal

import anyio
from pydantic import BaseModel, ConfigDict, Field

from voice_agent.simulation.providers.desk import Desk
from voice_agent.simulation.providers.speaking import Packing

NAME: Final = "cartesia"
VERSIONS: Final = ("2024-06-10", "2024-11-13", "2025-04-16", "2026-03-01", "2026-08-14")
STRUCTURED_ERRORS: Final = "2026-03-01"
"""Since this version errors are objects; before they are one line of text."""
PLAIN_VOICES: Final = "2026-08-14"
"""Since this version a voice is its id; before it is an object with a mode."""
MODELS: Final = (
    "sonic-3.5",
    "sonic-3.5-2026-05-04",
    "sonic-3",
    "sonic-3-2026-01-12",
    "sonic-3-2025-10-27",
    "sonic-latest",
)
DISCONTINUED: Final = ("sonic-2", "sonic-turbo", "sonic-english", "sonic-multilingual")
_LANGUAGES: Final = (
    "en fr de es pt zh ja hi it ko nl pl ru sv tr tl bg ro ar cs el fi hr ms sk da ta uk hu no vi "
    "bn th he ka id te gu kn ml mr pa or ur"
)
LANGUAGES: Final = frozenset(_LANGUAGES.split())
_EMOTIONS: Final = (
    "neutral happy excited enthusiastic elated euphoric triumphant amazed surprised flirtatious "
    "curious content peaceful serene calm grateful affectionate trust sympathetic anticipation "
    "mysterious angry mad outraged frustrated agitated threatened disgusted contempt envious "
    "sarcastic ironic sad dejected melancholic disappointed hurt guilty bored tired rejected "
    "nostalgic wistful apologetic hesitant insecure confused resigned anxious panicked alarmed "
    "scared proud confident distant skeptical contemplative determined"
)
EMOTIONS: Final = frozenset(_EMOTIONS.split())
ENCODINGS: Final = {
    "pcm_f32le": Packing.FLOAT32,
    "pcm_s16le": Packing.PCM16,
    "pcm_mulaw": Packing.MULAW,
}
"""What can be encoded here; A-law has no encoder and is refused."""
RATES: Final = (8000, 16000, 22050, 24000, 44100, 48000)
BIT_RATES: Final = (32000, 64000, 96000, 128000, 192000)
LONGEST_BUFFER_DELAY: Final = 5000
BUFFER_DELAY: Final = 3000
SOCKETS_PER_CONTEXT: Final = 10
LONGEST_TOKEN: Final = 3600
VOICE: Final = "6ccbfb76-1fc6-48f7-b71d-91ac6298247b"
"""A voice that is always there."""
STOCK: Final = {
    VOICE: "Tessa",
    "f786b574-daa5-4673-aa0c-cbe3e8534c02": "Katie",
    "228fca29-3a0a-435c-8728-5cb483251068": "Kiefer",
}


class Rules(BaseModel):
    """Limits and switches; put an instance into the desk's `rules` to change them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    contexts: int = Field(default=15, ge=1, description="Contexts that are active at once.")
    idle: float = Field(default=300.0, gt=0, description="A socket without traffic closes (s).")
    life: float = Field(default=1.0, gt=0, description="A context dies after its last audio (s).")
    done_status: Literal[200, 206] = Field(default=200, description="The status of `done`.")
    done_after_cancel: bool = Field(default=False, description="Whether `done` follows a cancel.")
    anonymous_errors: bool = Field(
        default=False, description="Faults of its own come without a context id."
    )


@dataclass(frozen=True, slots=True)
class Cloned:
    """A voice that a client made."""

    name: str
    description: str
    language: str


class Studio:
    """What one desk's Cartesia remembers."""

    def __init__(self) -> None:
        self.voices = {key: Cloned(name, "", "en") for key, name in STOCK.items()}
        self.active = 0
        self.tokens: dict[str, float] = {}

    def holds(self, token: str) -> bool:
        """Whether an access token is still good."""
        return self.tokens.get(token, 0.0) > anyio.current_time()


def rules_of(desk: Desk) -> Rules:
    """The rules in force."""
    found = desk.rules.get(NAME)
    return found if isinstance(found, Rules) else Rules()
