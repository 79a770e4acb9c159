"""The call endpoints, asked over ASGI on a real application and a real database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI

from support.storage import NOW, a_call, events_of, url_of
from voice_agent.api.calls import CallRecords, router
from voice_agent.api.errors import install_error_handlers
from voice_agent.core.call import Channel, Direction, Disposition
from voice_agent.core.events import (
    AgentSaid,
    CallEnded,
    CallerHeard,
    CallerSaid,
    CallStarted,
    ToolFinished,
    ToolStarted,
    TurnMeasured,
)
from voice_agent.pipeline.directory import CallDirectory
from voice_agent.storage.sql.call_log import SqlCallLog
from voice_agent.storage.sql.call_records import SqlCallRecords
from voice_agent.storage.sql.database import Database

pytestmark = pytest.mark.anyio

STARTED = CallStarted(
    Channel.PHONE, Direction.INBOUND, caller="+12125550100", engines={"stt": "scripted"}
)


@dataclass
class Services:
    """What the routers find on the application."""

    records: CallRecords
    calls: CallDirectory = field(default_factory=CallDirectory)


@dataclass
class Server:
    """An application, its call log, and a client of it."""

    client: httpx2.AsyncClient
    log: SqlCallLog
    calls: CallDirectory


@asynccontextmanager
async def serving(path: Path) -> AsyncIterator[Server]:
    app = FastAPI()
    install_error_handlers(app)
    app.include_router(router)
    async with Database(url_of(path)) as database, SqlCallLog(database, linger=0.0) as log:
        services = Services(SqlCallRecords(database))
        app.state.services = services
        transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url="http://agent") as client:
            yield Server(client, log, services.calls)


async def store_calls(server: Server, count: int) -> None:
    for number in range(count):
        channel = Channel.PHONE if number % 2 else Channel.BROWSER
        call = a_call(f"call-{number}", channel=channel)
        server.log.begin(replace(call, started_at=NOW + timedelta(minutes=number // 2)))
        ended = CallEnded(Disposition.AGENT_ENDED, duration=30.0)
        for event in events_of(call.id, STARTED, ended):
            server.log.append(event)
    await server.log.flush()


async def test_without_calls_both_lists_are_empty(tmp_path: Path) -> None:
    async with serving(tmp_path / "agent.db") as server:
        active = await server.client.get("/api/active-calls")
        logs = await server.client.get("/api/call-logs")
    assert active.json() == {"calls": [], "count": 0}
    assert logs.json() == {"calls": [], "next_cursor": None}


async def test_a_live_call_is_listed_with_its_number_masked(tmp_path: Path) -> None:
    async with serving(tmp_path / "agent.db") as server:
        server.calls.begin(a_call())
        for event in events_of("call-1", STARTED, CallerSaid("where is my order", 0.9)):
            server.calls.append(event)
        answer = (await server.client.get("/api/active-calls")).json()
    assert answer["count"] == 1
    shown = answer["calls"][0]
    assert shown["caller"] == "••••••••0100"
    assert shown["state"] == "thinking"
    assert shown["engines"] == {"stt": "scripted"}
    assert "order" not in str(shown)


async def test_pages_hold_every_call_once_newest_first(tmp_path: Path) -> None:
    async with serving(tmp_path / "agent.db") as server:
        await store_calls(server, 11)
        seen: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            answer = await server.client.get(
                "/api/call-logs", params={"limit": 3, "cursor": cursor}
            )
            seen += [call["id"] for call in answer.json()["calls"]]
            cursor = answer.json()["next_cursor"]
    assert len(seen) == len(set(seen)) == 11
    assert seen[0] == "call-10"
    assert seen[-1] == "call-0"


@pytest.mark.parametrize(
    ("params", "count"),
    [
        ({"channel": "phone"}, 2),
        ({"channel": "chat"}, 0),
        ({"disposition": "agent_ended"}, 5),
        ({"disposition": "failed"}, 0),
        ({"since": (NOW + timedelta(minutes=1)).isoformat()}, 3),
        ({"since": (NOW + timedelta(minutes=1)).isoformat(), "channel": "phone"}, 1),
    ],
)
async def test_filters_keep_what_fits(tmp_path: Path, params: dict[str, str], count: int) -> None:
    async with serving(tmp_path / "agent.db") as server:
        await store_calls(server, 5)
        answer = await server.client.get("/api/call-logs", params=params)
    assert len(answer.json()["calls"]) == count


async def test_a_call_is_shown_with_transcript_turns_and_events(tmp_path: Path) -> None:
    said = events_of(
        "call-1",
        STARTED,
        CallerHeard("where is"),
        CallerSaid("where is my order", 0.8),
        ToolStarted("t1", "check_order_status", {"order_id": "1042"}),
        ToolFinished("t1", "check_order_status", True, 12.0, {"status": "shipped"}),
        AgentSaid("Your order has", interrupted=True, unheard="been shipped."),
        TurnMeasured(600.0, {"stt": 100.0, "llm": 500.0}),
        CallEnded(Disposition.CALLER_HUNG_UP, 9.5),
    )
    async with serving(tmp_path / "agent.db") as server:
        server.log.begin(a_call())
        for event in said:
            server.log.append(event)
        await server.log.flush()
        response = await server.client.get("/api/call-logs/call-1")
    shown = response.json()
    assert response.status_code == 200
    assert shown["disposition"] == "caller_hung_up"
    assert shown["duration"] == 9.5
    assert [(line["speaker"], line["text"]) for line in shown["transcript"]] == [
        ("caller", "where is my order"),
        ("agent", "Your order has"),
    ]
    turn = shown["turns"][0]
    assert turn["interrupted"] is True
    assert turn["latency_ms"] == 600.0
    assert turn["stages_ms"] == {"stt": 100.0, "llm": 500.0}
    assert turn["tools"][0]["arguments"] == {"order_id": "1042"}
    assert turn["tools"][0]["ok"] is True
    assert [event["seq"] for event in shown["events"]] == list(range(len(said)))
    assert "+12125550100" not in response.text


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/api/call-logs/nothing", 404, "not_found"),
        ("/api/call-logs?limit=201", 422, "invalid_request"),
        ("/api/call-logs?limit=0", 422, "invalid_request"),
        ("/api/call-logs?limit=ten", 422, "invalid_request"),
        ("/api/call-logs?channel=pigeon", 422, "invalid_request"),
        ("/api/call-logs?since=2026-11-23T10:00:00", 422, "invalid_request"),
        ("/api/call-logs?cursor=garbage", 400, "protocol"),
        ("/api/call-logs?cursor=%C3%A4", 400, "protocol"),
        ("/api/nowhere", 404, "not_found"),
    ],
)
async def test_a_wrong_request_gets_a_problem(
    tmp_path: Path, path: str, status: int, code: str
) -> None:
    async with serving(tmp_path / "agent.db") as server:
        response = await server.client.get(path)
    problem = response.json()
    assert response.status_code == problem["status"] == status
    assert problem["code"] == code
    assert response.headers["content-type"] == "application/problem+json"
    assert problem["type"] == f"urn:voice-agent:problem:{code}"
    assert problem["instance"] == path.partition("?")[0]


async def test_a_wrong_method_gets_a_problem_that_names_the_right_one(tmp_path: Path) -> None:
    async with serving(tmp_path / "agent.db") as server:
        response = await server.client.post("/api/active-calls")
    assert response.status_code == 405
    assert response.headers["allow"] == "GET"
    assert response.json()["code"] == "method_not_allowed"
