"""A voice made of several: another one speaks on at the word where one fails."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Protocol

from voice_agent.core.errors import ProviderError, ProviderUnavailable
from voice_agent.core.ports import SpeechSynthesizer
from voice_agent.core.speech import SpeechEvent, SpeechRequest, SpokenAudio, SpokenWord
from voice_agent.core.usage import EngineSwitched
from voice_agent.engines.resilience.candidates import Candidate, Candidates
from voice_agent.engines.resilience.speech_progress import SpeechProgress


class Routing(Protocol):
    """Decides in which order voices are tried, and learns from how quick they were."""

    def order(self, request: SpeechRequest) -> Sequence[str]:
        """The names to try for a clause, best first."""
        ...

    def sounded(self, request: SpeechRequest, name: str, seconds: float) -> None:
        """A voice began to sound so long (s) after it was asked."""
        ...


class FailoverSynthesizer:
    """Speaks with the first voice that may be asked, and with the next one when it fails."""

    def __init__(
        self, candidates: Candidates[SpeechSynthesizer], routing: Routing | None = None
    ) -> None:
        """Without `routing` the voices are tried in their configured order."""
        self.candidates = candidates
        self._routing = routing

    async def warm(self) -> None:
        """Let the voices open their connections."""
        await self.candidates.warm()

    async def stream(self, request: SpeechRequest) -> AsyncIterator[SpeechEvent]:
        """One clause; see the port.

        Raises:
            ProviderError: every voice failed.
        """
        progress = SpeechProgress(request)
        part: SpeechRequest | None = request
        last: tuple[str, ProviderError] | None = None
        order = None if self._routing is None else self._routing.order(request)
        for candidate in self.candidates.admitted(order):
            if last is not None:
                part, untimed = progress.hand_over()
                for word in untimed:
                    yield word
                if part is None:
                    candidate.breaker.abandoned()
                    return
                name, error = last
                yield EngineSwitched(self.candidates.kind, name, candidate.name, error.code)
            try:
                async with aclosing(self._speak(candidate, part or request, progress)) as events:
                    async for event in events:
                        yield event
            except ProviderError as error:
                self.candidates.failed(candidate, error)
                last = (candidate.name, error)
            except BaseException:
                candidate.breaker.abandoned()
                raise
            else:
                self.candidates.succeeded(candidate)
                return
        raise self.candidates.none_left(last[1] if last else None)

    async def _speak(
        self,
        candidate: Candidate[SpeechSynthesizer],
        request: SpeechRequest,
        progress: SpeechProgress,
    ) -> AsyncGenerator[SpeechEvent, None]:
        began, sounded = self.candidates.now, False
        if not candidate.embedded:
            request = replace(request, voice="")
        stream = candidate.engine.stream(request)
        try:
            async for event in stream:
                match event:
                    case SpokenAudio():
                        if not sounded:
                            sounded = True
                            self._sounded(request, candidate, self.candidates.now - began)
                        yield event
                        for word in progress.heard(event):
                            yield word
                    case SpokenWord():
                        for word in progress.word(event):
                            yield word
                    case _:
                        yield event
        finally:
            close = getattr(stream, "aclose", None)
            if close is not None:
                await close()
        if not sounded and any(map(str.isalnum, request.text)):
            raise ProviderUnavailable("no sound came", provider=candidate.name)
        for word in progress.finished():
            yield word

    def _sounded(
        self, request: SpeechRequest, candidate: Candidate[SpeechSynthesizer], seconds: float
    ) -> None:
        if self._routing is not None:
            self._routing.sounded(request, candidate.name, seconds)
