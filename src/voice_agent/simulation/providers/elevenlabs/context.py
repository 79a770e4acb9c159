"""One context: text in, buffered by the vendor's schedule, sound out, its end a little late."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final

import anyio
from anyio.abc import TaskGroup

from voice_agent.core.errors import ProviderError
from voice_agent.core.mailbox import Mailbox
from voice_agent.simulation.providers.desk import Desk
from voice_agent.simulation.providers.elevenlabs.messages import (
    SCHEDULE,
    ClientMessage,
    Glyph,
    Speller,
    Violation,
)
from voice_agent.simulation.providers.elevenlabs.rules import NAME, Studio, rules_of
from voice_agent.simulation.providers.elevenlabs.script import cut, glyphs, passage
from voice_agent.simulation.providers.line import Event, Fate, Line
from voice_agent.simulation.providers.speaking import (
    Packer,
    Passage,
    Sound,
    WireFormat,
    in_time,
    said,
    speak,
)

MINIMUM: Final = 50
"""Characters below which `try_trigger_generation` does nothing."""
MOST_PENDING: Final = 1000
"""Generations one context may have waiting."""
FAILED: Final = Violation("Something went wrong on our side.", "internal_error", 1011)


@dataclass(frozen=True, slots=True)
class Setup:
    """What the socket's address asked for."""

    audio: WireFormat
    language: str
    auto_mode: bool
    ssml: bool
    sync_alignment: bool
    inactivity: float


@dataclass(frozen=True, slots=True)
class Booth:
    """Where the contexts of one socket speak; `group` runs them."""

    desk: Desk
    studio: Studio
    line: Line
    setup: Setup
    group: TaskGroup


class TextBuffer:
    """Holds text back until there is enough of it."""

    def __init__(self, schedule: tuple[int, ...], *, auto: bool) -> None:
        self._schedule = schedule or SCHEDULE
        self._auto = auto
        self._text = ""
        self._generations = 0

    def take(self, message: ClientMessage) -> str:
        """What is to be generated now, "" for nothing."""
        self._text += message.text or ""
        needed = MINIMUM if message.try_trigger else self._needed
        if message.flush or message.close_context or self._auto or len(self._text) >= needed:
            return self.flush()
        return ""

    def flush(self) -> str:
        """All that is held."""
        text, self._text = self._text, ""
        if not text.strip():
            return ""
        self._generations += 1
        return text

    @property
    def _needed(self) -> int:
        return self._schedule[min(self._generations, len(self._schedule) - 1)]


class Ending(Enum):
    """How a context came to its end."""

    CLOSED = auto()
    SILENT = auto()
    FAILED = auto()


class Context:
    """Speaks what it is given, in order, until it is closed; then comes its final message."""

    def __init__(self, booth: Booth, first: ClientMessage) -> None:
        """`first` is its first message, which decides its settings."""
        self.settings: Mapping[str, Any] | None = first.settings
        self.closing = False
        self._booth = booth
        self._desk = booth.desk
        self._line = booth.line
        self._rules = rules_of(booth.desk)
        self._setup = booth.setup
        self._buffer = TextBuffer(first.schedule, auto=booth.setup.auto_mode)
        self._speller = Speller(self._rules.drifting_spelling, first.context_id)
        self._fate = Fate(booth.desk.fate(NAME, connecting=False))
        self._packer = Packer(booth.setup.audio)
        self._failed = False
        self._heard_from = anyio.current_time()
        self._orders = Mailbox[str | None](MOST_PENDING)

    def take(self, message: ClientMessage) -> None:
        """The next message for it, the first one too; nothing counts once it is closing."""
        self._heard_from = anyio.current_time()
        if self.closing:
            return
        if text := self._buffer.take(message):
            self._order(text)
        if message.close_context:
            self.close()

    def close(self) -> None:
        """Speak what is buffered, then end."""
        if self.closing:
            return
        if text := self._buffer.flush():
            self._order(text)
        self._close_orders()

    async def run(self) -> Ending:
        """Speak until it is closed, or nothing was heard from the client for too long."""
        while (text := await self._next()) is not None:
            await self._generate(text)
        return Ending.FAILED if self._failed else await self._finish()

    async def _finish(self) -> Ending:
        silent = not self.closing
        self._close_orders()
        await anyio.sleep(self._desk.chance.uniform(0.0, self._rules.final_delay))
        if rest := self._packer.flush():
            await self._answer(self._speller.audio(b64encode(rest).decode(), None))
        await self._answer(self._speller.final(), last=True)
        if self._failed:
            return Ending.FAILED
        return Ending.SILENT if silent else Ending.CLOSED

    def _order(self, text: str) -> None:
        if len(self._orders) >= MOST_PENDING - 1:
            raise Violation("too much text is waiting", "rate_limit_exceeded")
        self._orders.put(text)

    def _close_orders(self) -> None:
        self.closing = True
        self._orders.put(None)

    async def _next(self) -> str | None:
        """The next text to speak; None when there will be none."""
        while not self._failed:
            with anyio.move_on_at(self._heard_from + self._setup.inactivity):
                return await self._orders.get()
            if anyio.current_time() >= self._heard_from + self._setup.inactivity:
                return None
        return None

    async def _generate(self, text: str) -> None:
        rate = float((self.settings or {}).get("speed") or 1.0)
        words = passage(text, ssml=self._setup.ssml, rate=rate)
        spoken = {"context_id": self._speller.context_id, "spoken": said(words)}
        self._line.note(spoken, place="#spoken")
        self._booth.studio.generating += 1
        try:
            await self._speak(words)
        except ProviderError:
            self._failed = True
            await self._line.send(FAILED.event(self._speller.context_id))
        finally:
            self._booth.studio.generating -= 1

    async def _speak(self, words: Passage) -> None:
        audio = self._setup.audio.spoken
        sounds = speak(self._desk.synthesizer, words, audio, self._setup.language)
        async with aclosing(in_time(self._desk, NAME, sounds)) as timed:
            async for sound in timed:
                await self._send_in_bursts(sound)
                if self._failed:
                    return

    async def _send_in_bursts(self, sound: Sound) -> None:
        audio, begun, sent = self._setup.audio.spoken, 0.0, 0
        for run in cut(glyphs(sound), self._desk.chance.randint(1, 3)):
            if sent:
                await self._desk.wait(NAME, first=False)
            begun += sum(glyph.seconds for glyph in run)
            end = min(audio.byte_count(begun), len(sound.data))
            await self._send_chunk(sound.data[sent:end], run)
            sent = end

    async def _send_chunk(self, data: bytes, run: Sequence[Glyph]) -> None:
        packed = self._packer.pack(data)
        first = self._fate.passed == 0
        if first and self._rules.empty_frames:
            await self._line.send(self._speller.audio(None, None))
        shown = run if self._setup.sync_alignment else None
        event = self._speller.audio(b64encode(packed).decode() if packed else None, shown)
        if first and self._rules.padding:
            event["trace"] = "." * self._rules.padding
        await self._answer(event)

    async def _answer(self, event: Event, *, last: bool = False) -> None:
        if self._failed:
            return
        error = FAILED.event(self._speller.context_id)
        self._failed = not await self._line.answer(event, self._fate, error, last=last)
