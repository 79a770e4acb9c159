"""A recogniser made of several: another one hears again what one did not finish."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

import anyio

from voice_agent.core.errors import ProviderError
from voice_agent.core.ports import RecognitionStream, RecognizerInput, SpeechRecognizer
from voice_agent.core.speech import (
    RecognitionEvent,
    RecognitionFailed,
    RecognitionRequest,
    Transcript,
)
from voice_agent.core.usage import EngineSwitched
from voice_agent.engines.resilience.candidates import Candidate, Candidates
from voice_agent.engines.resilience.hearing_memory import HearingMemory

REOPEN_DELAY: Final = 0.5
"""Pause before trying again when every recogniser failed (s)."""
AT_ONCE: Final = 1.0
"""More sound than this without a notice of speech may have come all at once (s)."""
NOTICED_WITHIN: Final = 0.25
"""How long a detector may take to find the speech in it (s)."""
RETURN_AFTER: Final = 10.0
"""How long a substitute hears before a better one may get its place back (s)."""


class FailoverRecognizer:
    """Hears with the first recogniser that may be asked, and with the next one when it dies.

    A call can start at once: what is said before a stream is open is kept for it. A better
    recogniser gets its place back between two sentences, once its breaker lets it try.
    """

    def __init__(self, candidates: Candidates[SpeechRecognizer]) -> None:
        """`candidates` are shared by all calls."""
        self.candidates = candidates

    async def warm(self) -> None:
        """Let the recognisers get ready."""
        await self.candidates.warm()

    @asynccontextmanager
    async def open(
        self, request: RecognitionRequest, emit: Callable[[RecognitionEvent], None]
    ) -> AsyncIterator["_SteadyStream"]:
        """A stream that outlives its recognisers; see the port."""
        stream = _SteadyStream(self.candidates, request, emit)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(stream.keep_open)
            try:
                yield stream
            finally:
                tasks.cancel_scope.cancel()


class _SteadyStream:
    """One call's recognition."""

    def __init__(
        self,
        candidates: Candidates[SpeechRecognizer],
        request: RecognitionRequest,
        emit: Callable[[RecognitionEvent], None],
    ) -> None:
        self._candidates = candidates
        self._request = request
        self._emit = emit
        self._memory = HearingMemory()
        self._current: RecognitionStream | None = None
        self._candidate: Candidate[SpeechRecognizer] | None = None
        self._over = anyio.Event()
        self._error: ProviderError | None = None
        self._lost: tuple[str, ProviderError] | None = None
        self._since = 0.0

    def send(self, item: RecognizerInput) -> None:
        """Take the next input; never blocks."""
        self._memory.note(item)
        if self._current is not None:
            self._current.send(item)

    async def keep_open(self) -> None:
        """Have a recogniser open at all times, until cancelled."""
        while True:
            for candidate in self._candidates.admitted():
                if await self._listen(candidate):
                    break
            else:
                self._give_up()
                await anyio.sleep(REOPEN_DELAY)

    async def _listen(self, candidate: Candidate[SpeechRecognizer]) -> bool:
        """Hear with one recogniser until it dies (false) or makes way for a better one."""
        self._over, self._error = anyio.Event(), None
        self._candidate = candidate
        try:
            async with candidate.engine.open(self._request, self._on_event) as stream:
                if self._memory.unnoticed > AT_ONCE:
                    await anyio.sleep(NOTICED_WITHIN)
                self._begin(candidate, stream)
                await self._over.wait()
        except ProviderError as error:
            self._error = error
        except BaseException:
            candidate.breaker.abandoned()
            raise
        finally:
            self._current = None
        if self._error is None:
            return True
        self._candidates.failed(candidate, self._error)
        self._lost = (candidate.name, self._error)
        return False

    def _begin(self, candidate: Candidate[SpeechRecognizer], stream: RecognitionStream) -> None:
        if self._lost is not None:
            name, error = self._lost
            self._lost = None
            self._emit(EngineSwitched(self._candidates.kind, name, candidate.name, error.code))
        self._since = self._candidates.now
        for item in self._memory.replay():
            stream.send(item)
        self._current = stream

    def _on_event(self, event: RecognitionEvent) -> None:
        match event:
            case RecognitionFailed():
                self._error = event.error
                self._current = None
                self._over.set()
            case Transcript():
                self._emit(self._memory.complete(event))
                if event.final:
                    self._worked()
            case _:
                self._emit(event)

    def _worked(self) -> None:
        if self._candidate is None:
            return
        self._candidates.succeeded(self._candidate)
        waited = self._candidates.now - self._since >= RETURN_AFTER
        if waited and not self._memory.speaking and self._candidates.first() is not self._candidate:
            self._current = None
            self._over.set()

    def _give_up(self) -> None:
        if self._lost is not None:
            self._emit(RecognitionFailed(self._lost[1]))
