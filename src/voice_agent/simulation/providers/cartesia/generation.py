"""One text becomes events: chunks faster than real time, with their words close by."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

import anyio

from voice_agent.core.speech import SpokenWord
from voice_agent.simulation.providers.cartesia.events import Event, chunk, phonemes, timestamps
from voice_agent.simulation.providers.cartesia.requests import Request
from voice_agent.simulation.providers.cartesia.script import passage
from voice_agent.simulation.providers.desk import Desk
from voice_agent.simulation.providers.speaking import Packer, Sound, speak

SHORTEST: Final = 0.02
LONGEST: Final = 0.2
"""Seconds of sound in one chunk."""


class Voice:
    """Speaks one context, text after text, on one time line."""

    def __init__(self, desk: Desk, request: Request) -> None:
        """`request` is the context's first, which decides how all is said."""
        self._desk = desk
        self._request = request
        self._packer = Packer(request.audio)
        self._spoken = 0.0

    async def say(self, text: str, flush_id: int | None = None) -> AsyncGenerator[Event]:
        """The events of one text; raises what the engine raises."""
        request, began = self._request, anyio.current_time()
        audio = request.audio.spoken
        words = passage(text, request.rate)
        async with aclosing(
            speak(self._desk.synthesizer, words, audio, request.language)
        ) as sounds:
            async for sound in sounds:
                for data, heard in self._pieces(sound):
                    step = (anyio.current_time() - began) * 1000
                    yield chunk(self._packer.pack(data), round(step, 3), flush_id)
                    if heard and request.words:
                        yield timestamps(heard)
                    if heard and request.phonemes:
                        yield phonemes(heard)

    def _pieces(self, sound: Sound) -> list[tuple[bytes, list[SpokenWord]]]:
        audio, pieces, sent = self._request.audio.spoken, [], 0
        while sent < len(sound.data):
            size = audio.byte_count(self._desk.chance.uniform(SHORTEST, LONGEST))
            data = sound.data[sent : sent + size]
            begin, end = audio.seconds(sound.data[:sent]), audio.seconds(sound.data[: sent + size])
            sent += size
            last = sent >= len(sound.data)
            words = [
                SpokenWord(word.text, word.start + self._spoken, word.end + self._spoken)
                for word in sound.words
                if begin <= word.start and (word.start < end or last)
            ]
            pieces.append((data, words))
        self._spoken += sound.seconds
        return pieces
