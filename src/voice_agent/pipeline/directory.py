"""The live calls: what each is doing now, as read-only snapshots, and a way to tell it things.

Fed by `CallEvent`s; it never holds a session, so looking at calls cannot disturb them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from voice_agent.core.call import Call, Channel, Direction
from voice_agent.core.errors import NotFoundError
from voice_agent.core.events import (
    AgentSaid,
    CallEnded,
    CallerHeard,
    CallerSaid,
    CallerStartedSpeaking,
    CallEvent,
    CallEventPayload,
    CallStarted,
    ReplyStarted,
    ToolFinished,
    ToolStarted,
    Trouble,
)
from voice_agent.core.mailbox import Mailbox

_COMMANDS: Final = 8
_SHOWN_DIGITS: Final = 4


class CallState(StrEnum):
    """What a live call is doing."""

    CONNECTING = "connecting"
    WAITING = "waiting"
    """Nobody speaks."""
    LISTENING = "listening"
    THINKING = "thinking"
    WORKING = "working"
    """A tool runs."""
    SPEAKING = "speaking"


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call; `reason` is for the record."""

    reason: str = ""


CallCommand = HangUp


@dataclass(frozen=True, slots=True)
class CallSnapshot:
    """A live call at one moment; texts appear as their length only.

    `elapsed` is the time of the last event in seconds since the call started.
    """

    id: str
    channel: Channel
    direction: Direction
    caller: str
    started_at: datetime
    state: CallState = CallState.CONNECTING
    turn: int = 0
    elapsed: float = 0.0
    caller_text_length: int = 0
    agent_text_length: int = 0
    troubles: int = 0
    engines: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(slots=True)
class _Entry:
    snapshot: CallSnapshot
    commands: Mailbox[CallCommand]


class CallDirectory:
    """Live calls by id; a call enters with `begin` and leaves with its `CallEnded`."""

    def __init__(self) -> None:
        """Begin with none."""
        self._entries: dict[str, _Entry] = {}

    def __len__(self) -> int:
        """Live calls."""
        return len(self._entries)

    def begin(self, call: Call) -> None:
        """Enter a call."""
        snapshot = CallSnapshot(
            id=call.id,
            channel=call.channel,
            direction=call.direction,
            caller=mask_caller(call.caller),
            started_at=call.started_at,
        )
        self._entries[call.id] = _Entry(snapshot, Mailbox(_COMMANDS))

    def commands(self, call_id: str) -> Mailbox[CallCommand]:
        """Where a call's session reads what it is told.

        Raises:
            NotFoundError: it is not live.
        """
        return self._entry(call_id).commands

    def append(self, event: CallEvent) -> None:
        """Follow a call; events of calls that are not here are ignored."""
        entry = self._entries.get(event.call_id)
        if entry is None:
            return
        if isinstance(event.payload, CallEnded):
            del self._entries[event.call_id]
            return
        entry.snapshot = follow(entry.snapshot, event)

    def remove(self, call_id: str) -> None:
        """Take a call out whose end was never told; safe to repeat."""
        self._entries.pop(call_id, None)

    def snapshots(self) -> tuple[CallSnapshot, ...]:
        """Every live call, oldest first."""
        found = (entry.snapshot for entry in self._entries.values())
        return tuple(sorted(found, key=lambda snapshot: (snapshot.started_at, snapshot.id)))

    def snapshot(self, call_id: str) -> CallSnapshot:
        """One live call.

        Raises:
            NotFoundError: it is not live.
        """
        return self._entry(call_id).snapshot

    def tell(self, call_id: str, command: CallCommand) -> None:
        """Put a command into a call's mailbox.

        Raises:
            NotFoundError: it is not live.
        """
        self._entry(call_id).commands.put(command)

    def _entry(self, call_id: str) -> _Entry:
        if call_id not in self._entries:
            raise NotFoundError("There is no live call with this id.")
        return self._entries[call_id]


_STATES: Final[Mapping[type[CallEventPayload], CallState]] = {
    CallStarted: CallState.WAITING,
    CallerStartedSpeaking: CallState.LISTENING,
    CallerHeard: CallState.LISTENING,
    CallerSaid: CallState.THINKING,
    ToolStarted: CallState.WORKING,
    ToolFinished: CallState.THINKING,
    ReplyStarted: CallState.SPEAKING,
    AgentSaid: CallState.WAITING,
}


def follow(snapshot: CallSnapshot, event: CallEvent) -> CallSnapshot:
    """The snapshot after an event. Pure."""
    state = _STATES.get(type(event.payload), snapshot.state)
    turn = max(snapshot.turn, event.turn)
    known = replace(snapshot, state=state, turn=turn, elapsed=event.at)
    match event.payload:
        case CallStarted(engines=engines):
            return replace(known, engines=MappingProxyType(dict(engines)))
        case CallerHeard(text) | CallerSaid(text):
            return replace(known, caller_text_length=len(text))
        case AgentSaid(text):
            return replace(known, agent_text_length=len(text))
        case Trouble():
            return replace(known, troubles=snapshot.troubles + 1)
    return known


def mask_caller(caller: str) -> str:
    """A caller's number with all but its last four characters hidden; short ones wholly."""
    shown = caller[-_SHOWN_DIGITS:] if len(caller) > 2 * _SHOWN_DIGITS else ""
    return "•" * (len(caller) - len(shown)) + shown
