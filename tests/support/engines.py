"""Real engines for tests: entered, asked, and their sound collected."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from support.requirements import require
from voice_agent.core.audio import AudioFormat, Samples, decode
from voice_agent.core.ports import SpeechSynthesizer
from voice_agent.core.speech import SpeechRequest, SpokenAudio, SpokenWord
from voice_agent.engines.registry import Kind, Provider, find, providers, read_options


def usable(kind: Kind) -> list[Provider]:
    """Providers of the standard install, and others that happen to be usable here.

    Hosted ones without a key are not; their suites ask the simulated providers.
    """
    return [
        provider
        for provider in providers(kind).values()
        if not (provider.extra or provider.key_variable)
        or not provider.check(read_options(provider, {}))
    ]


@asynccontextmanager
async def running(provider: Provider, **options: Any) -> AsyncIterator[Any]:
    """The engine, started; skips when the machine lacks what it needs."""
    values = read_options(provider, options)
    trouble = provider.check(values)
    require(not trouble, f"the {provider.name} engine", trouble)
    async with AsyncExitStack() as stack:
        engine = provider.build(values)
        if hasattr(engine, "__aenter__"):
            await stack.enter_async_context(engine)
        yield engine


@dataclass(frozen=True)
class Spoken:
    """Everything a synthesiser made of one clause."""

    data: bytes
    words: list[SpokenWord]
    format: AudioFormat

    @property
    def seconds(self) -> float:
        return self.format.seconds(self.data)

    @property
    def samples(self) -> Samples:
        return decode(self.data, self.format.encoding)

    @property
    def loudness(self) -> npt.NDArray[np.int32]:
        return np.abs(self.samples.astype(np.int32))


async def spoken(engine: SpeechSynthesizer, request: SpeechRequest) -> Spoken:
    """Speak a clause to its end."""
    data, words = bytearray(), []
    async for event in engine.stream(request):
        if isinstance(event, SpokenAudio):
            data += event.data
        elif isinstance(event, SpokenWord):
            words.append(event)
    return Spoken(bytes(data), words, request.format)


async def speech(text: str, audio: AudioFormat) -> Samples:
    """Speech of the voice that is always installed."""
    async with running(find(Kind.TTS, "espeak")) as engine:
        return (await spoken(engine, SpeechRequest(text, audio))).samples
