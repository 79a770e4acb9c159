"""Conversing by three engines in a row: recogniser, language model, synthesiser."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

import anyio.abc
from anyio.lowlevel import checkpoint

from voice_agent.core.audio import AudioFrame
from voice_agent.core.speech import RecognitionRequest
from voice_agent.pipeline.driver import CallParts
from voice_agent.pipeline.hearing import Ear
from voice_agent.pipeline.replies import Outlets, Replies
from voice_agent.pipeline.turns import BeginReply
from voice_agent.pipeline.voice_gate import VoiceGate


class CascadeDriver:
    """A `ConversationDriver` made of an ear and of replies that are thought and then spoken."""

    def __init__(
        self, parts: CallParts, others_quiet: Callable[[], Awaitable[None]] = checkpoint
    ) -> None:
        """`others_quiet` waits for the tools of whoever made replies of this call before."""
        engines = parts.engines
        self.ear = Ear(
            engines.detector,
            engines.recognizer,
            RecognitionRequest(parts.transport.format, engines.language, engines.phrases),
            gate=VoiceGate(),
            clock=parts.clock,
            emit=parts.emit,
            trouble=parts.trouble,
            report=parts.reports.note,
            expected=self._expected,
        )
        self.replies = Replies(
            call=parts.call,
            engines=engines,
            phrases=parts.phrases,
            player=parts.player,
            ledger=parts.ledger,
            journal=parts.journal,
            clock=parts.clock,
            voice=parts.voice,
            outlets=Outlets(parts.emit, self.ear.expect, parts.system_prompt, others_quiet),
            conversation=parts.conversation,
        )

    def open(self) -> AbstractAsyncContextManager[Ear]:
        """Listen inside the block."""
        return self.ear.open()

    def _expected(self, text: str | None) -> None:
        self.replies.expect_turn(text)

    def hear(self, frame: AudioFrame) -> None:
        """Take the caller's next sound."""
        self.ear.push(frame)

    def begin(
        self, begin: BeginReply, final_text_at: float | None, tasks: anyio.abc.TaskGroup
    ) -> None:
        """Start a reply."""
        self.replies.begin(begin, final_text_at, tasks)

    def cancel(self, turn: int, *, withdraw: bool) -> None:
        """Silence a reply."""
        self.replies.cancel(turn, withdraw=withdraw)

    def reassure(self, turn: int) -> None:
        """Say that it takes a moment."""
        self.replies.reassure(turn)

    def audible(self, turn: int) -> None:
        """The first sound of a reply went out."""
        self.replies.audible(turn)

    def finished(self, turn: int) -> None:
        """A reply was heard."""
        self.replies.finished(turn)
