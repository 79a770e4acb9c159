"""The replies of a speech-to-speech model: measured, cut off, remembered, and their tools run."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import anyio
import anyio.abc
import orjson

from voice_agent.core.call import Call
from voice_agent.core.chat import Message, ToolCall, ToolContext, ToolEffect, ToolResult
from voice_agent.core.clock import Clock
from voice_agent.core.events import AgentSaid, CallerSaid, CallerWentOn, ReplyStarted, TurnMeasured
from voice_agent.core.ports import ToolExecutor
from voice_agent.core.realtime import AddToolResult, ItemSound, RealtimeCommand, TruncateItem
from voice_agent.pipeline.conversation import Conversation, TurnStart
from voice_agent.pipeline.duplex_turns import (
    NO_TEXT_YET,
    DuplexTurns,
    Output,
    Owed,
    ReplyOver,
    RunTools,
    Speak,
    TextKnown,
)
from voice_agent.pipeline.duplex_voice import DuplexVoice
from voice_agent.pipeline.journal import Journal
from voice_agent.pipeline.phrases import Phrases
from voice_agent.pipeline.player import Player
from voice_agent.pipeline.playout import HeardText, PlayoutLedger
from voice_agent.pipeline.reply import ReplyHooks
from voice_agent.pipeline.timeline import Stamp, TurnTimeline
from voice_agent.pipeline.tool_loop import run_round
from voice_agent.pipeline.turns import BeginReply, Event, ReplyFinished, ReplyReason

REASSURANCES: Final = 2
"""After so many in one reply the model counts as dead, unless a tool is what takes so long."""


@dataclass(frozen=True, slots=True)
class DuplexOutlets:
    """Whom the replies report to and ask; `quiet` waits for the agent's own sentences."""

    emit: Callable[[Event], None]
    send: Callable[[RealtimeCommand], None]
    do: Callable[[Sequence[Output]], None]
    hooks: Callable[[int], ReplyHooks]
    quiet: Callable[[], Awaitable[None]]


@dataclass(slots=True)
class _Current:
    """The reply that is alive."""

    turn: int
    text: str
    timeline: TurnTimeline
    start: TurnStart | None = None
    remembered: anyio.Event = field(default_factory=anyio.Event)
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    split: HeardText | None = None
    told: int = 0
    reassured: int = 0
    working: bool = False
    withdrawn: bool = False
    interrupted: bool = False
    settled: bool = False
    measured: bool = False


class DuplexReplies:
    """Carries out what the turn taker commands about the model's replies."""

    def __init__(
        self,
        *,
        call: Call,
        tools: ToolExecutor,
        phrases: Phrases,
        turns: DuplexTurns,
        voice: DuplexVoice,
        player: Player,
        ledger: PlayoutLedger,
        journal: Journal,
        clock: Clock,
        conversation: Conversation,
        outlets: DuplexOutlets,
    ) -> None:
        self._call = call
        self._tools = tools
        self._phrases = phrases
        self._turns = turns
        self._voice = voice
        self._player = player
        self._ledger = ledger
        self._journal = journal
        self._clock = clock
        self._conversation = conversation
        self._outlets = outlets
        self._current: _Current | None = None
        self._rounds: list[anyio.Event] = []
        self._tasks: anyio.abc.TaskGroup | None = None

    # ── from the turn taker ─────────────────────────────────────────────────────────────

    def begin(self, begin: BeginReply, tasks: anyio.abc.TaskGroup) -> None:
        """A reply of the model's may be heard."""
        now = self._clock.now()
        timeline = TurnTimeline()
        if begin.voiced_until is not None:
            timeline.reach(Stamp.SPEECH_END, begin.voiced_until)
            timeline.reach(Stamp.FINAL_TEXT, now)
        timeline.reach(Stamp.TURN_DECIDED, now)
        self._tasks = tasks
        self._current = current = _Current(begin.turn, begin.text, timeline)
        self._player.begin(begin.turn)
        self._voice.begin(begin.turn)
        tasks.start_soon(self._remember, current)
        self._outlets.do(self._turns.begin(begin.turn, begin.text))

    def cancel(self, turn: int, *, withdraw: bool) -> None:
        """Silence a reply at once; the model is told how much of it was heard."""
        current = self._alive(turn)
        if current is None or current.split is not None:
            return
        now = self._clock.now()
        self._player.clear(turn)
        heard = self._voice.cut(turn, now)
        current.split = self._ledger.heard_text(turn, now)
        current.withdrawn = current.withdrawn or withdraw
        current.interrupted = True
        self._outlets.do(self._turns.cancel(turn, withdraw=current.withdrawn))
        for item, seconds in heard:
            self._outlets.send(TruncateItem(item, seconds))
        current.scope.cancel()
        self._settle(current)

    def reassure(self, turn: int) -> bool:
        """Say that it takes a moment; returns whether that has been said often enough."""
        current = self._alive(turn)
        if current is None:
            return False
        self._voice.aside(turn, self._phrases.reassurance(current.reassured))
        current.reassured += 1
        return current.reassured >= REASSURANCES and not current.working

    def audible(self, turn: int) -> None:
        """The first sound went out: the turn's latency is known."""
        current = self._alive(turn)
        if current is None or current.measured:
            return
        current.measured = True
        timeline = current.timeline
        timeline.reach(Stamp.ON_THE_WIRE, self._clock.now())
        self._journal.write(ReplyStarted(), turn)
        if timeline.complete:
            stages = {stage: round(ms, 1) for stage, ms in timeline.stages_ms().items()}
            self._journal.write(TurnMeasured(round(timeline.total_ms, 1), stages), turn)

    def finished(self, turn: int) -> None:
        """All of the reply that could be heard was heard."""
        current = self._alive(turn)
        if current is not None and current.split is None:
            current.split = self._ledger.heard_text(turn, self._clock.now())
            self._settle(current)

    # ── from the model ──────────────────────────────────────────────────────────────────

    def carry_out(self, output: Output) -> None:
        """What the model's events mean for a reply."""
        match output:
            case Speak():
                self._speak(output)
            case RunTools() if (current := self._alive(output.turn)) and self._tasks:
                self._tasks.start_soon(self._run_tools, current, output.calls)
            case ReplyOver():
                self._over(output)
            case TextKnown():
                self._text_known(output)
            case _:
                pass

    def release(self, owed: Owed, *, answered_elsewhere: bool) -> None:
        """The model is lost: what it broke off is answered by others, or made good in words."""
        current = self._alive(owed.turn if owed.turn is not None else -1)
        if current is None:
            return
        if answered_elsewhere:
            current.withdrawn = True
        else:
            self._voice.aside(current.turn, self._phrases.say(ReplyReason.APOLOGISE, 0))
            self._voice.end(current.turn)

    async def quiet(self) -> None:
        """Wait until no tool is at work."""
        for done in list(self._rounds):
            await done.wait()

    def _alive(self, turn: int) -> _Current | None:
        current = self._current
        return current if current is not None and current.turn == turn else None

    def _speak(self, output: Speak) -> None:
        current, what = self._alive(output.turn), output.what
        if current is None:
            return
        current.timeline.reach(Stamp.FIRST_TOKEN, self._clock.now())
        if isinstance(what, ItemSound):
            current.timeline.reach(Stamp.FIRST_CLAUSE, self._clock.now())
            current.timeline.reach(Stamp.FIRST_SOUND, self._clock.now())
            self._voice.sound(output.turn, what.item, what.data)
        else:
            self._voice.words(output.turn, what.item, what.text)

    def _over(self, output: ReplyOver) -> None:
        current = self._alive(output.turn)
        if current is None:
            return
        if not output.said and not current.reassured:
            self._outlets.emit(ReplyFinished(output.turn, heard=False))
            return
        if not output.said:
            self._voice.aside(output.turn, self._phrases.say(ReplyReason.APOLOGISE, 0))
        self._voice.end(output.turn)

    def _text_known(self, known: TextKnown) -> None:
        self._journal.write(CallerSaid(known.text, 1.0), known.turn)
        current = self._alive(known.turn)
        if current is None:
            return
        current.text = known.text
        if current.start is not None:
            current.start = self._conversation.restate(current.start, known.text)

    # ── history and tools ───────────────────────────────────────────────────────────────

    async def _remember(self, current: _Current) -> None:
        await self._outlets.quiet()
        current.start = self._conversation.begin_turn(current.text or NO_TEXT_YET, 1.0)
        current.remembered.set()
        self._settle(current)

    async def _run_tools(self, current: _Current, calls: tuple[ToolCall, ...]) -> None:
        done = anyio.Event()
        self._rounds.append(done)
        current.working = True
        try:
            await current.remembered.wait()
            await self._run_round(current, calls)
        finally:
            self._rounds.remove(done)
            done.set()
            current.working = False
            self._settle(current)

    async def _run_round(self, current: _Current, calls: tuple[ToolCall, ...]) -> None:
        hooks, messages = self._outlets.hooks(current.turn), self._conversation.messages
        for call in calls:
            hooks.tool_started(call)
        said = self._voice.text[current.told :]
        current.told += len(said)
        context = ToolContext(self._call.id, current.turn, self._call.caller)
        results: Sequence[ToolResult] | None = None
        with current.scope:
            results = await run_round(
                self._tools, calls, said, context, messages, unseen=hooks.tool_finished
            )
        if results is None:
            self._report_interrupted(messages[-len(calls) :])
            return
        for result in results:
            hooks.tool_finished(result)
        last = any(result.effect is not ToolEffect.NONE for result in results)
        self._outlets.do(self._turns.results(current.turn, tuple(results), last=last))

    def _report_interrupted(self, results: Sequence[Message]) -> None:
        """What was done all the same; the model must not ask for it again."""
        for result in results:
            self._outlets.send(AddToolResult(result.call_id, orjson.loads(result.text)))

    def _settle(self, current: _Current) -> None:
        if current.settled or current.working or current.split is None or current.start is None:
            return
        current.settled = True
        if current.withdrawn:
            self._conversation.withdraw(current.start)
            self._journal.write(CallerWentOn(), current.turn)
            return
        split = current.split
        interrupted = current.interrupted and not split.complete
        self._conversation.settle(current.start, split, interrupted=interrupted)
        if split.heard.strip() or split.unheard.strip():
            said = AgentSaid(split.heard.strip(), interrupted, split.unheard.strip())
            self._journal.write(said, current.turn)
