"""One context: pieces of text in, events out, until it is done, cancelled or forgotten."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

import anyio
from anyio.abc import TaskGroup

from voice_agent.core.errors import ProviderError
from voice_agent.core.mailbox import Mailbox
from voice_agent.simulation.providers.cartesia.events import Event, done, flush_done
from voice_agent.simulation.providers.cartesia.generation import Voice
from voice_agent.simulation.providers.cartesia.refusals import FAILED, THROTTLED, Refusal, invalid
from voice_agent.simulation.providers.cartesia.requests import Request
from voice_agent.simulation.providers.cartesia.rules import NAME, Rules, Studio, rules_of
from voice_agent.simulation.providers.cartesia.script import passage
from voice_agent.simulation.providers.desk import Desk
from voice_agent.simulation.providers.line import Fate, Line
from voice_agent.simulation.providers.speaking import said

MOST_PENDING: Final = 1000
"""Pieces one context may have waiting."""


@dataclass(frozen=True, slots=True)
class Booth:
    """Where the contexts of one socket speak; `group` runs them."""

    desk: Desk
    studio: Studio
    line: Line
    version: str
    group: TaskGroup

    @property
    def rules(self) -> Rules:
        """The rules in force."""
        return rules_of(self.desk)


class Context:
    """Speaks its pieces in order."""

    def __init__(self, booth: Booth, first: Request) -> None:
        """`first` fixes everything but the text."""
        self._booth = booth
        self._first = first
        self._voice = Voice(booth.desk, first)
        self._fate = Fate(booth.desk.fate(NAME, connecting=False))
        self._pieces = Mailbox[tuple[Request, float] | None](MOST_PENDING)
        self._text = ""
        self._due: float | None = None
        self._dies: float | None = None
        self._flush_id = 1
        self._over = False
        self._failed = False

    def take(self, request: Request) -> None:
        """The next piece, the first one too; raises `Refusal`."""
        if self._over:
            raise invalid("This context has ended; open one with another id.")
        if request.fixed != self._first.fixed:
            raise invalid("Only transcript, continue and flush may change within a context.")
        if len(self._pieces) >= MOST_PENDING - 1:
            raise THROTTLED
        self._pieces.put((request, anyio.current_time()))

    def cancel(self) -> None:
        """Begin nothing more; what is being spoken is spoken to its end."""
        self._over = True
        self._pieces.put(None)

    async def run(self) -> None:
        """Speak until it ends by itself, by its client, by a fault, or for want of text."""
        ended = False
        while not (ended or self._over):
            ended = await self._step()
        cancelled = not (ended or self._failed)
        if cancelled and self._booth.rules.done_after_cancel:
            await self._send(done(self._booth.rules.done_status), last=True)

    async def fail(self, refusal: Refusal) -> None:
        """Say what is wrong and end."""
        self._failed = True
        self.cancel()
        await self._booth.line.send(refusal.event(self._booth.version, self._first.context_id))

    async def _step(self) -> bool:
        """Wait for the next piece or the end of patience; true when the context has ended."""
        arrived: tuple[Request, float] | None = None
        with anyio.move_on_at(self._wakes) as waiting:
            arrived = await self._pieces.get()
        if waiting.cancelled_caught:
            return await self._patience_ended()
        return await self._receive(*arrived) if arrived else False

    @property
    def _wakes(self) -> float:
        """When something happens without a further piece."""
        until = self._dies if self._due is None else self._due
        return float("inf") if until is None else until

    async def _patience_ended(self) -> bool:
        if self._due is None:
            return True
        await self._generate()
        return False

    async def _receive(self, piece: Request, at: float) -> bool:
        self._text += piece.transcript
        if self._text and self._due is None:
            self._due = at + piece.delay
        if piece.flush or not piece.more or piece.delay == 0:
            await self._generate()
        if self._over:
            return False
        if piece.flush:
            await self._send(flush_done(self._flush_id))
            self._flush_id += 1
        if piece.more:
            return False
        await self._send(done(self._booth.rules.done_status), last=True)
        return True

    async def _generate(self) -> None:
        text, self._text, self._due = self._text, "", None
        if not text.strip():
            return
        spoken = {
            "context_id": self._first.context_id,
            "spoken": said(passage(text, self._first.rate)),
        }
        self._booth.line.note(spoken, place="#spoken")
        try:
            async with aclosing(self._voice.say(text, self._flush_id)) as events:
                await self._pass_on(events)
        except ProviderError:
            await self.fail(FAILED)
        self._dies = anyio.current_time() + self._booth.rules.life

    async def _pass_on(self, events: AsyncGenerator[Event]) -> None:
        due = anyio.current_time() + self._booth.desk.delay(NAME, first=True)
        async for event in events:
            if self._failed:
                return
            await anyio.sleep_until(due)
            await self._send(event)
            if event["type"] == "chunk":
                due = anyio.current_time() + self._booth.desk.delay(NAME, first=False)

    async def _send(self, event: Event, *, last: bool = False) -> None:
        named = event | {"context_id": self._first.context_id}
        if event["type"] not in ("chunk", "done"):
            await self._booth.line.send(named)
            return
        anonymous = self._booth.rules.anonymous_errors
        error = FAILED.event(self._booth.version, None if anonymous else self._first.context_id)
        if not await self._booth.line.answer(named, self._fate, error, last=last):
            self._failed = True
            self.cancel()
