"""Speech-to-speech models behind their breakers: a call gets the first that opens."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from voice_agent.core.errors import ProviderError
from voice_agent.core.ports import RealtimeModel, RealtimeStream
from voice_agent.core.realtime import (
    RealtimeEvent,
    RealtimeFailed,
    RealtimeRequest,
    ResponseEnded,
    ResponseOutcome,
)
from voice_agent.engines.resilience.candidates import Candidate, Candidates


class FailoverRealtimeModel:
    """Opens a session with the first model that may be asked.

    A session that dies is not replaced here: only the conversation knows what was heard of it.
    Where every breaker is open no model is asked, for a call has something else to turn to.
    """

    def __init__(self, candidates: Candidates[RealtimeModel]) -> None:
        """`candidates` are shared by all calls."""
        self.candidates = candidates

    async def warm(self) -> None:
        """Let the models get ready."""
        await self.candidates.warm()

    @asynccontextmanager
    async def open(
        self, request: RealtimeRequest, emit: Callable[[RealtimeEvent], None]
    ) -> AsyncIterator[RealtimeStream]:
        """A session; see the port.

        Raises:
            ProviderError: none could be had.
        """
        async with AsyncExitStack() as stack:
            yield await self._enter(stack, request, emit)

    async def _enter(
        self,
        stack: AsyncExitStack,
        request: RealtimeRequest,
        emit: Callable[[RealtimeEvent], None],
    ) -> RealtimeStream:
        last: ProviderError | None = None
        for candidate in self.candidates:
            if not candidate.breaker.admit(self.candidates.now):
                continue
            try:
                session = candidate.engine.open(request, self._watching(candidate, emit))
                return await stack.enter_async_context(session)
            except ProviderError as error:
                last = error
                self.candidates.failed(candidate, error)
            except BaseException:
                candidate.breaker.abandoned()
                raise
        raise self.candidates.none_left(last)

    def _watching(
        self, candidate: Candidate[RealtimeModel], emit: Callable[[RealtimeEvent], None]
    ) -> Callable[[RealtimeEvent], None]:
        """Pass events on and keep the breaker's account."""

        def watch(event: RealtimeEvent) -> None:
            match event:
                case RealtimeFailed():
                    self.candidates.failed(candidate, event.error)
                case ResponseEnded(outcome=ResponseOutcome.COMPLETED):
                    self.candidates.succeeded(candidate)
                case _:
                    pass
            emit(event)

        return watch
