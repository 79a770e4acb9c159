"""The voice of a speech-to-speech call: a model's sound and the agent's own asides, in order.

One task hands everything to the player, so that a sentence of the agent's own that is still
being synthesised is not cut in two by the model's sound.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import anyio
import structlog

from voice_agent.core.audio import AudioFormat
from voice_agent.core.errors import ProviderError
from voice_agent.core.mailbox import Mailbox
from voice_agent.core.speech import Emotion
from voice_agent.pipeline.engine_reports import EngineReport
from voice_agent.pipeline.item_words import Stretch
from voice_agent.pipeline.player import Player
from voice_agent.pipeline.playout import PlayoutLedger
from voice_agent.pipeline.speaking import SpeechListener, Voice
from voice_agent.pipeline.speech_chunker import Clause, SpeechChunker

log = structlog.get_logger(__name__)

MARK_EVERY: Final = 0.5
"""Sound between two marks, by which the caller's end proves what was played (s)."""
WAITING: Final = 8192
"""Pieces of a reply that may wait while the player is full."""


@dataclass(frozen=True, slots=True)
class _Sound:
    turn: int
    item: str
    data: bytes


@dataclass(frozen=True, slots=True)
class _Text:
    turn: int
    item: str
    text: str


@dataclass(frozen=True, slots=True)
class _Aside:
    turn: int
    sentence: str


@dataclass(frozen=True, slots=True)
class _End:
    turn: int


_Job = _Sound | _Text | _Aside | _End


class DuplexVoice:
    """Speaks one reply at a time; what carries an old turn number is not spoken."""

    def __init__(
        self,
        voice: Voice,
        player: Player,
        ledger: PlayoutLedger,
        audio: AudioFormat,
        *,
        saying: Callable[[str, int], None],
        reported: Callable[[EngineReport], None],
    ) -> None:
        """`saying` is told each clause and its turn; `reported` what asides cost."""
        self._voice = voice
        self._player = player
        self._ledger = ledger
        self._format = audio
        self._saying = saying
        self._listener = SpeechListener(lambda: None, reported)
        self._jobs: Mailbox[_Job] = Mailbox(WAITING)
        self._turn = -1
        self._stretches: list[Stretch] = []
        self._open: Stretch | None = None
        self._chunker = SpeechChunker()
        self._text = ""
        self._marks = 0
        self._unmarked = 0.0
        self._saying_aside: anyio.CancelScope | None = None

    @property
    def text(self) -> str:
        """What was handed on in this reply."""
        return self._text

    def begin(self, turn: int) -> None:
        """Speak reply `turn` from now on."""
        self._turn = turn
        self._stretches, self._open = [], None
        self._chunker, self._text = SpeechChunker(), ""
        self._marks, self._unmarked = 0, 0.0

    def sound(self, turn: int, item: str, data: bytes) -> None:
        """The model's next sound."""
        self._jobs.put(_Sound(turn, item, data))

    def words(self, turn: int, item: str, text: str) -> None:
        """The model's next text."""
        self._jobs.put(_Text(turn, item, text))

    def aside(self, turn: int, sentence: str) -> None:
        """A sentence of the agent's own, after what was handed in before."""
        self._jobs.put(_Aside(turn, sentence))

    def end(self, turn: int) -> None:
        """Nothing more will be said in this reply."""
        self._jobs.put(_End(turn))

    def cut(self, turn: int, at: float) -> list[tuple[str, float]]:
        """The reply was cleared at moment `at`: how much was heard of each item (s)."""
        if turn != self._turn:
            return []
        self._close(finished=False)
        if self._saying_aside is not None:
            self._saying_aside.cancel()
        while len(self._jobs):
            job = self._jobs.take()
            if isinstance(job, _Text) and job.turn == turn:
                self._ledger.add_text(turn, job.text)
        self._turn = -1
        reached = self._ledger.heard_seconds(at)
        heard: dict[str, float] = {}
        for stretch in self._stretches:
            heard[stretch.item] = heard.get(stretch.item, 0.0) + stretch.heard(reached)
        return list(heard.items())

    async def run(self) -> None:
        """Speak until cancelled."""
        while True:
            job = await self._jobs.get()
            if job.turn == self._turn:
                await self._do(job)

    async def _do(self, job: _Job) -> None:
        match job:
            case _Text():
                self._add_text(self._stretch(job.item), job.text)
            case _Sound():
                await self._add_sound(self._stretch(job.item), job)
            case _Aside():
                self._close(finished=True)
                with anyio.CancelScope() as self._saying_aside:
                    await self._say(job)
                self._saying_aside = None
            case _End():
                self._close(finished=True)
                self._voice.finish(job.turn)

    def _stretch(self, item: str) -> Stretch:
        """The stretch that this item's next piece belongs to."""
        if self._open is None or self._open.item != item:
            self._close(finished=True)
            self._separate()
            start = self._ledger.add_sound(self._turn, 0.0)
            self._open = Stretch(item, start, self._ledger.add_text(self._turn, ""))
            self._stretches.append(self._open)
        return self._open

    def _add_text(self, stretch: Stretch, text: str) -> None:
        self._ledger.add_text(self._turn, text)
        stretch.text += text
        self._text += text
        self._tell(self._chunker.push(text))

    async def _add_sound(self, stretch: Stretch, job: _Sound) -> None:
        seconds = self._format.seconds(job.data)
        stretch.seconds += seconds
        self._unmarked += seconds
        await self._player.play(job.turn, job.data)
        if self._unmarked >= MARK_EVERY:
            self._unmarked = 0.0
            self._marks += 1
            self._player.mark(job.turn, f"{job.turn}.item{self._marks}")

    async def _say(self, job: _Aside) -> None:
        self._separate()
        chunker = SpeechChunker()
        for clause in (*chunker.push(job.sentence), *chunker.finish()):
            self._text += clause.text
            self._tell([clause])
            try:
                await self._voice.say(job.turn, clause, self._listener, Emotion.NEUTRAL)
            except ProviderError as error:
                log.warning("aside.failed", code=error.code, provider=error.provider)

    def _separate(self) -> None:
        """A space between what is said by different voices or in different items."""
        if self._text and not self._text[-1].isspace():
            self._ledger.add_text(self._turn, " ")
            self._text += " "

    def _close(self, *, finished: bool) -> None:
        """Note where the words of the stretch that is over sounded."""
        stretch, self._open = self._open, None
        if stretch is None:
            return
        self._tell(self._chunker.finish())
        self._chunker = SpeechChunker()
        for sound_end, text_end in stretch.word_ends(finished=finished):
            self._ledger.add_word(self._turn, sound_end=sound_end, text_end=text_end)

    def _tell(self, clauses: list[Clause]) -> None:
        for clause in clauses:
            self._saying(clause.text, self._turn)
