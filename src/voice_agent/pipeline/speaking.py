"""The voice of a call: clauses in, sound to the player and words to the ledger."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final, TypeVar
from uuid import uuid4

import anyio

from voice_agent.core.audio import AudioFormat
from voice_agent.core.errors import ProviderUnavailable
from voice_agent.core.ports import SpeechSynthesizer
from voice_agent.core.speech import Emotion, SpeechRequest, SpokenAudio, SpokenWord
from voice_agent.pipeline.engine_reports import EngineReport
from voice_agent.pipeline.player import Player
from voice_agent.pipeline.playout import PlayoutLedger
from voice_agent.pipeline.speech_chunker import Clause

SOUND_WITHIN: Final = 4.0
"""How long a synthesiser may be silent before it counts as dead (s)."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SpeechListener:
    """Who is told that a clause sounds, and what its engines report."""

    sounded: Callable[[], None]
    reported: Callable[[EngineReport], None]


class Voice:
    """Speaks the clauses of one reply at a time, in the order in which they come."""

    def __init__(
        self,
        synthesizer: SpeechSynthesizer,
        player: Player,
        ledger: PlayoutLedger,
        audio: AudioFormat,
        *,
        voice: str = "",
        language: str = "en",
    ) -> None:
        """`voice` is a name of the synthesiser's own, "" for its best."""
        self._synthesizer = synthesizer
        self._player = player
        self._ledger = ledger
        self._format = audio
        self._voice = voice
        self._language = language
        self._id = uuid4().hex
        self._turn_to_speak = anyio.Lock()
        self._marks = 0

    async def say(
        self, turn: int, clause: Clause, listener: "SpeechListener", emotion: Emotion
    ) -> float:
        """Synthesise a clause and queue it; returns the seconds of sound it made.

        `emotion` is the caller's.

        Raises:
            ProviderError: the synthesiser failed.
        """
        async with self._turn_to_speak:
            text_start = self._ledger.add_text(turn, clause.text)
            base = self._ledger.add_sound(turn, 0.0)
            words = _WordAligner(clause, text_start)
            seconds = 0.0
            if clause.spoken.strip():
                request = SpeechRequest(
                    clause.spoken,
                    self._format,
                    self._voice,
                    markup=clause.markup,
                    emotion=emotion,
                    language=self._language,
                    reply=f"{self._id}.{turn}",
                    buffered=self._player.buffered,
                )
                stream = self._synthesizer.stream(request)
                async for event in _within(stream, SOUND_WITHIN, "speech_synthesizer"):
                    match event:
                        case SpokenAudio():
                            listener.sounded()
                            seconds += self._format.seconds(event.data)
                            await self._player.play(turn, event.data)
                        case SpokenWord():
                            self._note_word(turn, base + event.end, words.next())
                        case _:
                            listener.reported(event)
            self._note_rest(turn, base, seconds, words)
            self._marks += 1
            self._player.mark(turn, f"{turn}.{self._marks}")
            return seconds

    def finish(self, turn: int) -> None:
        """Nothing more will be said in this reply."""
        self._player.mark(turn, f"{turn}.end", last=True)

    def _note_word(self, turn: int, sound_end: float, text_end: int) -> None:
        self._ledger.add_word(turn, sound_end=sound_end, text_end=text_end)

    def _note_rest(self, turn: int, base: float, seconds: float, words: "_WordAligner") -> None:
        """A synthesiser without word times is taken to speak evenly."""
        if not words.any:
            for share, text_end in words.even():
                self._note_word(turn, base + share * seconds, text_end)
        self._note_word(turn, base + seconds, words.text_end)


class _WordAligner:
    """Pairs the synthesiser's words with the ends of the clause's words in the text."""

    def __init__(self, clause: Clause, text_start: int) -> None:
        self._ends = [text_start + offset for offset in clause.offsets]
        self._said = 0
        self.text_end = text_start + len(clause.text)

    @property
    def any(self) -> bool:
        return self._said > 0

    def next(self) -> int:
        self._said += 1
        return self._ends[min(self._said, len(self._ends)) - 1] if self._ends else self.text_end

    def even(self) -> list[tuple[float, int]]:
        return [((n + 1) / len(self._ends), end) for n, end in enumerate(self._ends)]


async def _within(stream: AsyncIterator[T], seconds: float, provider: str) -> AsyncIterator[T]:
    """The stream's events, each at most `seconds` after it was asked for."""
    iterator = aiter(stream)
    try:
        while True:
            with anyio.move_on_after(seconds) as patience:
                try:
                    event = await anext(iterator)
                except StopAsyncIteration:
                    return
            if patience.cancelled_caught:
                raise ProviderUnavailable("no sound within the deadline", provider=provider)
            yield event
    finally:
        close = getattr(iterator, "aclose", None)
        if close is not None:
            await close()
