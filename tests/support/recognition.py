"""A recogniser's stream, fed with sound and listened to."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest

from support.engines import running
from support.waiting import until
from voice_agent.core.audio import AudioFormat, AudioFrame, Samples, encode
from voice_agent.core.ports import RecognitionStream, SpeechRecognizer
from voice_agent.core.speech import (
    RecognitionEvent,
    RecognitionFailed,
    RecognitionRequest,
    SpeechStarted,
    SpeechStopped,
    Transcript,
)
from voice_agent.engines.registry import Provider

FRAME = 0.02


def options_here(provider: Provider, config: pytest.Config) -> dict[str, Any]:
    """Options that let one language model serve all tests of this folder."""
    if "cache_dir" in provider.options.model_fields and config.cache is not None:
        return {"cache_dir": config.cache.mkdir("recogniser")}
    return {}


@asynccontextmanager
async def recogniser(
    provider: Provider, config: pytest.Config, **options: Any
) -> AsyncIterator[SpeechRecognizer]:
    async with running(provider, **options_here(provider, config), **options) as engine:
        yield engine


class Listener:
    """One call: what it sends, on an audio clock of its own, and what comes back."""

    def __init__(self, audio: AudioFormat) -> None:
        self.audio = audio
        self.events: list[RecognitionEvent] = []
        self.stream: RecognitionStream | None = None
        self.clock = 0.0

    @property
    def transcripts(self) -> list[Transcript]:
        return [event for event in self.events if isinstance(event, Transcript)]

    @property
    def finals(self) -> list[Transcript]:
        return [transcript for transcript in self.transcripts if transcript.final]

    @property
    def failures(self) -> list[RecognitionFailed]:
        return [event for event in self.events if isinstance(event, RecognitionFailed)]

    @asynccontextmanager
    async def calling(self, engine: SpeechRecognizer) -> AsyncIterator["Listener"]:
        async with engine.open(RecognitionRequest(self.audio), self.events.append) as stream:
            self.stream = stream
            yield self

    def hear(self, samples: Samples) -> None:
        """Sound without any hint that it is speech."""
        assert self.stream is not None
        data, step = encode(samples, self.audio.encoding), self.audio.byte_count(FRAME)
        for at in range(0, len(data), step):
            frame = AudioFrame(data[at : at + step], self.audio, self.clock)
            self.stream.send(frame)
            self.clock = frame.end

    def quiet(self, seconds: float) -> None:
        self.hear(np.zeros(round(seconds * self.audio.rate), np.int16))

    def say(self, samples: Samples) -> None:
        """A stretch of speech between two pauses."""
        assert self.stream is not None
        self.quiet(0.5)
        self.stream.send(SpeechStarted(self.clock))
        self.hear(samples)
        end = self.clock
        self.quiet(0.3)
        self.stream.send(SpeechStopped(end))

    async def final(self, number: int = 1) -> Transcript:
        """The `number`-th final transcript, once it is there."""
        await until(lambda: len(self.finals) >= number or self.failures)
        return self.finals[number - 1]
