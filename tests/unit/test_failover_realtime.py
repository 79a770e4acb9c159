"""Speech-to-speech models behind their breakers."""

import pytest

from voice_agent.core.audio import PHONE
from voice_agent.core.clock import LoopClock
from voice_agent.core.errors import ProviderMisconfigured, ProviderUnavailable
from voice_agent.core.ports import RealtimeModel
from voice_agent.core.realtime import RealtimeEvent, RealtimeFailed, RealtimeRequest
from voice_agent.engines.realtime.scripted import ScriptedRealtimeModel
from voice_agent.engines.resilience.breaker import BreakerState
from voice_agent.engines.resilience.candidates import Candidate, Candidates
from voice_agent.engines.resilience.realtime import FailoverRealtimeModel

pytestmark = pytest.mark.anyio

REQUEST = RealtimeRequest(PHONE)
BROKEN = ProviderMisconfigured("no such model", provider="first")


def models(*engines: RealtimeModel) -> FailoverRealtimeModel:
    candidates = [Candidate(f"model-{n}", engine) for n, engine in enumerate(engines)]
    return FailoverRealtimeModel(Candidates("realtime", candidates, LoopClock()))


async def test_the_next_model_is_asked_when_the_first_cannot_be_had() -> None:
    first, second = ScriptedRealtimeModel(refusal=BROKEN), ScriptedRealtimeModel()
    async with models(first, second).open(REQUEST, lambda _event: None):
        assert len(first.requests) == len(second.requests) == 1


async def test_a_model_that_is_known_to_be_broken_is_not_asked_again() -> None:
    first = ScriptedRealtimeModel(refusal=BROKEN)
    model = models(first)
    for _ in range(2):
        with pytest.raises(ProviderUnavailable if first.requests else ProviderMisconfigured):
            async with model.open(REQUEST, lambda _event: None):
                pass
    assert len(first.requests) == 1


async def test_a_session_that_dies_counts_against_its_model() -> None:
    first, told = ScriptedRealtimeModel(), list[RealtimeEvent]()
    model = models(first)
    async with model.open(REQUEST, told.append):
        first.die(BROKEN)
    assert told == [RealtimeFailed(BROKEN)]
    (candidate,) = model.candidates
    assert candidate.breaker.state(model.candidates.now) is BreakerState.OPEN
