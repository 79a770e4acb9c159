"""Asks the model before the caller's turn is certainly over, and uses the answer if it was.

Only events are collected ahead of time: no tool runs and nothing is spoken before the turn is
really over, with the words that were expected.
"""

import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field

import anyio
import anyio.abc

from voice_agent.core.chat import ChatEvent, ChatRequest, Message
from voice_agent.core.errors import ProviderError
from voice_agent.core.ports import LanguageModel
from voice_agent.pipeline.tool_loop import closing


class Foresight:
    """A language model that may have been asked already."""

    def __init__(self, model: LanguageModel) -> None:
        """One for each call."""
        self._model = model
        self._guess: _Guess | None = None
        self.hits = 0
        self.misses = 0

    def begin(self, request: ChatRequest, tasks: anyio.abc.TaskGroup) -> None:
        """Ask now what will probably be asked soon; the guess before it is dropped."""
        self.drop()
        self._guess = _Guess(request)
        tasks.start_soon(self._guess.run, self._model)

    def drop(self) -> None:
        """The caller went on: nobody will ask that."""
        if self._guess is not None:
            self._guess.scope.cancel()
            self._guess = None
            self.misses += 1

    async def stream(self, request: ChatRequest) -> AsyncIterator[ChatEvent]:
        """The answer; see the port. What was collected ahead of time comes at once.

        Raises:
            ProviderError: the model failed.
        """
        guess = self._guess
        if guess is None or not _same_question(guess.request, request):
            self.drop()
            async with closing(self._model.stream(request)) as events:
                async for event in events:
                    yield event
            return
        self._guess = None
        self.hits += 1
        async with aclosing(guess.events()) as ahead:
            async for event in ahead:
                yield event


@dataclass(slots=True)
class _Guess:
    """One request under way, and what came of it so far."""

    request: ChatRequest
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    _came: list[ChatEvent] = field(default_factory=list)
    _error: ProviderError | None = None
    _over: bool = False
    _news: anyio.Event = field(default_factory=anyio.Event)

    async def run(self, model: LanguageModel) -> None:
        with self.scope:
            try:
                async with closing(model.stream(self.request)) as events:
                    async for event in events:
                        self._came.append(event)
                        self._news.set()
            except ProviderError as error:
                self._error = error
        self._over = True
        self._news.set()

    async def events(self) -> AsyncGenerator[ChatEvent, None]:
        """What came and what comes; leaving early cancels the request."""
        position = 0
        try:
            while True:
                while position < len(self._came):
                    position += 1
                    yield self._came[position - 1]
                if self._over:
                    break
                self._news = anyio.Event()
                await self._news.wait()
        finally:
            self.scope.cancel()
        if self._error is not None:
            raise self._error


def _same_question(one: ChatRequest, other: ChatRequest) -> bool:
    """The same history but for capitals and punctuation; the time of day may have moved on."""
    return list(map(_plain, one.messages)) == list(map(_plain, other.messages))


def _plain(message: Message) -> tuple[object, ...]:
    words = re.sub(r"[^\w\s]+", "", message.text).casefold().split()
    return message.role, tuple(words), message.tool_calls, message.call_id
