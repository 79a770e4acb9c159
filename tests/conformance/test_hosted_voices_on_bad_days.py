"""ElevenLabs and Cartesia when their simulations fail."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from support.engines import running
from support.simulated_providers import desk, serving
from support.voice_studio import (
    SECONDS,
    SENTENCE,
    Studio,
    both,
    every_way,
    good_day,
    interrupted,
    said,
)
from support.waiting import until
from voice_agent.core.errors import (
    ProviderError,
    ProviderGarbage,
    ProviderMisconfigured,
    ProviderThrottled,
    ProviderUnavailable,
)
from voice_agent.engines.registry import Kind, find
from voice_agent.simulation.providers.cartesia.rules import Rules as CartesiaRules
from voice_agent.simulation.providers.desk import VALID_KEY, Desk, Timing
from voice_agent.simulation.providers.elevenlabs.rules import Rules as ElevenLabsRules
from voice_agent.simulation.providers.faults import Fault, FaultKind

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """One event loop for all tests, as they share a server."""
    return "asyncio"


@pytest.fixture(scope="module")
async def site() -> AsyncIterator[tuple[Desk, str]]:
    shared = desk()
    async with serving(shared) as base:
        yield shared, base


@pytest.fixture
def studio(site: tuple[Desk, str]) -> Studio:
    return good_day(*site)


@both
async def test_a_socket_that_closed_while_idle_is_replaced_silently(
    studio: Studio, name: str
) -> None:
    studio.rule(ElevenLabsRules(inactivity=0.15, final_delay=0.0))
    studio.rule(CartesiaRules(idle=0.1))
    async with studio.voice(name) as engine:
        await said(engine, "One.")
        await until(lambda: not studio.desk.connections[name])
        assert (await said(engine, "Two.")).data
    assert studio.connects == 2


FAULTS: Sequence[tuple[FaultKind, int, type[ProviderError]]] = [
    (FaultKind.REFUSE, 0, ProviderUnavailable),
    (FaultKind.UNAUTHORIZED, 0, ProviderMisconfigured),
    (FaultKind.THROTTLE, 0, ProviderThrottled),
    (FaultKind.ERROR, 0, ProviderUnavailable),
    (FaultKind.ERROR, 1, ProviderUnavailable),
    (FaultKind.STALL, 0, ProviderUnavailable),
    (FaultKind.STALL, 2, ProviderUnavailable),
    (FaultKind.RESET, 0, ProviderUnavailable),
    (FaultKind.RESET, 2, ProviderUnavailable),
    (FaultKind.CUT, 1, ProviderUnavailable),
    (FaultKind.GARBAGE, 1, ProviderGarbage),
]


@every_way
@pytest.mark.parametrize("fault", FAULTS, ids=[f"{kind}-{after}" for kind, after, _ in FAULTS])
async def test_every_fault_is_an_error_of_ours_and_the_next_clause_works(
    studio: Studio,
    name: str,
    options: dict[str, Any],
    fault: tuple[FaultKind, int, type[ProviderError]],
) -> None:
    kind, after, expected = fault
    studio.desk.faults.order(Fault(provider=name, kind=kind, after=after, times=1))
    found = {"first_sound_within": 0.4, "gap_within": 0.3, **options}
    async with studio.voice(name, **found) as engine:
        with pytest.raises(ProviderError) as caught:
            await said(engine)
        assert isinstance(caught.value, expected | ProviderGarbage | ProviderUnavailable)
        if kind is not FaultKind.GARBAGE:
            assert isinstance(caught.value, expected)
        assert VALID_KEY not in str(caught.value)
        assert SENTENCE not in str(caught.value)
        studio.desk.faults.clear()
        assert (await said(engine)).seconds == pytest.approx(SECONDS, abs=0.01)


@both
async def test_a_dead_socket_fails_every_clause_on_it(studio: Studio, name: str) -> None:
    studio.desk.timings = {name: Timing(between=0.05)}
    studio.desk.faults.order(Fault(provider=name, kind=FaultKind.RESET, after=3, times=1))
    failed: list[type[ProviderError]] = []

    async with studio.voice(name) as engine:

        async def call() -> None:
            try:
                await said(engine, "One, two, three. " * 12)
            except ProviderError as error:
                failed.append(type(error))

        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(call)
    assert failed == [ProviderUnavailable] * 3


@every_way
async def test_a_listener_may_go_away_before_the_connection_stands(
    studio: Studio, name: str, options: dict[str, Any]
) -> None:
    async with studio.voice(name, **options) as engine:
        for _ in range(3):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(said, engine)
                await anyio.lowlevel.checkpoint()
                tasks.cancel_scope.cancel()
        assert (await said(engine)).data


@every_way
async def test_a_server_that_is_not_there_is_unavailable_and_warming_says_nothing(
    name: str, options: dict[str, Any]
) -> None:
    found = {"api_key": VALID_KEY, "base_url": "http://127.0.0.1:9", **options}
    async with running(find(Kind.TTS, name), **found) as engine:
        await engine.warm()
        with pytest.raises(ProviderUnavailable):
            await said(engine)
        with pytest.raises(ProviderUnavailable):
            await engine.probe()


async def test_an_error_without_a_context_fails_the_socket_and_the_next_clause_works(
    studio: Studio,
) -> None:
    studio.rule(CartesiaRules(anonymous_errors=True))
    studio.desk.faults.order(Fault(provider="cartesia", kind=FaultKind.ERROR, after=1, times=1))
    async with studio.voice("cartesia") as engine:
        with pytest.raises(ProviderUnavailable):
            await said(engine)
        assert (await said(engine)).data


async def test_a_throttled_context_fails_alone(studio: Studio) -> None:
    studio.rule(CartesiaRules(contexts=1))
    studio.desk.timings = {"cartesia": Timing(first=0.2)}
    outcomes: list[object] = []

    async with studio.voice("cartesia") as engine:

        async def call() -> None:
            try:
                outcomes.append((await said(engine)).seconds)
            except ProviderError as error:
                outcomes.append(type(error))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(call)
            tasks.start_soon(call)
    assert outcomes == [ProviderThrottled, pytest.approx(SECONDS, abs=0.01)]


@both
async def test_a_voice_that_does_not_exist_is_a_wrong_setting(studio: Studio, name: str) -> None:
    async with studio.voice(name, voice="nobody") as engine:
        with pytest.raises(ProviderError):
            await said(engine)


@every_way
async def test_interrupted_clauses_leave_no_task_behind(
    studio: Studio, name: str, options: dict[str, Any]
) -> None:
    studio.desk.timings = {name: Timing(between=0.02)}
    before = len(asyncio.all_tasks())
    async with studio.voice(name, **options) as engine:
        for _ in range(3):
            await interrupted(engine)
            with anyio.move_on_after(0.03):
                await said(engine)
    await until(lambda: len(asyncio.all_tasks()) <= before)
