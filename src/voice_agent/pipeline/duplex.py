"""Conversing by one model that hears and speaks, with the cascade standing by.

The model answers the caller; sentences of the agent's own (greeting, prompts, goodbyes) are
spoken by the cascade's synthesiser, word for word. When the model is lost, at any moment, the
cascade carries on in the same call, with the same turn taker and history:

    what the caller is owed when the model is lost   what happens
    nothing                                          what plays is played, the cascade listens
    an answer, the question known in words           the cascade's model answers at once
    an answer, the question not in words yet         its sound goes through the cascade's ear
    the rest of an answer that broke off             an apology, in the same reply
"""

from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from math import inf
from typing import Final

import anyio
import anyio.abc
import structlog

from voice_agent.core.audio import AudioFrame
from voice_agent.core.chat import Role
from voice_agent.core.errors import ProviderError, ProviderUnavailable
from voice_agent.core.events import AgentSaying
from voice_agent.core.ports import RealtimeModel, RealtimeStream, VoiceActivityStream
from voice_agent.core.realtime import (
    AddText,
    CallerSound,
    CallerSpeechStarted,
    CallerSpeechStopped,
    RealtimeCommand,
    RealtimeEvent,
    RealtimeRequest,
)
from voice_agent.core.speech import SpeechStarted, SpeechStopped, VoiceActivity
from voice_agent.core.usage import EngineSwitched
from voice_agent.pipeline.audio_clock import AudioClock
from voice_agent.pipeline.cascade import CascadeDriver
from voice_agent.pipeline.deafness import DeafnessWatch
from voice_agent.pipeline.driver import CallParts
from voice_agent.pipeline.duplex_replies import DuplexOutlets, DuplexReplies
from voice_agent.pipeline.duplex_turns import (
    NO_TEXT_YET,
    CallerAnswered,
    CallerBegan,
    CallerPaused,
    DuplexTurns,
    Lost,
    Output,
    Owed,
    Paid,
    Send,
)
from voice_agent.pipeline.duplex_voice import DuplexVoice
from voice_agent.pipeline.recent_sound import RecentSound
from voice_agent.pipeline.turns import (
    BeginReply,
    CallerStarted,
    CallerStopped,
    ReplyReason,
    TextEntered,
    TextHeard,
)
from voice_agent.pipeline.voice_gate import VoiceGate

log = structlog.get_logger(__name__)

OPEN_WITHIN: Final = 4.0
"""How long the greeting may be all there is before the cascade hears the caller (s)."""
TAIL: Final = 1.0
"""Sound that is heard again when nothing seems to be owed: speech may just have begun (s)."""
AFTER_SPEECH: Final = 0.3
"""Sound after the caller's last answered word that may still hold its end (s)."""
EARLY: Final = 512
"""Frames and commands that wait while an engine is being opened."""


class DuplexDriver:
    """A `ConversationDriver` made of a speech-to-speech model, and of a cascade in reserve."""

    def __init__(self, model: RealtimeModel, parts: CallParts) -> None:
        """The parts are shared with the cascade."""
        self._model = model
        self._parts = parts
        self._standby = CascadeDriver(parts, self._tools_quiet)
        self._format = parts.transport.format
        self._turns = DuplexTurns()
        self._voice = DuplexVoice(
            parts.voice,
            parts.player,
            parts.ledger,
            self._format,
            saying=lambda text, turn: parts.journal.write(AgentSaying(text), turn),
            reported=parts.reports.note,
        )
        self._replies = self._new_replies()
        self._stream: RealtimeStream | None = None
        self._opened = False
        self._early: deque[RealtimeCommand] = deque(maxlen=EARLY)
        self._heard_late: deque[AudioFrame] | None = None
        self._lost = anyio.Event()
        self._owed = Owed()
        self._turn = 0
        self._own_turn = 0
        self._recent = RecentSound()
        self._base = 0.0
        self._replay_from = 0.0
        self._audio_clock = AudioClock()
        self._watch = DeafnessWatch()
        self._gate = VoiceGate()
        self._activity: VoiceActivityStream | None = None

    def _new_replies(self) -> DuplexReplies:
        parts = self._parts
        return DuplexReplies(
            call=parts.call,
            tools=parts.engines.tools,
            phrases=parts.phrases,
            turns=self._turns,
            voice=self._voice,
            player=parts.player,
            ledger=parts.ledger,
            journal=parts.journal,
            clock=parts.clock,
            conversation=parts.conversation,
            outlets=DuplexOutlets(
                parts.emit,
                self._send,
                self._do,
                self._standby.replies.hooks,
                self._standby.replies.quiet,
            ),
        )

    async def _tools_quiet(self) -> None:
        await self._replies.quiet()

    # ── the line ────────────────────────────────────────────────────────────────────────

    def hear(self, frame: AudioFrame) -> None:
        """Take the caller's next sound."""
        if self._lost.is_set():
            self._hear_instead(frame)
            return
        now = self._parts.clock.now()
        self._recent.push(frame)
        self._audio_clock.frame_arrived(self._recent.position, now)
        if self._stream is not None and self._activity is not None:
            self._stream.send(CallerSound(frame.data))
            self._activity.push(frame)
            if self._watch.deaf(now, agent_sounds=self._parts.player.sounding):
                self._lose(_silent("it does not hear the caller any more"))

    def _hear_instead(self, frame: AudioFrame) -> None:
        if self._heard_late is None:
            self._standby.hear(frame)
        else:
            self._heard_late.append(frame)

    @asynccontextmanager
    async def open(self) -> AsyncIterator["DuplexDriver"]:
        """Converse inside the block."""
        activity = self._parts.engines.detector.open(self._format, self._on_activity)
        self._activity = activity
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._voice.run)
            tasks.start_soon(self._serve)
            tasks.start_soon(self._stand_in)
            try:
                yield self
            finally:
                self._activity = None
                activity.close()
                tasks.cancel_scope.cancel()

    async def _serve(self) -> None:
        """Hold the model's session; it must be there within a deadline, and may last."""
        with anyio.move_on_after(OPEN_WITHIN) as patience:
            try:
                await self._hold_session(patience)
            except ProviderError as error:
                self._lose(error)
        if patience.cancelled_caught:
            self._lose(_silent(f"no session within {OPEN_WITHIN:g} s"))

    async def _stand_in(self) -> None:
        """Have the cascade hear and answer once the model is lost."""
        await self._lost.wait()
        async with self._standby.open():
            late, self._heard_late = self._heard_late or deque(), None
            self._standby.ear.catch_up([*self._recent.since(self._replay_from), *late])
            await anyio.sleep_forever()

    async def _hold_session(self, patience: anyio.CancelScope) -> None:
        request = RealtimeRequest(
            self._format,
            self._parts.system_prompt(),
            self._parts.engines.tools.declarations,
            language=self._parts.engines.language,
        )
        async with self._model.open(request, self._on_event) as stream:
            patience.deadline = inf
            if self._lost.is_set():
                return
            self._base = self._recent.begins
            for frame in self._recent.since(0.0):
                stream.send(CallerSound(frame.data))
            while self._early:
                stream.send(self._early.popleft())
            self._stream, self._opened = stream, True
            await self._lost.wait()

    # ── what the turn taker commands ────────────────────────────────────────────────────

    def begin(
        self, begin: BeginReply, final_text_at: float | None, tasks: anyio.abc.TaskGroup
    ) -> None:
        """Start a reply: the model's, or a sentence of the agent's own."""
        self._turn = begin.turn
        self._check(begin.reason)
        if begin.reason is ReplyReason.RESPOND and not self._lost.is_set():
            self._replies.begin(begin, tasks)
            return
        self._own_turn = begin.turn
        self._standby.begin(self._in_words(begin), final_text_at, tasks)

    def cancel(self, turn: int, *, withdraw: bool) -> None:
        """Silence a reply."""
        self._replies.cancel(turn, withdraw=withdraw)
        self._standby.cancel(turn, withdraw=withdraw)
        self._pass_on(turn)

    def reassure(self, turn: int) -> None:
        """Say that it takes a moment; a model that takes too long is lost."""
        self._standby.reassure(turn)
        if self._replies.reassure(turn):
            self._lose(_silent("no answer within the deadline"))

    def audible(self, turn: int) -> None:
        """The first sound of a reply went out."""
        self._replies.audible(turn)
        self._standby.audible(turn)

    def finished(self, turn: int) -> None:
        """A reply was heard."""
        self._pass_on(turn)
        self._replies.finished(turn)
        self._standby.finished(turn)

    def _check(self, reason: ReplyReason) -> None:
        """A turn taker that has to help itself shows that the model does not."""
        if reason is ReplyReason.ASK_AGAIN and not self._turns.caller_speaking:
            self._lose(_silent("it did not answer"))
        elif reason is ReplyReason.PROMPT and self._watch.missed_a_word:
            self._lose(_silent("it did not hear the caller"))

    def _in_words(self, begin: BeginReply) -> BeginReply:
        """The same for the cascade, which knows only words."""
        if begin.reason is not ReplyReason.RESPOND:
            return begin
        text = begin.text.replace(NO_TEXT_YET, "").strip() or self._owed.text
        reason = ReplyReason.RESPOND if text else ReplyReason.ASK_AGAIN
        return replace(begin, reason=reason, text=text)

    def _pass_on(self, turn: int) -> None:
        """Let the model know what the agent said without it."""
        if turn == self._own_turn and not self._lost.is_set():
            heard = self._parts.ledger.heard_text(turn, self._parts.clock.now()).heard.strip()
            self._own_turn = 0
            if heard:
                self._send(AddText(Role.ASSISTANT, heard))

    # ── what the model tells ────────────────────────────────────────────────────────────

    def _on_event(self, event: RealtimeEvent) -> None:
        if self._lost.is_set():
            return
        if isinstance(event, CallerSpeechStarted | CallerSpeechStopped):
            self._watch.model_heard(speaking=isinstance(event, CallerSpeechStarted))
        self._do(self._turns.handle(event))

    def _on_activity(self, activity: VoiceActivity) -> None:
        match self._gate.process(activity):
            case SpeechStarted():
                self._watch.we_heard(speaking=True, at=self._parts.clock.now())
            case SpeechStopped():
                self._watch.we_heard(speaking=False, at=self._parts.clock.now())
            case None:
                pass

    def _do(self, outputs: Sequence[Output]) -> None:
        for output in outputs:
            match output:
                case Send():
                    self._send(output.command)
                case CallerBegan():
                    self._parts.emit(CallerStarted())
                case CallerPaused():
                    self._parts.emit(CallerStopped(self._moment(output.at)))
                case CallerAnswered():
                    self._parts.emit(TextHeard(NO_TEXT_YET, final=True, ends_turn=True))
                case Paid():
                    self._parts.reports.note(output.usage, self._turn)
                case Lost():
                    self._lose(output.error)
                case _:
                    self._replies.carry_out(output)

    def _send(self, command: RealtimeCommand) -> None:
        if self._lost.is_set():
            return
        if self._stream is not None:
            self._stream.send(command)
        else:
            self._early.append(command)

    def _moment(self, at: float) -> float:
        return min(self._audio_clock.moment(self._base + at), self._parts.clock.now())

    # ── the model is lost ───────────────────────────────────────────────────────────────

    def _lose(self, error: ProviderError) -> None:
        """From here on the cascade hears and answers."""
        if self._lost.is_set():
            return
        log.warning("realtime.lost", call=self._parts.call.id, code=error.code)
        self._stream, self._heard_late = None, deque(maxlen=EARLY)
        self._owed = owed = self._turns.owed()
        self._replay_from = self._first_unanswered(owed)
        self._lost.set()
        self._parts.trouble(error)
        switched = EngineSwitched("realtime", error.provider, "cascade", error.code)
        self._parts.reports.note(switched, self._turn)
        self._replies.release(owed, answered_elsewhere=not owed.said)
        if owed.turn is not None and not owed.said:
            if owed.text:
                self._parts.emit(TextEntered(owed.text))
        elif owed.text or (owed.sound_from is not None and not self._turns.caller_speaking):
            self._parts.emit(TextHeard(owed.text, final=True, ends_turn=True))

    def _first_unanswered(self, owed: Owed) -> float:
        """From where on the cascade's ear has to hear what the model was given."""
        if not self._opened:
            return 0.0
        if owed.sound_from is not None:
            return self._base + owed.sound_from
        if self._watch.unheard_from is not None:
            silent_for = self._parts.clock.now() - self._watch.unheard_from
            return self._recent.position - silent_for - TAIL
        answered = self._base + self._turns.stopped_at + AFTER_SPEECH
        return max(self._recent.position - TAIL, answered)


def _silent(what: str) -> ProviderUnavailable:
    return ProviderUnavailable(what, provider="realtime")
