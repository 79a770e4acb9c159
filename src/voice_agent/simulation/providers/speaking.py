"""How simulated providers speak: passages in, sound in the client's own format out."""

import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import anyio
import numpy as np

from voice_agent.core.audio import AudioFormat, Encoding, decode, encode
from voice_agent.core.errors import ConfigurationError, ProviderRejected
from voice_agent.core.ports import SpeechSynthesizer
from voice_agent.core.resample import resample
from voice_agent.core.speech import SpeechRequest, SpokenAudio, SpokenWord
from voice_agent.simulation.providers.desk import Desk
from voice_agent.simulation.providers.mpeg import SilentMpeg

PLAIN: Final = AudioFormat(Encoding.PCM16, 16000)
"""What every engine speaks; other formats are made of it where the engine refuses them."""
LONGEST_CLAUSE: Final = 1000
"""Characters that go to the engine at once."""
_SENTENCE: Final = re.compile(r".+?(?:(?<![.!?…])[.!?…]++[\"')\]]*+(?=\s|$)\s*|$)", re.DOTALL)


class Packing(StrEnum):
    """How samples are written on the wire."""

    PCM16 = "pcm16"
    FLOAT32 = "float32"
    MULAW = "mulaw"
    MPEG = "mpeg"


@dataclass(frozen=True, slots=True)
class WireFormat:
    """What the client wants to get; `kilobits` matters for MPEG only."""

    packing: Packing
    rate: int
    kilobits: int = 128

    @property
    def spoken(self) -> AudioFormat:
        """What the engine is asked for."""
        encoding = Encoding.MULAW if self.packing is Packing.MULAW else Encoding.PCM16
        return AudioFormat(encoding, self.rate)


class Packer:
    """Writes sound of the engine's format as the client wants it, in order."""

    def __init__(self, wire: WireFormat) -> None:
        """One for each stream: MPEG frames do not end where chunks do."""
        self._spoken = wire.spoken
        self._packing = wire.packing
        mpeg = wire.packing is Packing.MPEG
        self._mpeg = SilentMpeg(wire.rate, wire.kilobits) if mpeg else None

    def pack(self, data: bytes) -> bytes:
        """The next sound; may hold something back."""
        if self._mpeg:
            return self._mpeg.take(len(data) // self._spoken.bytes_per_sample)
        if self._packing is Packing.FLOAT32:
            return (np.frombuffer(data, "<i2") / 32768).astype("<f4").tobytes()
        return data

    def flush(self) -> bytes:
        """What was held back."""
        return self._mpeg.flush() if self._mpeg else b""


@dataclass(frozen=True, slots=True)
class Say:
    """Words; `rate` 1.0 is the voice's own pace."""

    text: str
    rate: float = 1.0


@dataclass(frozen=True, slots=True)
class Pause:
    """Silence (s)."""

    seconds: float


Passage = Sequence[Say | Pause]


@dataclass(frozen=True, slots=True)
class Sound:
    """One sentence or pause; `words` in seconds from its first sample."""

    text: str
    data: bytes
    seconds: float
    words: tuple[SpokenWord, ...]


async def speak(
    synthesizer: SpeechSynthesizer, passage: Passage, audio: AudioFormat, language: str = "en"
) -> AsyncGenerator[Sound]:
    """Speak sentence by sentence; raises what the engine raises."""
    for part in passage:
        if isinstance(part, Pause):
            silence = audio.silence(part.seconds)
            yield Sound(" ", silence, audio.seconds(silence), ())
            continue
        for sentence in sentences(part.text):
            clause = SpeechRequest(sentence, audio, rate=part.rate, language=language)
            sound = await _spoken(synthesizer, clause)
            if sound.data:
                yield sound


async def in_time(
    desk: Desk, provider: str, sounds: AsyncGenerator[Sound]
) -> AsyncGenerator[Sound]:
    """The same sounds, the first no sooner than the provider takes for it."""
    ready = anyio.current_time() + desk.delay(provider, first=True)
    async with aclosing(sounds):
        async for sound in sounds:
            await anyio.sleep_until(ready)
            yield sound


def sentences(text: str) -> list[str]:
    """The text cut after sentences and, where those are very long, at spaces; nothing lost."""
    return [
        piece
        for sentence in _SENTENCE.findall(text)
        for piece in _not_too_long(sentence)
        if piece.strip()
    ]


def said(passage: Passage) -> str:
    """The words of a passage, for the journal."""
    return "".join(p.text if isinstance(p, Say) else f"[{p.seconds:g} s]" for p in passage)


def _not_too_long(sentence: str) -> list[str]:
    pieces = []
    while len(sentence) > LONGEST_CLAUSE:
        end = sentence.rfind(" ", 1, LONGEST_CLAUSE) + 1 or LONGEST_CLAUSE
        pieces.append(sentence[:end])
        sentence = sentence[end:]
    return [*pieces, sentence]


async def _spoken(synthesizer: SpeechSynthesizer, clause: SpeechRequest) -> Sound:
    try:
        return await _collected(synthesizer, clause)
    except (ProviderRejected, ConfigurationError):
        if clause.format == PLAIN:
            raise
    return await _converted(synthesizer, clause)


async def _converted(synthesizer: SpeechSynthesizer, clause: SpeechRequest) -> Sound:
    wanted = clause.format
    plain = SpeechRequest(clause.text, PLAIN, rate=clause.rate, language=clause.language)
    sound = await _collected(synthesizer, plain)
    samples = resample(decode(sound.data, PLAIN.encoding), PLAIN.rate, wanted.rate)
    data = encode(samples, wanted.encoding)
    return Sound(sound.text, data, wanted.seconds(data), sound.words)


async def _collected(synthesizer: SpeechSynthesizer, clause: SpeechRequest) -> Sound:
    data, words = bytearray(), list[SpokenWord]()
    stream = synthesizer.stream(clause)
    async with aclosing(stream):  # type: ignore[type-var]
        async for event in stream:
            match event:
                case SpokenAudio(run):
                    data += run
                case SpokenWord():
                    words.append(event)
    seconds = clause.format.seconds(bytes(data))
    return Sound(clause.text, bytes(data), seconds, tuple(words) or _spread(clause.text, seconds))


def _spread(text: str, seconds: float) -> tuple[SpokenWord, ...]:
    """Words spaced evenly, for engines that do not tell."""
    words = text.split()
    each = seconds / len(words) if words else 0.0
    return tuple(SpokenWord(w, n * each, (n + 1) * each) for n, w in enumerate(words))
