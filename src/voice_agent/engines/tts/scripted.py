"""A tone per word: no voice at all, but exact to the sample and on any event loop.

For tests, benchmarks and virtual time. What it was asked is kept in `requests`, and it fails
when told to.
"""

from collections.abc import AsyncIterator
from typing import Final

import anyio
import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from voice_agent.core.audio import AudioFormat, encode
from voice_agent.core.errors import ProviderError, ProviderUnavailable
from voice_agent.core.speech import SpeechEvent, SpeechRequest, SpokenAudio, SpokenWord
from voice_agent.engines.registry import Kind, Provider
from voice_agent.engines.tts.phrasing import printable

_FREQUENCY: Final = 440.0
_AMPLITUDE: Final = 8000
_GAP: Final = 0.1
"""Share of a word's time that is silent at its end, so that words can be told apart."""


class ScriptedSpeechOptions(BaseModel):
    """How long words are and how long they take."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    word_ms: float = Field(default=250.0, gt=0, description="Length of every word at rate 1, ms")
    first_delay: float = Field(default=0.0, ge=0, description="Seconds before the first sound")
    word_delay: float = Field(default=0.0, ge=0, description="Seconds before each further word")
    fail_on: str = Field(default="", description="Clauses that contain this text fail")
    dies_at: str = Field(default="", description="It dies before it has spoken this word")


class ScriptedSynthesizer:
    """Speaks tones; `fail_next` is raised by the next clause."""

    def __init__(self, options: ScriptedSpeechOptions | None = None) -> None:
        """With the standard options where none are given."""
        self._options = options or ScriptedSpeechOptions()
        self.requests: list[SpeechRequest] = []
        self.fail_next: ProviderError | None = None

    async def stream(self, request: SpeechRequest) -> AsyncIterator[SpeechEvent]:
        """Speak one clause; see the port."""
        self.requests.append(request)
        self._fail_when_told(request)
        seconds = self._options.word_ms / 1000 / request.rate
        written = 0
        for number, word in enumerate(printable(request.text).split()):
            await anyio.sleep(self._options.word_delay if number else self._options.first_delay)
            if self._options.dies_at and word.startswith(self._options.dies_at):
                raise ProviderUnavailable("told to die at this word", provider="scripted")
            # Rounded from the clause's start, so that long clauses do not drift.
            until = round((number + 1) * seconds * request.format.rate)
            rate = request.format.rate
            yield SpokenWord(word, written / rate, until / rate)
            yield SpokenAudio(tone(until - written, request.format))
            written = until

    def _fail_when_told(self, request: SpeechRequest) -> None:
        failure, self.fail_next = self.fail_next, None
        if failure is not None:
            raise failure
        if self._options.fail_on and self._options.fail_on in request.text:
            raise ProviderUnavailable("told to fail on this text", provider="scripted")


def tone(samples: int, audio: AudioFormat) -> bytes:
    """A word: `samples` of 440 Hz, the last tenth silent."""
    voiced = round(samples * (1 - _GAP))
    wave = np.zeros(samples, np.int16)
    angle = 2 * np.pi * _FREQUENCY / audio.rate * np.arange(voiced)
    wave[:voiced] = np.round(_AMPLITUDE * np.sin(angle)).astype(np.int16)
    return encode(wave, audio.encoding)


PROVIDER = Provider(
    name="scripted",
    kind=Kind.TTS,
    options=ScriptedSpeechOptions,
    build=ScriptedSynthesizer,
    summary="A tone per word, for tests and benchmarks",
)
