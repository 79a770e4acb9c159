"""The replies of a call, one alive at a time: begun, heard or cut off, and written down."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import anyio
import anyio.abc
import anyio.lowlevel
import structlog

from voice_agent.core.call import Call, Disposition
from voice_agent.core.chat import (
    ChatRequest,
    Message,
    Role,
    ToolCall,
    ToolContext,
    ToolEffect,
    ToolResult,
)
from voice_agent.core.clock import Clock
from voice_agent.core.errors import ProviderError
from voice_agent.core.events import (
    AgentSaid,
    AgentSaying,
    CallerSaid,
    CallerWentOn,
    ReplyStarted,
    ToolFinished,
    ToolStarted,
    Trouble,
    TurnMeasured,
)
from voice_agent.core.speech import Emotion, Expectation
from voice_agent.pipeline.conversation import Conversation, TurnStart
from voice_agent.pipeline.engine_reports import EngineReport, EngineReports
from voice_agent.pipeline.engines import Engines
from voice_agent.pipeline.fillers import Filler
from voice_agent.pipeline.foresight import Foresight
from voice_agent.pipeline.journal import Journal
from voice_agent.pipeline.phrases import Phrases
from voice_agent.pipeline.player import Player
from voice_agent.pipeline.playout import HeardText, PlayoutLedger
from voice_agent.pipeline.reply import Reply, ReplyHooks, Thinking, Words, fixed, thought
from voice_agent.pipeline.speaking import Voice
from voice_agent.pipeline.timeline import Stamp, TurnTimeline
from voice_agent.pipeline.turns import (
    BeginReply,
    EndRequested,
    Event,
    ReplyFinished,
    ReplyReason,
)

log = structlog.get_logger(__name__)

_ENDINGS = {ToolEffect.END_CALL: Disposition.AGENT_ENDED}


@dataclass(slots=True)
class Outlets:
    """Where replies report to."""

    emit: Callable[[Event], None]
    expect: Callable[[Expectation], None]
    system_prompt: Callable[[], str]
    others_quiet: Callable[[], Awaitable[None]] = anyio.lowlevel.checkpoint
    """Waits for the tools of whoever made the replies before."""


@dataclass(slots=True)
class _Current:
    """The reply that is alive, its cancel scope and its place in the history."""

    begin: BeginReply
    reply: Reply
    start: TurnStart
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    generated: anyio.Event = field(default_factory=anyio.Event)
    filler: Filler = field(default_factory=Filler)
    split: HeardText | None = None
    withdrawn: bool = False
    settled: bool = False
    measured: bool = False


class Replies:
    """Carries out what the turn taker commands about replies."""

    def __init__(
        self,
        *,
        call: Call,
        engines: Engines,
        phrases: Phrases,
        player: Player,
        ledger: PlayoutLedger,
        journal: Journal,
        clock: Clock,
        voice: Voice,
        outlets: Outlets,
        conversation: Conversation | None = None,
    ) -> None:
        self._call = call
        self._engines = engines
        self._phrases = phrases
        self._player = player
        self._ledger = ledger
        self._journal = journal
        self._clock = clock
        self._voice = voice
        self._outlets = outlets
        self._conversation = conversation or Conversation()
        self._current: _Current | None = None
        self._counts: dict[ReplyReason, int] = {}
        self._reassured = 0
        self._fillers = 0
        self._mood = Emotion.NEUTRAL
        self._reports = EngineReports(journal, engines.price)
        self._foresight = Foresight(engines.model)
        self._tasks: anyio.abc.TaskGroup | None = None

    def expect_turn(self, text: str | None) -> None:
        """The caller has probably said `text` and is done, or (None) goes on after all."""
        if text is None:
            self._foresight.drop()
        elif self._tasks is not None and self._idle:
            messages = (*self._conversation.messages, Message(Role.USER, text))
            tools = self._engines.tools.declarations
            system = self._outlets.system_prompt()
            self._foresight.begin(ChatRequest(messages, tools, system=system), self._tasks)

    @property
    def _idle(self) -> bool:
        return self._current is None or self._current.settled

    def begin(
        self, begin: BeginReply, final_text_at: float | None, tasks: anyio.abc.TaskGroup
    ) -> None:
        """Start a reply; it waits for the tools of the one before, if they must finish."""
        self._tasks = tasks
        now = self._clock.now()
        timeline = TurnTimeline()
        if begin.voiced_until is not None:
            timeline.reach(Stamp.SPEECH_END, begin.voiced_until)
            timeline.reach(Stamp.FINAL_TEXT, final_text_at or now)
        timeline.reach(Stamp.TURN_DECIDED, now)
        if begin.text:
            self._mood = self._engines.emotion_of(begin.text)
        reply = Reply(
            begin.turn, self._voice, self._clock, self.hooks(begin.turn), self._mood, timeline
        )
        if begin.text:
            self._journal.write(CallerSaid(begin.text, begin.confidence), begin.turn)
        previous = self._current
        self._reassured = 0
        self._player.begin(begin.turn)
        self._current = _Current(begin, reply, TurnStart(0, 0, begin.text))
        tasks.start_soon(self._run, self._current, previous)

    def cancel(self, turn: int, *, withdraw: bool) -> None:
        """Silence a reply at once and note what had been heard of it."""
        current = self._current
        if current is None or current.begin.turn != turn or current.settled:
            return
        self._player.clear(turn)
        current.split = self._ledger.heard_text(turn, self._clock.now())
        current.withdrawn = withdraw
        current.scope.cancel()
        if current.generated.is_set():
            self._settle(current, interrupted=True)

    def reassure(self, turn: int) -> None:
        """Say that it takes a moment, unless a filler is just about to."""
        current = self._alive(turn)
        if current is None or (current.filler.spoken and not current.measured):
            return
        current.reply.say_aside(self._phrases.reassurance(self._reassured))
        self._reassured += 1

    def _cover(self, current: _Current, call: ToolCall) -> None:
        """Have a few words ready for the case that a tool takes long."""
        tools = self._engines.tools.declarations
        access = next((tool.access for tool in tools if tool.name == call.name), None)

        def sentence() -> str | None:
            said = bool(current.reply.text or self._reassured)
            kind = current.filler.take(call.id, said=said)
            if kind is None:
                return None
            self._reassured += 1
            self._fillers += 1
            return self._phrases.filler(kind, self._fillers - 1)

        moment = current.filler.started(call.id, access, self._clock.now())
        if moment is not None:
            current.reply.say_at(moment, sentence)

    def audible(self, turn: int) -> None:
        """The first sound went out: the turn's latency is known."""
        current = self._current
        if current is None or current.begin.turn != turn or current.measured:
            return
        current.measured = True
        timeline = current.reply.timeline
        timeline.reach(Stamp.ON_THE_WIRE, self._clock.now())
        self._journal.write(ReplyStarted(), turn)
        if timeline.complete:
            stages = {stage: round(ms, 1) for stage, ms in timeline.stages_ms().items()}
            self._journal.write(TurnMeasured(round(timeline.total_ms, 1), stages), turn)

    def finished(self, turn: int) -> None:
        """All of the reply that could be heard was heard."""
        current = self._current
        if current is not None and current.begin.turn == turn and not current.settled:
            current.split = self._ledger.heard_text(turn, self._clock.now())
            self._settle(current, interrupted=False)

    def _alive(self, turn: int) -> _Current | None:
        current = self._current
        return current if current is not None and current.begin.turn == turn else None

    async def quiet(self) -> None:
        """Wait until no reply of this maker is being made."""
        if self._current is not None:
            await self._current.generated.wait()

    async def _run(self, current: _Current, previous: _Current | None) -> None:
        try:
            if previous is not None:
                await previous.generated.wait()
            await self._outlets.others_quiet()
            begin = current.begin
            current.start = self._conversation.begin_turn(
                begin.text if begin.reason is ReplyReason.RESPOND else "", begin.confidence
            )
            with current.scope:
                await self._speak(current)
        finally:
            current.generated.set()
            if current.split is not None:
                self._settle(current, interrupted=True)

    async def _speak(self, current: _Current) -> None:
        reply, turn = current.reply, current.begin.turn
        try:
            await reply.run(self._words(current.begin))
        except ProviderError as error:
            log.warning("reply.failed", code=error.code, provider=error.provider)
            self._journal.write(Trouble(error.code, error.provider, str(error)), turn)
            await self._make_good(current)
        if not reply.text:
            self._outlets.emit(ReplyFinished(turn, heard=False))
            return
        self._outlets.expect(self._engines.expectation_of(reply.text))
        self._voice.finish(turn)

    async def _make_good(self, current: _Current) -> None:
        """A reply that broke after it was heard to begin does not just stop."""
        if current.reply.seconds == 0:
            current.reply.text = ""
            return
        try:
            await current.reply.run(fixed(" " + self._sentence(ReplyReason.APOLOGISE)))
        except ProviderError as error:
            log.warning("reply.apology_failed", code=error.code, provider=error.provider)

    def _words(self, begin: BeginReply) -> Words:
        match begin.reason:
            case ReplyReason.RESPOND:
                thinking = Thinking(
                    self._foresight,
                    self._engines.tools,
                    self._conversation.messages,
                    ToolContext(self._call.id, begin.turn, self._call.caller),
                    self._outlets.system_prompt(),
                )
                return thought(thinking, self.hooks(begin.turn))
            case ReplyReason.RESUME:
                return fixed(self._phrases.resume(self._conversation.unheard))
            case ReplyReason.FAREWELL:
                return fixed(self._phrases.farewell(begin.disposition))
            case _:
                return fixed(self._sentence(begin.reason))

    def _sentence(self, reason: ReplyReason) -> str:
        count = self._counts.get(reason, 0)
        self._counts[reason] = count + 1
        return self._phrases.say(reason, count)

    def _settle(self, current: _Current, *, interrupted: bool) -> None:
        if current.settled or current.split is None:
            return
        current.settled = True
        if current.withdrawn:
            self._conversation.withdraw(current.start)
            self._journal.write(CallerWentOn(), current.begin.turn)
            return
        if current.begin.reason is ReplyReason.RESPOND:
            self._counts.clear()
        split = current.split
        interrupted = interrupted and not split.complete
        self._conversation.settle(current.start, split, interrupted=interrupted)
        if split.heard.strip() or split.unheard.strip():
            said = AgentSaid(split.heard.strip(), interrupted, split.unheard.strip())
            self._journal.write(said, current.begin.turn)

    def hooks(self, turn: int) -> ReplyHooks:
        """Write down what happens in a reply of this turn, whoever makes it."""

        def tool_started(call: ToolCall) -> None:
            self._journal.write(ToolStarted(call.id, call.name, call.arguments), turn)
            if current := self._alive(turn):
                self._cover(current, call)

        def tool_finished(result: ToolResult) -> None:
            if current := self._alive(turn):
                current.filler.finished(result.call_id)
            self._journal.write(
                ToolFinished(
                    result.call_id, result.name, result.ok, result.duration_ms, result.content
                ),
                turn,
            )
            if result.ok and result.effect in _ENDINGS:
                self._outlets.emit(EndRequested(turn, _ENDINGS[result.effect]))

        def saying(text: str) -> None:
            self._journal.write(AgentSaying(text), turn)

        def reported(report: EngineReport) -> None:
            self._reports.note(report, turn)

        return ReplyHooks(tool_started, tool_finished, saying, reported)
