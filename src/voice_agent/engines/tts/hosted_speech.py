"""How a clause of a hosted voice is listened to, over sockets and over HTTP alike."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass

from voice_agent.core.clock import Clock
from voice_agent.core.errors import ProviderGarbage, ProviderRejected, ProviderUnavailable
from voice_agent.core.speech import SpeechEvent, SpeechRequest
from voice_agent.core.usage import Unit, Usage
from voice_agent.engines.tts.clause_assembler import (
    LONGEST_TEXT,
    ClauseAssembler,
    has_sound,
)
from voice_agent.engines.tts.clause_events import ClauseEvent, Failed, Final
from voice_agent.engines.tts.socket_pool import SocketPool

NextEvent = Callable[[float], Awaitable[ClauseEvent]]
"""Gives the next event, at most so many seconds from now."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long each phase may take (s)."""

    connect: float
    first_sound: float
    gap: float


@dataclass(frozen=True, slots=True)
class SocketClause:
    """A clause as it goes over a socket: the address, and the messages for a context's id."""

    address: str
    opening: Callable[[str], tuple[str, ...]]
    farewell: Callable[[str], str]
    usage: Usage


def characters(provider: str, model: str, text: str) -> Usage:
    """What a clause of `text` costs."""
    return Usage(provider, model, {Unit.CHARACTERS: len(text)})


def unspoken(request: SpeechRequest, provider: str) -> list[SpeechEvent] | None:
    """The events of a clause with nothing to pronounce; None for all others.

    Raises:
        ProviderRejected: the clause is too long.
    """
    if len(request.text) > LONGEST_TEXT:
        raise ProviderRejected(
            f"a clause of {len(request.text)} characters is longer than {LONGEST_TEXT}",
            provider=provider,
        )
    if has_sound(request.text):
        return None
    return list(ClauseAssembler(request.text, request.format).silent_words())


async def speak(
    pool: SocketPool,
    clause: SocketClause,
    request: SpeechRequest,
    patience: Patience,
    clock: Clock,
) -> AsyncGenerator[SpeechEvent, None]:
    """Speak a clause over a shared socket; see the port."""
    within = patience.connect + patience.first_sound
    context = await pool.begin(clause.address, clause.opening, within)
    try:
        # First, because a listener who interrupts takes no more events.
        yield clause.usage
        events = assembled(context.next, request, patience, clock, pool.provider)
        async with aclosing(events):
            async for event in events:
                yield event
    finally:
        context.leave(clause.farewell(context.id))


async def assembled(
    read: NextEvent,
    request: SpeechRequest,
    patience: Patience,
    clock: Clock,
    provider: str,
    *,
    end_is_told: bool = True,
) -> AsyncGenerator[SpeechEvent, None]:
    """What the events of a clause amount to, until its end.

    Without `end_is_told` an answer that was cut off ends like any other, and only its words
    tell them apart.

    Raises:
        ProviderError: it failed, took too long, or ended without a sound or before its words.
    """
    assembler = ClauseAssembler(request.text, request.format)
    timer = _SoundTimer(patience, clock)
    while not isinstance(event := await timer.next(read), Final):
        if isinstance(event, Failed):
            raise event.error
        so_far = assembler.seconds
        for item in assembler.take(event):
            yield item
        if assembler.seconds > so_far:
            timer.sounded()
    if not assembler.seconds:
        raise ProviderGarbage("it ended without a sound", provider=provider)
    last_words = list(assembler.finish())
    if assembler.broken_off and not end_is_told and not request.markup:
        raise ProviderUnavailable("it broke off before the last word", provider=provider)
    for word in last_words:
        yield word


class _SoundTimer:
    """Counts the time spent waiting for sound; what is not sound does not put it off."""

    def __init__(self, patience: Patience, clock: Clock) -> None:
        self._gap = patience.gap
        self._clock = clock
        self._left = patience.first_sound

    async def next(self, read: NextEvent) -> ClauseEvent:
        began = self._clock.now()
        event = await read(max(self._left, 0.0))
        self._left -= self._clock.now() - began
        return event

    def sounded(self) -> None:
        self._left = self._gap
