"""Lets the router choose the voice of each clause, and keeps the voice of a reply."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Final

from voice_agent.core.ports import SpeechSynthesizer
from voice_agent.core.speech import SpeechRequest
from voice_agent.engines.resilience.candidates import Candidate, Candidates
from voice_agent.engines.tts.router import Candidate as RoutedVoice
from voice_agent.engines.tts.router import ClauseContext, Mode, TTSRouter

REPLIES: Final = 1000
"""How many replies' voices are remembered."""

Traits = Mapping[str, Mapping[str, float]]
"""The providers' traits by their names."""


class RoutedVoices:
    """The order in which voices are tried for a clause.

    Embedded voices stand in when hosted ones fail; only the mode `cost` prefers them.
    """

    def __init__(
        self, candidates: Candidates[SpeechSynthesizer], traits: Traits, router: TTSRouter
    ) -> None:
        """One for all calls."""
        self._candidates = candidates
        self._traits = traits
        self._router = router
        self._spoke: OrderedDict[str, str] = OrderedDict()

    def order(self, request: SpeechRequest) -> Sequence[str]:
        """The names to try, first first."""
        context = ClauseContext(
            request.text, self._spoke.get(request.reply, ""), buffered=request.buffered
        )
        voices = list(self._candidates)
        if self._router.mode is Mode.COST:
            return self._router.order([self._routed(voice) for voice in voices], context)
        hosted = [self._routed(voice) for voice in voices if not voice.embedded]
        embedded = [self._routed(voice) for voice in voices if voice.embedded]
        if context.current in [voice.name for voice in embedded]:
            hosted, embedded = embedded, hosted
        return [*self._router.order(hosted, context), *(voice.name for voice in embedded)]

    def sounded(self, request: SpeechRequest, name: str, seconds: float) -> None:
        """A voice began to sound for a clause so long (s) after it was asked."""
        self._router.observe(name, seconds)
        if request.reply:
            self._spoke[request.reply] = name
            while len(self._spoke) > REPLIES:
                self._spoke.popitem(last=False)

    def _routed(self, voice: Candidate[SpeechSynthesizer]) -> RoutedVoice:
        healthy = voice.breaker.would_admit(self._candidates.now)
        return RoutedVoice(voice.name, self._traits.get(voice.name, {}), healthy)
