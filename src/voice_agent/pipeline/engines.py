"""What one call speaks, hears and thinks with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from voice_agent.core.ports import (
    LanguageModel,
    RealtimeModel,
    SpeechRecognizer,
    SpeechSynthesizer,
    ToolExecutor,
    VoiceActivityDetector,
)
from voice_agent.core.speech import Emotion, Expectation
from voice_agent.core.usage import Usage


def _anything(_text: str) -> Expectation:
    return Expectation.ANYTHING


def _unpriced(_usage: Usage) -> None:
    return None


def _neutral(_text: str) -> Emotion:
    return Emotion.NEUTRAL


@dataclass(frozen=True, slots=True)
class Engines:
    """Shared by all calls; each opens its own streams. `names` are for the record."""

    detector: VoiceActivityDetector
    recognizer: SpeechRecognizer
    model: LanguageModel
    synthesizer: SpeechSynthesizer
    tools: ToolExecutor
    names: Mapping[str, str] = field(default_factory=dict)
    language: str = "en"
    voice: str = ""
    phrases: tuple[str, ...] = ()
    expectation_of: Callable[[str], Expectation] = _anything
    """What kind of answer a sentence of the agent asks for."""
    emotion_of: Callable[[str], Emotion] = _neutral
    """The mood a caller's words tell."""
    price: Callable[[Usage], float | None] = _unpriced
    """What a piece of work costs (USD), None where nobody knows."""
    realtime: RealtimeModel | None = None
    """Answers instead of recogniser, model and voice, which then stand by."""
