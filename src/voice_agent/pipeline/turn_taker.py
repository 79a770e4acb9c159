"""Who may speak: the one state machine of a call, without I/O and without a clock.

```text
                   CallerStarted              CallerStopped
    ┌─▶ LISTENING ─────────────▶ USER_SPEAKING ◀──────────▶ ENDPOINTING
    │    │  ▲ nothing was said    ▲      CallerStarted         │  final text is here,
    │    │  └──────────────────── │ ───────────────────────────┤  patience is over
    │    │ idle                   │ CallerStarted: CancelReply ▼
    │    └──────────▶ THINKING ◀──┼──────────────────────── THINKING
    │ ReplyFinished    │   ▲ ReplyQuiet                        │ ReplyAudible
    └──────────────────┴── SPEAKING ◀──────────────────────────┘
                            │     ▲
    only where the reply    ▼     │ CallerStopped
    may not be cut off     OVERLAP               HungUp, goodbye heard ▶ ENDED
```

| state         | who is heard        | the timer that ends it                                |
|---------------|---------------------|-------------------------------------------------------|
| LISTENING     | nobody              | IDLE: ask whether they are there; twice, then leave   |
| USER_SPEAKING | the caller          | LONG_UTTERANCE: answer what was understood so far     |
| ENDPOINTING   | nobody for a moment | END_OF_TURN: the caller has finished, or never began; |
|               |                     | DEAD_AIR: the text is late, say that it takes a while |
| THINKING      | nobody: sound owed  | DEAD_AIR: say that we are at it; REPLY: apologise     |
| SPEAKING      | the agent           | REPLY (the player reports the end and the drying-up)  |
| OVERLAP       | both, on purpose    | REPLY                                                 |
| ENDED         | nobody, for good    | none                                                  |

LONGEST_CALL runs beside all of them. Rules the tests hold it to: at most one reply is alive;
every state but ENDED has a timer, so nobody is left in silence for ever; what carries an old
turn number changes nothing; text that was understood is answered exactly once.
"""

from dataclasses import dataclass, field
from enum import Enum, auto

from voice_agent.core.call import Disposition
from voice_agent.pipeline.turns import (
    BeginReply,
    CallerStarted,
    CallerStopped,
    CallOpened,
    CancelReply,
    Command,
    EndCall,
    EndRequested,
    Event,
    HungUp,
    LeaveRequested,
    Reassure,
    ReplyAudible,
    ReplyFinished,
    ReplyQuiet,
    ReplyReason,
    SetTimer,
    StopTimer,
    TextEntered,
    TextHeard,
    Timer,
    TimerFired,
    TurnPolicy,
)


class State(Enum):
    """Who may speak now."""

    LISTENING = auto()
    USER_SPEAKING = auto()
    ENDPOINTING = auto()
    THINKING = auto()
    SPEAKING = auto()
    OVERLAP = auto()
    ENDED = auto()


_TURN_TIMERS = (
    Timer.END_OF_TURN,
    Timer.LONG_UTTERANCE,
    Timer.DEAD_AIR,
    Timer.REPLY,
    Timer.IDLE,
)
_AFTER_REASSURANCE = 0.6
"""Part of the usual wait for sound after a reassurance has ended."""
_REPLYING = (State.THINKING, State.SPEAKING, State.OVERLAP)


@dataclass(slots=True)
class _Heard:
    """What the caller has said in the turn that is being built."""

    finals: list[str] = field(default_factory=list)
    interim: str = ""
    confidence: float = 1.0
    awaited_finals: int = 0
    completeness: float | None = None
    voiced_until: float | None = None

    def add(self, event: TextHeard) -> None:
        if not event.final:
            self.interim = event.text
            return
        self.interim = ""
        self.awaited_finals = max(0, self.awaited_finals - 1)
        if event.text.strip():
            self.finals.append(event.text.strip())
            self.confidence = min(self.confidence, event.confidence)
            self.completeness = event.completeness

    @property
    def text(self) -> str:
        return " ".join((*self.finals, *filter(None, (self.interim.strip(),))))


class TurnTaker:
    """Feed it what happened and when; do what it commands, in order."""

    def __init__(self, policy: TurnPolicy | None = None) -> None:
        self._policy = policy or TurnPolicy()
        self.state = State.LISTENING
        self.turn = 0
        self._heard = _Heard()
        self._answered = _Heard()
        self._interrupted = False
        self._interruptible = True
        self._audible = False
        self._voiced = False
        self._held_on = False
        self._reassuring = False
        self._reply_by = 0.0
        self._prompts = 0
        self._failures = 0
        self._ending: Disposition | None = None
        self._leaving = False
        self._idle_at = 0.0
        self._out: list[Command] = []

    def handle(self, event: Event, at: float) -> list[Command]:
        """Take one event that happened at `at` seconds; returns what to do now."""
        if self.state is State.ENDED:
            return []
        self._out = []
        match event:
            case CallOpened() if self.turn == 0:
                self._do(SetTimer(Timer.LONGEST_CALL, at + self._policy.longest_call))
                self._begin(ReplyReason.GREET, at)
            case CallerStarted():
                self._voiced = True
                self._caller_started(at)
            case CallerStopped():
                self._voiced = False
                self._caller_stopped(event, at)
            case TextHeard():
                self._text_heard(event, at)
            case TextEntered():
                self._text_entered(event, at)
            case ReplyAudible() | ReplyQuiet() | ReplyFinished() | EndRequested():
                if event.turn == self.turn and self.state in _REPLYING:
                    self._reply_event(event, at)
            case TimerFired():
                self._timer_fired(event.timer, at)
            case LeaveRequested() if not self._leaving:
                self._leave(event.disposition, at)
            case HungUp():
                self._end(event.disposition)
        return self._out

    # ── the caller ──────────────────────────────────────────────────────────────────────

    def _caller_started(self, at: float) -> None:
        match self.state:
            case State.LISTENING | State.ENDPOINTING:
                self._listen_to_caller(at)
            case State.SPEAKING | State.THINKING if not self._interruptible:
                self.state = State.OVERLAP
            case State.SPEAKING | State.THINKING:
                self._interrupt(at)
            case _:
                pass

    def _interrupt(self, at: float) -> None:
        unanswered = not self._audible and bool(self._answered.text)
        self._do(CancelReply(self.turn, withdraw=unanswered))
        if unanswered:
            self._heard = self._answered
        else:
            self._interrupted = True
        self._listen_to_caller(at)

    def _listen_to_caller(self, at: float) -> None:
        self._stop_timers()
        self._held_on = False
        self.state = State.USER_SPEAKING
        self._do(SetTimer(Timer.LONG_UTTERANCE, at + self._policy.longest_utterance))

    def _caller_stopped(self, event: CallerStopped, at: float) -> None:
        if self.state not in (State.USER_SPEAKING, State.OVERLAP):
            return
        self._heard.voiced_until = event.voiced_until
        self._heard.awaited_finals += 1
        if self.state is State.OVERLAP:
            self.state = State.SPEAKING
            return
        self._await_final_text(at)

    def _await_final_text(self, at: float) -> None:
        self._stop_timers()
        self.state = State.ENDPOINTING
        if self._held_on:
            self._do(SetTimer(Timer.END_OF_TURN, at + self._policy.dead_air))
            return
        self._do(SetTimer(Timer.END_OF_TURN, at + self._policy.final_text_within))
        silent_since = at if self._heard.voiced_until is None else self._heard.voiced_until
        self._do(SetTimer(Timer.DEAD_AIR, max(at, silent_since + self._policy.dead_air)))

    def _text_heard(self, event: TextHeard, at: float) -> None:
        """Text of a stretch that was answered already, as by a cut-in, is dropped."""
        if self._went_on(event):
            self._caller_started(at)
        speaking = self.state in (State.USER_SPEAKING, State.ENDPOINTING, State.OVERLAP)
        if not speaking and not self._heard.awaited_finals:
            return
        self._heard.add(event)
        if event.ends_turn and self.state in (State.USER_SPEAKING, State.ENDPOINTING):
            if self._voiced or self._heard.voiced_until is None:
                self._heard.voiced_until = event.voiced_until
            self._heard.awaited_finals = 0
            self._answer(at)
        elif self.state is State.ENDPOINTING and not self._heard.awaited_finals:
            self._await_end_of_turn(at)

    def _went_on(self, event: TextHeard) -> bool:
        """New words while the turn is being answered, and the caller never fell silent.

        So the recogniser that ended the turn was wrong; no new start of speech will tell.
        """
        words = event.text.split()
        answering = self.state in (State.THINKING, State.SPEAKING) and self._interruptible
        return answering and self._voiced and not event.final and len(words) > 1

    def _text_entered(self, event: TextEntered, at: float) -> None:
        if self.state in _REPLYING:
            if not self._interruptible:
                self._heard.finals.append(event.text)
                return
            self._do(CancelReply(self.turn))
        self._heard.finals.append(event.text)
        self._answer(at)

    def _await_end_of_turn(self, at: float) -> None:
        deadline = (self._heard.voiced_until or at) + self._wait()
        if not self._heard.text or deadline <= at:
            self._answer(at)
        else:
            self._do(SetTimer(Timer.END_OF_TURN, deadline))

    def _wait(self) -> float:
        completeness = self._heard.completeness
        if completeness is None or completeness >= self._policy.complete_above:
            return self._policy.patience
        return self._policy.long_patience

    # ── replies ─────────────────────────────────────────────────────────────────────────

    def _answer(self, at: float) -> None:
        """The caller's turn is over: respond, resume what noise cut off, or listen on."""
        if self._heard.text:
            self._interrupted = False
            self._ending = None
            self._prompts = 0
            self._begin(ReplyReason.RESPOND, at)
        elif self._interrupted:
            self._interrupted = False
            self._begin(ReplyReason.RESUME, at)
        elif self._ending is not None:
            self._end(self._ending)
        elif self._heard.awaited_finals:
            self._begin(ReplyReason.ASK_AGAIN, at)
        else:
            self._listen(at, keep_idle=True)

    def _begin(self, reason: ReplyReason, at: float) -> None:
        self._stop_timers()
        self.turn += 1
        self._held_on = reason is ReplyReason.HOLD_ON
        said = _Heard() if self._held_on else self._heard
        if said is self._heard:
            self._heard = _Heard()
        self._answered = said if reason is ReplyReason.RESPOND else _Heard()
        self._audible = False
        self._reassuring = False
        self._reply_by = at + self._policy.longest_reply
        self._interruptible = reason is not ReplyReason.FAREWELL
        self.state = State.THINKING
        self._do(
            BeginReply(
                self.turn,
                reason,
                text=said.text,
                confidence=said.confidence,
                voiced_until=said.voiced_until,
                disposition=self._ending,
            )
        )
        silent_since = at if said.voiced_until is None else said.voiced_until
        reassure_at = max(silent_since + self._policy.dead_air, at + self._policy.patience)
        self._do(SetTimer(Timer.DEAD_AIR, reassure_at))
        self._do(SetTimer(Timer.REPLY, self._reply_by))

    def _reply_event(
        self, event: ReplyAudible | ReplyQuiet | ReplyFinished | EndRequested, at: float
    ) -> None:
        match event:
            case ReplyAudible():
                self._audible = True
                self._failures = 0
                if not self._reassuring:
                    self._reply_by = at + self._policy.longest_reply
                if self.state is State.THINKING:
                    self.state = State.SPEAKING
                self._do(StopTimer(Timer.DEAD_AIR))
                self._do(SetTimer(Timer.REPLY, at + self._policy.longest_speech))
            case ReplyQuiet():
                if self.state is State.SPEAKING:
                    self.state = State.THINKING
                # Who was reassured once is less patient.
                wait = self._policy.dead_air * (_AFTER_REASSURANCE if self._reassuring else 1.0)
                self._reassuring = False
                self._do(SetTimer(Timer.DEAD_AIR, at + wait))
                # A reply whose time is over is given up before it is reassured about again.
                self._do(SetTimer(Timer.REPLY, max(self._reply_by, at + wait / 2)))
            case ReplyFinished():
                self._reply_finished(event, at)
            case EndRequested():
                self._ending = event.disposition

    def _reply_finished(self, event: ReplyFinished, at: float) -> None:
        heard = self._heard
        spoken_over = self.state is State.OVERLAP or bool(heard.text or heard.awaited_finals)
        if self._ending is not None and (self._leaving or not spoken_over):
            self._end(self._ending)
        elif not event.heard and not self._audible:
            self._apologise(at)
        elif self.state is State.OVERLAP:
            self._listen_to_caller(at)
        elif self._heard.awaited_finals:
            self._await_final_text(at)
        elif self._heard.text:
            self._answer(at)
        else:
            self._listen(at)

    def _apologise(self, at: float) -> None:
        """Say that it went wrong; where not even that can be said, there is no call left."""
        self._failures += 1
        if self._failures > self._policy.failed_replies:
            self._end(Disposition.FAILED)
        else:
            self._begin(ReplyReason.APOLOGISE, at)

    def _listen(self, at: float, *, keep_idle: bool = False) -> None:
        """Wait for the caller; noise without words does not buy more idle time."""
        self._stop_timers()
        self.state = State.LISTENING
        self._heard = _Heard()
        if not keep_idle:
            self._idle_at = at + self._policy.idle
        self._do(SetTimer(Timer.IDLE, max(self._idle_at, at + self._policy.patience)))

    # ── time ────────────────────────────────────────────────────────────────────────────

    def _timer_fired(self, timer: Timer, at: float) -> None:
        match timer, self.state:
            case Timer.LONGEST_CALL, _:
                self._leave(Disposition.TOO_LONG, at)
            case Timer.END_OF_TURN, State.ENDPOINTING:
                self._answer(at)
            case Timer.LONG_UTTERANCE, State.USER_SPEAKING:
                self._cut_in(at)
            case Timer.DEAD_AIR, State.ENDPOINTING if self._heard.awaited_finals:
                self._begin(ReplyReason.HOLD_ON, at)
            case Timer.DEAD_AIR, State.THINKING:
                self._reassuring = True
                self._do(Reassure(self.turn))
                self._do(SetTimer(Timer.DEAD_AIR, at + 3 * self._policy.dead_air))
            case Timer.REPLY, State.THINKING | State.SPEAKING | State.OVERLAP:
                self._give_up_reply(at)
            case Timer.IDLE, State.LISTENING:
                self._prompt(at)
            case _:
                pass

    def _cut_in(self, at: float) -> None:
        if self._heard.text:
            self._answer(at)
        else:
            self._begin(ReplyReason.ASK_AGAIN, at)

    def _give_up_reply(self, at: float) -> None:
        self._do(CancelReply(self.turn))
        if self._ending is not None:
            self._end(self._ending)
        else:
            self._apologise(at)

    def _prompt(self, at: float) -> None:
        if self._prompts >= self._policy.idle_prompts:
            self._leave(Disposition.CALLER_IDLE, at)
            return
        self._prompts += 1
        self._begin(ReplyReason.PROMPT, at)

    def _leave(self, disposition: Disposition, at: float) -> None:
        if self.state in _REPLYING:
            self._do(CancelReply(self.turn))
        self._ending = disposition
        self._leaving = disposition is not Disposition.CALLER_IDLE
        self._begin(ReplyReason.FAREWELL, at)

    def _end(self, disposition: Disposition) -> None:
        if self.state in _REPLYING:
            self._do(CancelReply(self.turn))
        self._stop_timers()
        self._do(StopTimer(Timer.LONGEST_CALL))
        self.state = State.ENDED
        self._do(EndCall(disposition))

    def _stop_timers(self) -> None:
        for timer in _TURN_TIMERS:
            self._do(StopTimer(timer))

    def _do(self, command: Command) -> None:
        self._out.append(command)
