"""A language model made of several: the next one goes on where one fails."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final

import anyio

from voice_agent.core.chat import ChatEvent, ChatRequest, Finished, Role, TextDelta, ToolCall
from voice_agent.core.errors import ProviderError, ProviderUnavailable
from voice_agent.core.ports import LanguageModel
from voice_agent.core.usage import EngineSwitched
from voice_agent.engines.resilience.candidates import Candidate, Candidates
from voice_agent.engines.resilience.continuation import Answer, continuing
from voice_agent.engines.resilience.hedge import HedgePolicy

CLOSING_WITHIN: Final = 1.0
"""How long a stream may take to be closed (s)."""


class FailoverModel:
    """Asks the first model that may be asked, and the next one when it fails.

    What the failed one had said is kept: the next one continues it. Tools are passed on only
    when the answer that asks for them is complete, so no two models can both ask. A first
    word that is slow is hedged: a second hosted model is asked too, and the quicker one wins.
    """

    def __init__(self, candidates: Candidates[LanguageModel]) -> None:
        """`candidates` are shared by all calls, and so is the hedging budget."""
        self.candidates = candidates
        self._hedges = HedgePolicy()

    async def warm(self) -> None:
        """Let the models open their connections."""
        await self.candidates.warm()

    async def stream(self, request: ChatRequest) -> AsyncIterator[ChatEvent]:
        """One answer; see the port.

        Raises:
            ProviderError: every model failed.
        """
        answer = Answer()
        failed: dict[str, ProviderError] = {}
        for candidate in self.candidates.admitted():
            if candidate.name in failed:
                candidate.breaker.abandoned()
                continue
            attempt = _Attempt(candidate, continuing(request, answer.said))
            if failed:
                answer.hand_over()
                name, error = list(failed.items())[-1]
                yield EngineSwitched(self.candidates.kind, name, candidate.name, error.code)
            else:
                attempt = await self._quickest(attempt, failed)
            try:
                async with aclosing(attempt.events(answer)) as events:
                    async for event in events:
                        yield event
            except ProviderError as error:
                failed[attempt.candidate.name] = error
            else:
                return
            finally:
                await self._settle(attempt)
        raise self.candidates.none_left(list(failed.values())[-1] if failed else None)

    async def _quickest(self, first: "_Attempt", failed: dict[str, ProviderError]) -> "_Attempt":
        """The attempt whose first event came first; one that failed meanwhile is noted."""
        self._hedges.asked()
        if not self._may_hedge(first):
            return first
        race = _Race(first)
        began = self.candidates.now
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(race.run, first)
            with anyio.move_on_after(self._hedges.delay):
                await race.decided.wait()
            if not race.decided.is_set():
                second = self._second(first)
                if second is not None:
                    tasks.start_soon(race.run, second)
                await race.decided.wait()
            tasks.cancel_scope.cancel()
        winner = race.winner or first
        if len(race.runners) == 1 and winner.error is None:
            self._hedges.answered(self.candidates.now - began)
        for loser in race.runners:
            if loser is not winner:
                if loser.error is not None:
                    failed[loser.candidate.name] = loser.error
                await self._settle(loser)
        return winner

    def _may_hedge(self, first: "_Attempt") -> bool:
        """Not once tools of this turn have run, and not to replace what always answers."""
        messages = first.request.messages
        after_tools = bool(messages) and messages[-1].role is Role.TOOL
        return not after_tools and not first.candidate.embedded

    def _second(self, first: "_Attempt") -> "_Attempt | None":
        """Another hosted model, if there is one and the budget allows it."""
        for candidate in self.candidates:
            if candidate is first.candidate or candidate.embedded:
                continue
            if candidate.breaker.would_admit(self.candidates.now) and self._hedges.spend():
                candidate.breaker.admit(self.candidates.now)
                return _Attempt(candidate, first.request)
        return None

    async def _settle(self, attempt: "_Attempt") -> None:
        """Close the attempt's stream and tell its breaker how it went."""
        await attempt.close()
        if attempt.error is not None:
            self.candidates.failed(attempt.candidate, attempt.error)
        elif attempt.finished:
            self.candidates.succeeded(attempt.candidate)
        else:
            attempt.candidate.breaker.abandoned()


@dataclass(slots=True)
class _Attempt:
    """One request to one model; `error` and `finished` say how it went."""

    candidate: Candidate[LanguageModel]
    request: ChatRequest
    error: ProviderError | None = None
    finished: bool = False
    _stream: AsyncIterator[ChatEvent] | None = None
    _first: list[ChatEvent] = field(default_factory=list)

    async def begin(self) -> None:
        """Wait for the first event; a failure is kept for `events`."""
        self._stream = self.candidate.engine.stream(self.request)
        try:
            async for event in self._stream:
                self._first.append(event)
                return
        except ProviderError as error:
            self.error = error

    async def events(self, answer: Answer) -> AsyncGenerator[ChatEvent, None]:
        """The model's events as they are passed on, to exactly one `Finished`.

        Raises:
            ProviderError: the model failed, also by stopping without a `Finished`.
        """
        calls: list[ToolCall] = []
        try:
            async for event in self._all():
                match event:
                    case TextDelta():
                        if text := answer.push(event.text):
                            yield TextDelta(text)
                    case ToolCall():
                        calls.append(event)
                    case Finished():
                        self.finished = True
                        if text := answer.finish():
                            yield TextDelta(text)
                        for call in calls:
                            yield call
                        yield event
                        return
                    case _:
                        yield event
            raise ProviderUnavailable(
                "the answer stopped in the middle", provider=self.candidate.name
            )
        except ProviderError as error:
            self.error = error
            raise

    async def close(self) -> None:
        """Cancel the request; safe to repeat."""
        close = getattr(self._stream, "aclose", None)
        if close is not None:
            with anyio.move_on_after(CLOSING_WITHIN, shield=True):
                await close()

    async def _all(self) -> AsyncIterator[ChatEvent]:
        if self._stream is None:
            self._stream = self.candidate.engine.stream(self.request)
        if self.error is not None:
            raise self.error
        for event in self._first:
            yield event
        async for event in self._stream:
            yield event


@dataclass(slots=True)
class _Race:
    """Several attempts waiting for their first event."""

    first: _Attempt
    runners: list[_Attempt] = field(default_factory=list)
    winner: _Attempt | None = None
    decided: anyio.Event = field(default_factory=anyio.Event)

    async def run(self, attempt: _Attempt) -> None:
        """Decided by the first that begins well, or when all have failed."""
        self.runners.append(attempt)
        await attempt.begin()
        if attempt.error is None and self.winner is None:
            self.winner = attempt
        if self.winner is not None or all(runner.error for runner in self.runners):
            self.decided.set()
