"""The brain of a call: tells the turn taker what happened, in order, and obeys it.

Everything that happens is put into one inbox. The conductor takes it out, asks the turn taker
and carries out the commands; nothing it does on the way waits for anything.
"""

from typing import Final

import anyio
import anyio.abc

from voice_agent.core.call import Disposition
from voice_agent.core.clock import Clock
from voice_agent.core.events import (
    CallerHeard,
    CallerStartedSpeaking,
    CallerStoppedSpeaking,
    KeyPressed,
)
from voice_agent.core.mailbox import Mailbox
from voice_agent.pipeline.driver import ReplyMaker
from voice_agent.pipeline.journal import Journal
from voice_agent.pipeline.keypad import Keypad
from voice_agent.pipeline.turn_taker import TurnTaker
from voice_agent.pipeline.turns import (
    BeginReply,
    CallerStarted,
    CallerStopped,
    CallOpened,
    CancelReply,
    Command,
    EndCall,
    Event,
    Reassure,
    ReplyAudible,
    ReplyFinished,
    SetTimer,
    StopTimer,
    TextEntered,
    TextHeard,
    Timer,
    TimerFired,
    TurnPolicy,
)

INBOX_CAPACITY: Final = 1024


class Conductor:
    """Runs one call's conversation until it ends."""

    def __init__(self, policy: TurnPolicy, journal: Journal, clock: Clock, human_key: str) -> None:
        self._turn_taker = TurnTaker(policy)
        self._journal = journal
        self._clock = clock
        self._human_key = human_key
        self._inbox: Mailbox[Event] = Mailbox(INBOX_CAPACITY)
        self._timers: dict[Timer, float] = {}
        self._keypad = Keypad()
        self._final_text_at: float | None = None
        self._disposition: Disposition | None = None

    def tell(self, event: Event) -> None:
        """Something happened; never blocks."""
        self._inbox.put(event)

    def key_pressed(self, digit: str) -> None:
        """The caller pressed a key; zero alone asks for a person."""
        self._journal.write(KeyPressed(digit), self._turn_taker.turn)
        self._entered(self._keypad.press(digit, self._clock.now()))

    async def run(self, replies: ReplyMaker, tasks: anyio.abc.TaskGroup) -> Disposition:
        """Converse; returns how the call ended."""
        self.tell(CallOpened())
        while self._disposition is None:
            event = await self._next()
            if event is None:
                continue
            self._note(event, replies)
            for command in self._turn_taker.handle(event, self._clock.now()):
                self._obey(command, replies, tasks)
        return self._disposition

    async def _next(self) -> Event | None:
        """The next event, or the timer that is due first."""
        deadlines = list(self._timers.values())
        if self._keypad.deadline is not None:
            deadlines.append(self._keypad.deadline)
        wait = max(0.0, min(deadlines) - self._clock.now()) if deadlines else None
        if not len(self._inbox) and wait is not None:
            with anyio.move_on_after(wait):
                return await self._inbox.get()
            return self._due()
        return await self._inbox.get()

    def _due(self) -> Event | None:
        now = self._clock.now()
        self._entered(self._keypad.expire(now))
        due = [timer for timer, at in self._timers.items() if at <= now]
        if not due:
            return None
        first = min(due, key=lambda timer: self._timers[timer])
        del self._timers[first]
        return TimerFired(first)

    def _entered(self, entry: str | None) -> None:
        if entry is not None:
            self.tell(TextEntered(self._human_key if entry == "0" else " ".join(entry)))

    def _note(self, event: Event, replies: ReplyMaker) -> None:
        """Write down what readers of the call want to know, and keep the replies informed."""
        turn = self._turn_taker.turn
        match event:
            case CallerStarted():
                self._journal.write(CallerStartedSpeaking(), turn)
            case CallerStopped():
                moment = self._journal.at(event.voiced_until)
                self._journal.write(CallerStoppedSpeaking(round(moment, 4)), turn)
            case TextHeard() if event.final:
                self._final_text_at = self._clock.now()
            case TextHeard():
                self._journal.write(CallerHeard(event.text), turn)
            case ReplyAudible():
                replies.audible(event.turn)
            case ReplyFinished() if event.heard:
                replies.finished(event.turn)
            case _:
                pass

    def _obey(self, command: Command, replies: ReplyMaker, tasks: anyio.abc.TaskGroup) -> None:
        match command:
            case BeginReply():
                replies.begin(command, self._final_text_at, tasks)
                self._final_text_at = None
            case CancelReply():
                replies.cancel(command.turn, withdraw=command.withdraw)
            case Reassure():
                replies.reassure(command.turn)
            case SetTimer():
                self._timers[command.timer] = command.at
            case StopTimer():
                self._timers.pop(command.timer, None)
            case EndCall():
                self._disposition = command.disposition
