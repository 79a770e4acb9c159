"""`/health` tells whether the server runs, and whether it can take calls."""

from dataclasses import dataclass, replace

import httpx2
import pytest
from fastapi import FastAPI

from voice_agent.api.health import HealthCheck, HealthReport, router
from voice_agent.engines.chains import EngineStatus, Standing
from voice_agent.engines.resilience.breaker import BreakerState


@dataclass
class Services:
    """What the router finds on the application."""

    health: HealthCheck


async def ask(report: HealthReport, path: str) -> httpx2.Response:
    async def check() -> HealthReport:
        return report

    app = FastAPI()
    app.include_router(router)
    app.state.services = Services(check)
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://agent") as client:
        return await client.get(path)


GOOD = HealthReport("0.1.0", uptime_s=12.34567, calls_active=2, engines={"stt": "embedded"})
BAD = HealthReport("0.1.0", 1.0, 0, problems=("The recogniser did not start.",))


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("report", "path", "status"),
    [
        (GOOD, "/health", 200),
        (GOOD, "/health?ready=1", 200),
        (BAD, "/health", 200),
        (BAD, "/health?ready=0", 200),
        (BAD, "/health?ready=1", 503),
    ],
)
async def test_only_a_question_for_readiness_fails(
    report: HealthReport, path: str, status: int
) -> None:
    assert (await ask(report, path)).status_code == status


@pytest.mark.anyio
async def test_health_says_what_runs() -> None:
    response = await ask(GOOD, "/health")
    assert response.json() == {
        "status": "ok",
        "version": "0.1.0",
        "uptime_s": 12.346,
        "calls_active": 2,
        "engines": {"stt": "embedded"},
        "problems": [],
        "chains": [],
    }
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.anyio
async def test_reasons_for_not_being_ready_are_sentences() -> None:
    answer = (await ask(BAD, "/health?ready=1")).json()
    assert answer["status"] == "not_ready"
    assert answer["problems"] == ["The recogniser did not start."]


@pytest.mark.anyio
async def test_readiness_tells_of_every_engine_what_it_would_do_now() -> None:
    down = EngineStatus("llm", "openai", Standing.BLOCKED, BreakerState.OPEN, "HTTP 500")
    report = replace(GOOD, statuses=(down, EngineStatus("llm", "builtin", Standing.IN_USE)))
    chains = (await ask(report, "/health?ready=1")).json()["chains"]
    assert chains[0] == {
        "kind": "llm",
        "name": "openai",
        "standing": "blocked",
        "breaker": "open",
        "reason": "HTTP 500",
    }
    assert chains[1]["standing"] == "in_use"
