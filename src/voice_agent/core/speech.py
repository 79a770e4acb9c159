"""What recognisers, detectors and synthesisers say to the rest."""

from dataclasses import dataclass
from enum import StrEnum

from voice_agent.core.audio import AudioFormat
from voice_agent.core.errors import ProviderError
from voice_agent.core.usage import EngineSwitched, Usage


@dataclass(frozen=True, slots=True)
class VoiceActivity:
    """Probability that one window of sound holds speech; seconds on the audio clock."""

    start: float
    end: float
    probability: float


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The caller began to speak at `at` seconds of audio."""

    at: float


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    """The caller's last voiced sound ended at `at` seconds of audio."""

    at: float


@dataclass(frozen=True, slots=True)
class Word:
    """One recognised word, seconds on the audio clock, confidence 0 to 1."""

    text: str
    start: float
    end: float
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class Transcript:
    """Text of one stretch of speech.

    An interim transcript may still change and replaces the interim before it; a final one
    is never revised. `completeness` is the recogniser's own probability (0 to 1) that the
    sentence is finished, None where it has no opinion. With `ends_turn` a final transcript is
    also the recogniser's own decision that the caller's turn is over.
    """

    text: str
    final: bool
    start: float = 0.0
    end: float = 0.0
    confidence: float = 1.0
    completeness: float | None = None
    words: tuple[Word, ...] = ()
    ends_turn: bool = False


@dataclass(frozen=True, slots=True)
class TurnEndExpected:
    """The caller is probably done; `text` becomes final unless `TurnResumed` comes first."""

    text: str


@dataclass(frozen=True, slots=True)
class TurnResumed:
    """The caller went on after all."""


@dataclass(frozen=True, slots=True)
class RecognitionFailed:
    """The recogniser's stream died; nothing more will come from it."""

    error: ProviderError


RecognitionEvent = (
    Transcript | TurnEndExpected | TurnResumed | RecognitionFailed | Usage | EngineSwitched
)


class Expectation(StrEnum):
    """The kind of answer the agent has just asked for."""

    ANYTHING = "anything"
    YES_NO = "yes_no"
    DIGITS = "digits"
    DATE_TIME = "date_time"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class RecognitionRequest:
    """How a recogniser's stream is opened; `phrases` are terms to listen for."""

    format: AudioFormat
    language: str = "en"
    phrases: tuple[str, ...] = ()


class Emotion(StrEnum):
    """The mood a voice tells."""

    NEUTRAL = "neutral"
    HAPPY = "happy"
    FRUSTRATED = "frustrated"
    SAD = "sad"
    ANGRY = "angry"
    CONFUSED = "confused"


@dataclass(frozen=True, slots=True)
class SpeechRequest:
    """One clause to be spoken.

    `text` is plain and already written as it is to be said. `markup`, where not empty, is an
    SSML fragment that reads as `text` and adds how to say it; engines that know no markup
    speak `text`. `emotion` is the caller's mood, which the voice answers to. `voice` is a
    name of the engine's own, "" for its default. `rate` 1.0 is the voice's own pace.
    Clauses with the same `reply` belong together; `buffered` is how many seconds of that
    reply's sound the caller still has to hear.
    """

    text: str
    format: AudioFormat
    voice: str = ""
    rate: float = 1.0
    markup: str = ""
    emotion: Emotion = Emotion.NEUTRAL
    language: str = "en"
    reply: str = ""
    buffered: float = 0.0


@dataclass(frozen=True, slots=True)
class SpokenAudio:
    """A run of synthesised sound in the requested format."""

    data: bytes


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A word of the clause and where it sounds; seconds from the clause's first sample."""

    text: str
    start: float
    end: float


SpeechEvent = SpokenAudio | SpokenWord | Usage | EngineSwitched
