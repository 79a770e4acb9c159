"""A conversation in text: the same model, tools and record as a call, without sound.

One task reads what the person writes; at most one other writes the reply. A new message or a
cancel ends the reply under way, and the history keeps what of it had been sent. Every message
gets an answer: a model that fails, hangs or says nothing is made good by an honest sentence.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final

import anyio
import structlog
from anyio.abc import TaskGroup

from voice_agent.core.call import Call, Disposition
from voice_agent.core.chat import (
    Message,
    Role,
    TextDelta,
    ToolCall,
    ToolContext,
    ToolEffect,
    ToolResult,
)
from voice_agent.core.clock import Clock
from voice_agent.core.errors import ProviderError, ProviderUnavailable, TransportClosed
from voice_agent.core.events import (
    AgentSaid,
    CallEnded,
    CallerSaid,
    CallStarted,
    ToolFinished,
    ToolStarted,
    Trouble,
)
from voice_agent.core.ports import CallLog, LanguageModel, ToolExecutor
from voice_agent.core.usage import EngineSwitched, Usage
from voice_agent.pipeline.engine_reports import EngineReports
from voice_agent.pipeline.journal import Journal
from voice_agent.pipeline.spoken.speech_tags import SpeechTagFilter
from voice_agent.pipeline.tool_loop import ConverseEvent, converse, settle_reply
from voice_agent.transports.chat_protocol import (
    CancelReply,
    ChatInput,
    ChatOutput,
    ReplyDelta,
    ReplyDone,
    ToolUsed,
    UserMessage,
)

logger = structlog.get_logger(__name__)

Send = Callable[[ChatOutput], Awaitable[None]]
"""Shows the person something.

Raises:
    TransportClosed: the person is gone.
"""

MAX_HISTORY: Final = 120
"""Messages kept for the model; whole turns are forgotten from the oldest beyond it."""

_ENDS: Final = {
    ToolEffect.END_CALL: Disposition.AGENT_ENDED,
    ToolEffect.TRANSFER: Disposition.TRANSFERRED,
}


@dataclass(frozen=True, slots=True)
class ChatLimits:
    """How long things may take, in seconds.

    `step` is between two signs of life of a reply, tools included.
    """

    step: float = 30.0
    reply: float = 120.0
    idle: float = 900.0
    conversation: float = 4 * 3600.0


@dataclass(frozen=True, slots=True)
class ChatPhrases:
    """What the agent says when its model does not."""

    failed: str = "I'm sorry, I can't answer right now. Please try again, or ask for a person."
    empty: str = "I'm sorry, I have no answer to that. Could you put it another way?"


class ChatSession:
    """Holds text conversations with one model and set of tools; `run` holds one of them."""

    def __init__(
        self,
        model: LanguageModel,
        tools: ToolExecutor,
        prompt: Callable[[], str],
        log: CallLog,
        clock: Clock,
        *,
        engines: Callable[[], Mapping[str, str]] = dict,
        price: Callable[[Usage], float | None] = lambda _usage: None,
        limits: ChatLimits = ChatLimits(),
        phrases: ChatPhrases = ChatPhrases(),
    ) -> None:
        """`prompt` is asked anew for every reply; `engines` are named in the record.

        `price` is that of a piece of an engine's work (USD), None where nobody knows it.
        """
        self._parts = _Parts(model, tools, prompt, limits, phrases, price)
        self._log = log
        self._clock = clock
        self._engines = engines

    async def run(self, call: Call, messages: AsyncIterator[ChatInput], send: Send) -> Disposition:
        """Hold a conversation until the person leaves or the agent ends it."""
        self._log.begin(call)
        journal = Journal(call.id, self._clock, (self._log.append,))
        engines = dict(self._engines())
        journal.write(CallStarted(call.channel, call.direction, call.caller, engines))
        chat = _Chat(self._parts, call, send, journal)
        disposition = Disposition.SERVER_STOPPED
        try:
            disposition = await chat.hold(messages)
        except Exception:
            logger.exception("chat.crashed", call=call.id)
            disposition = Disposition.FAILED
        finally:
            journal.write(CallEnded(disposition, round(journal.elapsed, 3)))
        return disposition


@dataclass(frozen=True, slots=True)
class _Parts:
    model: LanguageModel
    tools: ToolExecutor
    prompt: Callable[[], str]
    limits: ChatLimits
    phrases: ChatPhrases
    price: Callable[[Usage], float | None]


@dataclass(slots=True)
class _Reply:
    """A reply under way."""

    turn: int
    start: int
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    over: anyio.Event = field(default_factory=anyio.Event)
    sent: str = ""
    tags: SpeechTagFilter = field(default_factory=SpeechTagFilter)
    calls: dict[str, ToolCall] = field(default_factory=dict)
    end: Disposition | None = None


class _Chat:
    """One conversation."""

    def __init__(self, parts: _Parts, call: Call, send: Send, journal: Journal) -> None:
        self._parts = parts
        self._call = call
        self._send = send
        self._journal = journal
        self._reports = EngineReports(journal, parts.price)
        self._history: list[Message] = []
        self._reply: _Reply | None = None
        self._turn = 0
        self._end = Disposition.TOO_LONG
        self._reading = anyio.CancelScope()

    async def hold(self, messages: AsyncIterator[ChatInput]) -> Disposition:
        async with anyio.create_task_group() as tasks:
            with anyio.move_on_after(self._parts.limits.conversation), self._reading:
                self._end = await self._read(messages, tasks)
            await self._stop_reply()
        return self._end

    async def _read(self, messages: AsyncIterator[ChatInput], tasks: TaskGroup) -> Disposition:
        while True:
            item: ChatInput | None = None
            with anyio.move_on_after(self._parts.limits.idle) as idle:
                item = await anext(messages, None)
            if idle.cancelled_caught:
                return Disposition.CALLER_IDLE
            match item:
                case None:
                    return Disposition.CALLER_HUNG_UP
                case CancelReply():
                    await self._stop_reply()
                case UserMessage(text):
                    await self._stop_reply()
                    self._begin(text, tasks)

    def _begin(self, text: str, tasks: TaskGroup) -> None:
        self._turn += 1
        self._journal.write(CallerSaid(text, 1.0), self._turn)
        forget_oldest(self._history, MAX_HISTORY)
        self._history.append(Message(Role.USER, text))
        self._reply = _Reply(self._turn, len(self._history))
        tasks.start_soon(self._answer, self._reply)

    async def _stop_reply(self) -> None:
        if self._reply is not None:
            self._reply.scope.cancel()
            await self._reply.over.wait()

    async def _answer(self, reply: _Reply) -> None:
        try:
            await self._write(reply)
        except TransportClosed:
            self._finish(Disposition.CONNECTION_LOST)
        finally:
            reply.over.set()
        if reply.end is not None:
            self._finish(reply.end)

    def _finish(self, disposition: Disposition) -> None:
        """End the conversation from within a reply."""
        self._end = disposition
        self._reading.cancel()

    async def _write(self, reply: _Reply) -> None:
        finished = False
        try:
            with reply.scope:
                await self._think(reply)
                finished = True
        finally:
            settle_reply(self._history, reply.start, reply.sent, interrupted=not finished)
            self._journal.write(AgentSaid(reply.sent.strip(), interrupted=not finished), reply.turn)
        await self._send(ReplyDone(reply.turn, reply.sent.strip()))

    async def _think(self, reply: _Reply) -> None:
        try:
            await self._stream(reply)
        except ProviderError as error:
            self._journal.write(Trouble(error.code, "chat", str(error)), reply.turn)
            await self._say(reply, self._parts.phrases.failed)
        if not reply.sent.strip():
            await self._say(reply, self._parts.phrases.empty)

    async def _stream(self, reply: _Reply) -> None:
        parts, limits = self._parts, self._parts.limits
        context = ToolContext(self._call.id, reply.turn, self._call.caller)
        events = converse(
            parts.model,
            parts.tools,
            self._history,
            context,
            parts.prompt(),
            unseen=lambda result: self._note(result, reply.turn),
        )
        with anyio.move_on_after(limits.reply):
            async with aclosing(events):
                while (event := await _within(limits.step, events)) is not None:
                    await self._take(reply, event)
                await self._say(reply, reply.tags.finish())
                return
        raise ProviderUnavailable("the reply did not come to an end", provider="language_model")

    async def _take(self, reply: _Reply, event: ConverseEvent) -> None:
        match event:
            case TextDelta(text):
                await self._say(reply, reply.tags.push(text))
            case ToolCall(id_, name, arguments):
                reply.calls[id_] = event
                self._journal.write(ToolStarted(id_, name, arguments), reply.turn)
            case ToolResult():
                await self._used(reply, event)
            case Usage() | EngineSwitched():
                self._reports.note(event, reply.turn)

    def _note(self, result: ToolResult, turn: int) -> None:
        finished = ToolFinished(
            result.call_id, result.name, result.ok, result.duration_ms, result.content
        )
        self._journal.write(finished, turn)

    async def _used(self, reply: _Reply, result: ToolResult) -> None:
        self._note(result, reply.turn)
        reply.end = _ENDS.get(result.effect, reply.end)
        arguments = reply.calls[result.call_id].arguments
        await self._send(ToolUsed(reply.turn, result.name, arguments, result.ok))

    async def _say(self, reply: _Reply, text: str) -> None:
        if not text:
            return
        if reply.sent and not reply.sent[-1].isspace() and text in _own(self._parts.phrases):
            text = f" {text}"
        await self._send(ReplyDelta(reply.turn, text))
        reply.sent += text


def _own(phrases: ChatPhrases) -> tuple[str, str]:
    return phrases.failed, phrases.empty


async def _within(seconds: float, events: AsyncIterator[ConverseEvent]) -> ConverseEvent | None:
    """The next event, None at the end.

    Raises:
        ProviderUnavailable: none came in time.
    """
    with anyio.move_on_after(seconds):
        return await anext(events, None)
    raise ProviderUnavailable(f"nothing came for {seconds:g} s", provider="language_model")


def forget_oldest(messages: list[Message], keep: int) -> None:
    """Drop the oldest turns, whole, until at most `keep` messages are left."""
    while len(messages) > keep:
        after = (i for i, message in enumerate(messages) if i and message.role is Role.USER)
        del messages[: next(after, len(messages))]
