"""What a call needs from whoever hears the caller and makes the agent's replies.

The session owns the line, the player, the ledger, the journal and the turn taker with its
timers; a driver is told what the turn taker commands and reports what the caller does.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

import anyio.abc

from voice_agent.core.audio import AudioFrame
from voice_agent.core.call import Call
from voice_agent.core.clock import Clock
from voice_agent.core.errors import ProviderError
from voice_agent.core.ports import MediaTransport
from voice_agent.pipeline.conversation import Conversation
from voice_agent.pipeline.engine_reports import EngineReports
from voice_agent.pipeline.engines import Engines
from voice_agent.pipeline.journal import Journal
from voice_agent.pipeline.phrases import Phrases
from voice_agent.pipeline.player import Player
from voice_agent.pipeline.playout import PlayoutLedger
from voice_agent.pipeline.speaking import Voice
from voice_agent.pipeline.turns import BeginReply, Event


@dataclass(frozen=True, slots=True)
class CallParts:
    """What a session owns and its driver works with."""

    call: Call
    transport: MediaTransport
    engines: Engines
    phrases: Phrases
    player: Player
    ledger: PlayoutLedger
    journal: Journal
    clock: Clock
    voice: Voice
    conversation: Conversation
    emit: Callable[[Event], None]
    trouble: Callable[[ProviderError], None]
    reports: EngineReports
    system_prompt: Callable[[], str]


class ReplyMaker(Protocol):
    """Carries out what the turn taker commands about replies; what names an old turn is ignored."""

    def begin(
        self, begin: BeginReply, final_text_at: float | None, tasks: anyio.abc.TaskGroup
    ) -> None:
        """Start a reply."""
        ...

    def cancel(self, turn: int, *, withdraw: bool) -> None:
        """Silence a reply at once and note what had been heard of it."""
        ...

    def reassure(self, turn: int) -> None:
        """Say that it takes a moment."""
        ...

    def audible(self, turn: int) -> None:
        """The first sound of a reply went out."""
        ...

    def finished(self, turn: int) -> None:
        """All of a reply that could be heard was heard."""
        ...


class ConversationDriver(ReplyMaker, Protocol):
    """Hears the caller and answers, by whatever engines it drives."""

    def hear(self, frame: AudioFrame) -> None:
        """Take the caller's next sound; never blocks."""
        ...

    def open(self) -> AbstractAsyncContextManager[object]:
        """Converse inside the block."""
        ...
