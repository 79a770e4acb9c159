"""Which response of a speech-to-speech model answers which turn; pure.

The model decides by itself when the caller has finished and begins to answer; the turn taker
decides which reply may be heard. This book keeps the two together:

    model      started  stopped  response r7 ── sound, text ──▶ ended
                  │        │         │              ▲ held until the turn is begun
    turn taker    ▼        ▼         ▼              │
               CallerStarted  CallerStopped  TextHeard ──▶ BeginReply(4): r7 is turn 4

A response whose turn never begins, or is over, is not heard. The caller's text comes late and
from another model, so a turn is begun with `NO_TEXT_YET` and its text is told when it is here.
"""

from dataclasses import dataclass, field
from typing import Final

from voice_agent.core.chat import Role, ToolCall, ToolResult
from voice_agent.core.errors import ProviderError, ProviderUnavailable
from voice_agent.core.realtime import (
    AddText,
    AddToolResult,
    CallerSpeechStarted,
    CallerSpeechStopped,
    CallerText,
    CancelResponse,
    ItemSound,
    ItemText,
    RealtimeCommand,
    RealtimeEvent,
    RealtimeFailed,
    Respond,
    ResponseEnded,
    ResponseOutcome,
    ResponseStarted,
)
from voice_agent.core.usage import Usage

NO_TEXT_YET: Final = "…"
"""Stands for words that were said and are not written down yet."""
HELD: Final = 2000
"""Events of a response that are kept until its turn is begun."""
MAX_TOOL_ROUNDS: Final = 3


# ── what is to be done ──────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Send:
    """Tell the model."""

    command: RealtimeCommand


@dataclass(frozen=True, slots=True)
class CallerBegan:
    """Tell the turn taker."""


@dataclass(frozen=True, slots=True)
class CallerPaused:
    """Tell the turn taker; seconds of the caller's sound."""

    at: float


@dataclass(frozen=True, slots=True)
class CallerAnswered:
    """The model begins to answer: tell the turn taker that the caller's turn is over."""


@dataclass(frozen=True, slots=True)
class TextKnown:
    """What the caller said in a turn; it may be over already."""

    turn: int
    text: str


@dataclass(frozen=True, slots=True)
class Speak:
    """The reply's next sound or text."""

    turn: int
    what: ItemSound | ItemText


@dataclass(frozen=True, slots=True)
class RunTools:
    """Run these and hand in the results."""

    turn: int
    calls: tuple[ToolCall, ...]


@dataclass(frozen=True, slots=True)
class ReplyOver:
    """Nothing more will be said in this reply; `said` is false when nothing was."""

    turn: int
    said: bool


@dataclass(frozen=True, slots=True)
class Paid:
    """Work that was paid for."""

    usage: Usage


@dataclass(frozen=True, slots=True)
class Lost:
    """The model cannot go on."""

    error: ProviderError


Output = (
    Send
    | CallerBegan
    | CallerPaused
    | CallerAnswered
    | TextKnown
    | Speak
    | RunTools
    | ReplyOver
    | Paid
    | Lost
)


@dataclass(frozen=True, slots=True)
class Owed:
    """What the caller said and was not answered when the model was lost.

    `text` is all of it in words, or it is not all in words yet: then it is in the sound from
    `sound_from` (s) on. `turn` is the reply that was under way and broke off; `said` tells
    whether it had begun to speak.
    """

    text: str = ""
    sound_from: float | None = None
    turn: int | None = None
    said: bool = False


@dataclass(slots=True)
class _Turn:
    """A reply that the model makes."""

    number: int
    items: list[str]
    entered: str = ""
    response: str = ""
    generating: bool = True
    said: bool = False
    rounds: int = 0


@dataclass(slots=True)
class _Held:
    """A response whose turn is not begun."""

    response: str
    events: list[ItemSound | ItemText | ResponseEnded] = field(default_factory=list)


class DuplexTurns:
    """Feed it what the model tells and the turn taker commands; do what comes out, in order."""

    def __init__(self) -> None:
        self._starts: dict[str, float] = {}
        self._texts: dict[str, str] = {}
        self._unanswered: list[str] = []
        self._unwritten: list[_Turn] = []
        self._held: _Held | None = None
        self._turn: _Turn | None = None
        self._out: list[Output] = []
        self.caller_speaking = False
        self.stopped_at = 0.0

    # ── from the model ──────────────────────────────────────────────────────────────────

    def handle(self, event: RealtimeEvent) -> list[Output]:
        """Take the model's next event."""
        self._out = []
        match event:
            case CallerSpeechStarted():
                self._caller_started(event)
            case CallerSpeechStopped():
                self.caller_speaking = False
                self.stopped_at = event.at
                self._do(CallerPaused(event.at))
            case CallerText():
                self._texts[event.item] = event.text.strip()
                self._write_down()
            case ResponseStarted():
                self._response_started(event.response)
            case ItemSound() | ItemText() | ResponseEnded():
                self._response_event(event)
            case Usage():
                self._do(Paid(event))
            case RealtimeFailed():
                self._do(Lost(event.error))
        return self._out

    def _caller_started(self, event: CallerSpeechStarted) -> None:
        self.caller_speaking = True
        self._held = None
        self._starts[event.item] = event.at
        self._unanswered.append(event.item)
        self._do(CallerBegan())

    def _response_started(self, response: str) -> None:
        turn = self._turn
        if turn is not None and turn.generating and not turn.response:
            turn.response = response
            return
        self._held = _Held(response)
        self._do(CallerAnswered())

    def _response_event(self, event: ItemSound | ItemText | ResponseEnded) -> None:
        if self._turn is not None and event.response == self._turn.response:
            self._carry_on(self._turn, event)
        elif self._held is not None and event.response == self._held.response:
            self._held.events.append(event)
            del self._held.events[HELD:]

    def _carry_on(self, turn: _Turn, event: ItemSound | ItemText | ResponseEnded) -> None:
        match event:
            case ItemSound() | ItemText():
                turn.said = turn.said or isinstance(event, ItemSound)
                self._do(Speak(turn.number, event))
            case ResponseEnded(outcome=ResponseOutcome.FAILED):
                error = ProviderUnavailable("its response failed", provider="realtime")
                self._do(Lost(error))
            case ResponseEnded(outcome=ResponseOutcome.CANCELLED) if not turn.said:
                pass  # the caller spoke: the turn taker is being told, and withdraws the reply
            case ResponseEnded() if event.calls:
                turn.response = ""
                turn.rounds += 1
                self._do(RunTools(turn.number, event.calls))
            case ResponseEnded():
                turn.generating = False
                self._do(ReplyOver(turn.number, turn.said))

    # ── from the turn taker ─────────────────────────────────────────────────────────────

    def begin(self, turn: int, text: str) -> list[Output]:
        """A reply may be heard: the response that waits for it, or one to what was entered."""
        self._out = []
        begun = self._turn = _Turn(turn, self._unanswered)
        self._unanswered = []
        self._unwritten.append(begun)
        held, self._held = self._held, None
        if held is None:
            begun.entered = text.replace(NO_TEXT_YET, "").strip()
            if begun.entered:
                self._do(Send(AddText(Role.USER, begun.entered)))
            self._do(Send(Respond()))
        self._write_down()
        if held is not None:
            begun.response = held.response
            for event in held.events:
                self._carry_on(begun, event)
        return self._out

    def cancel(self, turn: int, *, withdraw: bool) -> list[Output]:
        """A reply is to be heard no more; `withdraw`: what it answers is not answered yet."""
        self._out = []
        if self._turn is None or self._turn.number != turn:
            return self._out
        over, self._turn = self._turn, None
        if withdraw:
            self._unanswered = [*over.items, *self._unanswered]
            self._unwritten = [other for other in self._unwritten if other is not over]
        if over.generating:
            self._do(Send(CancelResponse()))
        return self._out

    def results(self, turn: int, results: tuple[ToolResult, ...], *, last: bool) -> list[Output]:
        """The tools of a reply have run; after the `last` ones the model may only speak."""
        self._out = []
        for result in results:
            self._do(Send(AddToolResult(result.call_id, result.content)))
        if self._turn is not None and self._turn.number == turn:
            tools = not last and self._turn.rounds < MAX_TOOL_ROUNDS
            self._do(Send(Respond(tools=tools)))
        return self._out

    def owed(self) -> Owed:
        """The account when the model is lost; nothing is held or begun after it."""
        self._held = None
        broken = self._turn if self._turn is not None and self._turn.generating else None
        items, entered = [*self._unanswered], ""
        if broken is not None and not broken.said:
            items, entered = [*broken.items, *items], broken.entered
        wordless = any(item not in self._texts for item in items)
        return Owed(
            "" if wordless else " ".join(filter(None, (self._words(items), entered))),
            min((self._starts[item] for item in items), default=None) if wordless else None,
            broken.number if broken is not None else None,
            broken is not None and broken.said,
        )

    # ── the caller's words ──────────────────────────────────────────────────────────────

    def _words(self, items: list[str]) -> str:
        return " ".join(filter(None, (self._texts.get(item, "") for item in items)))

    def _write_down(self) -> None:
        """Tell the texts of the turns whose words are all there."""
        for turn in list(self._unwritten):
            if all(item in self._texts for item in turn.items):
                self._unwritten.remove(turn)
                text = " ".join(filter(None, (self._words(turn.items), turn.entered)))
                if text:
                    self._do(TextKnown(turn.number, text))

    def _do(self, output: Output) -> None:
        self._out.append(output)
