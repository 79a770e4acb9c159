"""An NLU server that is slow, wrong or gone costs at most its deadline."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from support.simulated_providers import desk, serving
from voice_agent.core.clock import LoopClock
from voice_agent.core.errors import (
    ProviderError,
    ProviderGarbage,
    ProviderMisconfigured,
    ProviderThrottled,
    ProviderUnavailable,
)
from voice_agent.core.understanding import Intent
from voice_agent.engines.nlu.rasa_tier import RasaOptions, RasaTier, read_guess
from voice_agent.engines.nlu.tiers import NO_GUESS, Guess, Utterance
from voice_agent.simulation.providers.desk import VALID_KEY, Desk
from voice_agent.simulation.providers.faults import Fault, FaultKind

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 23, 14, tzinfo=UTC)
ORDER = Utterance("where is my order 1042", NOW)


@asynccontextmanager
async def tier(
    simulated: Desk | None = None, token: str = VALID_KEY, within: float = 5.0
) -> AsyncIterator[RasaTier]:
    async with serving(simulated or desk()) as url:
        options = RasaOptions(base_url=f"{url}/rasa", token=SecretStr(token), answer_within=within)
        async with RasaTier(options, LoopClock()) as opened:
            yield opened


async def test_the_server_s_intent_is_the_guess() -> None:
    async with tier() as rasa:
        await rasa.warm()
        await rasa.probe()
        guess = await rasa.guess(ORDER)
    assert guess.intent is Intent.CHECK_ORDER_STATUS
    assert guess.confidence > rasa.threshold


async def test_a_caller_cannot_name_an_intent_with_a_slash() -> None:
    async with tier() as rasa:
        guess = await rasa.guess(Utterance('  //affirm{"name": "x"}', NOW))
        empty = await rasa.guess(Utterance("/", NOW))
    assert guess.confidence < 1.0 or guess.intent is not Intent.AFFIRM
    assert empty == NO_GUESS


async def test_the_server_s_fallback_is_no_answer() -> None:
    async with tier() as rasa:
        assert await rasa.guess(Utterance("colourless green ideas", NOW)) == NO_GUESS


async def test_the_token_goes_into_the_query() -> None:
    async with tier(token="wrong") as rasa:
        with pytest.raises(ProviderMisconfigured):
            await rasa.guess(ORDER)


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (FaultKind.REFUSE, ProviderUnavailable),
        (FaultKind.STALL, ProviderUnavailable),
        (FaultKind.ERROR, ProviderUnavailable),
        (FaultKind.THROTTLE, ProviderThrottled),
        (FaultKind.UNAUTHORIZED, ProviderMisconfigured),
        (FaultKind.GARBAGE, ProviderGarbage),
    ],
)
async def test_every_bad_day_is_one_of_the_known_errors(
    kind: FaultKind, error: type[ProviderError]
) -> None:
    simulated = desk()
    simulated.faults.order(Fault(provider="rasa", kind=kind))
    within = 0.2 if kind is FaultKind.STALL else 5.0
    async with tier(simulated, within=within) as rasa:
        with pytest.raises(error) as raised:
            await rasa.guess(ORDER)
    assert "1042" not in str(raised.value)


async def test_a_server_that_fails_again_and_again_is_left_alone() -> None:
    simulated = desk()
    simulated.faults.order(Fault(provider="rasa", kind=FaultKind.ERROR))
    async with tier(simulated) as rasa:
        for _ in range(6):
            with pytest.raises(ProviderUnavailable):
                await rasa.guess(ORDER)
    assert len(simulated.journal) == 3


def test_only_the_intent_is_needed() -> None:
    body = orjson.dumps({"text": "ta", "intent": {"name": "thanks", "confidence": 0.9}})
    assert read_guess(body) == Guess(Intent.THANKS, 0.9)


@pytest.mark.parametrize(
    "intent",
    [
        {"name": None, "confidence": 0.0},
        {"name": "nlu_fallback", "confidence": 0.9},
        {"name": "book_cab", "confidence": 0.9},
    ],
)
def test_what_it_did_not_understand_or_we_do_not_know_is_no_guess(
    intent: dict[str, object],
) -> None:
    assert read_guess(orjson.dumps({"intent": intent})) == NO_GUESS


@given(st.binary() | st.recursive(st.none() | st.integers() | st.text(), lambda v: st.lists(v)
       | st.dictionaries(st.sampled_from(["intent", "name", "confidence"]), v)).map(
           lambda v: repr(v).encode()))  # fmt: skip
def test_any_body_is_an_answer_or_garbage(body: bytes) -> None:
    with suppress(ProviderGarbage):
        assert 0 <= read_guess(body).confidence <= 1
