"""What is remembered of a person, over the API and on the command line."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
import httpx2
import pytest
from fastapi import FastAPI
from typer.testing import CliRunner

from support.remembered_callers import KEYS, NUMBER, CallersInMemory, caller, lesson
from support.storage import url_of
from voice_agent.api.errors import install_error_handlers
from voice_agent.api.memory import router
from voice_agent.cli import app as command
from voice_agent.core.clock import LoopClock
from voice_agent.core.errors import NotFoundError, VoiceAgentError
from voice_agent.memory.caller_keys import KEY_FILE, CallerKeys, read_or_make_secret
from voice_agent.memory.recollection import MemorySettings
from voice_agent.memory.service import MemoryService
from voice_agent.storage.sql.database import Database
from voice_agent.storage.sql.repositories.caller_memory import SqlCallerMemory

pytestmark = pytest.mark.anyio


@dataclass
class Services:
    """What the router finds on the application."""

    memory: MemoryService


@asynccontextmanager
async def serving(callers: CallersInMemory) -> AsyncIterator[httpx2.AsyncClient]:
    app = FastAPI()
    install_error_handlers(app)
    app.include_router(router)
    async with MemoryService(MemorySettings(), callers, KEYS, LoopClock()) as memory:
        app.state.services = Services(memory)
        transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url="http://agent") as client:
            yield client


async def test_a_person_is_found_told_everything_and_erased_with_a_certificate() -> None:
    callers = CallersInMemory()
    async with serving(callers) as client:
        await callers.remember(caller(), lesson())
        found = (await client.post("/api/callers/find", json={"number": "+1 212 555 0100"})).json()
        assert found == {"id": caller().key, "masked_number": "••••••••0100"}
        address = f"/api/callers/{found['id']}/memory"
        held = (await client.get(address)).json()
        assert held["profile"]["name"] == "Anna Lee"
        assert held["consent"]["source"] == "caller"
        assert [turn["turn"] for turn in held["turns"]] == [1, 2]
        erased = (await client.delete(address)).json()
        assert erased["removed"] == {"user_memory": 1, "conversation_turns": 2}
        assert "everything in the memory of callers was removed" in erased["statement"]
        assert (await client.get(address)).status_code == 404
        again = (await client.delete(address)).json()
        assert "nothing was held" in again["statement"]


async def test_no_answer_tells_a_number() -> None:
    callers = CallersInMemory()
    async with serving(callers) as client:
        await callers.remember(caller(), lesson())
        held = await client.get(f"/api/callers/{caller().key}/memory")
        assert NUMBER[2:] not in held.text


@pytest.mark.parametrize("wrong", ["+12125550100", "abc", "0" * 63, "G" * 64, "%2e%2e"])
async def test_a_number_in_the_address_is_refused(wrong: str) -> None:
    async with serving(CallersInMemory()) as client:
        assert (await client.get(f"/api/callers/{wrong}/memory")).status_code in {404, 422}
        assert (await client.delete(f"/api/callers/{wrong}/memory")).status_code in {404, 422}


@pytest.mark.parametrize("number", ["", "anonymous", "2125550100", "9" * 41])
async def test_what_is_no_telephone_number_is_nobody(number: str) -> None:
    async with serving(CallersInMemory()) as client:
        answer = await client.post("/api/callers/find", json={"number": number})
        assert answer.status_code in {404, 422}


@pytest.fixture
def remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VOICE_AGENT_DATA_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    anyio.run(_remember, tmp_path)
    return tmp_path


async def _remember(folder: Path) -> None:
    found = CallerKeys(read_or_make_secret(folder / KEY_FILE)).identify(NUMBER)
    assert found is not None
    async with Database(url_of(folder / "voice-agent.db")) as database:
        await SqlCallerMemory(database).remember(found, lesson())


def run(*arguments: str) -> str:
    result = CliRunner().invoke(command, ["memory", *arguments], catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def test_the_command_exports_and_forgets_a_person(remembered: Path) -> None:
    held = json.loads(run("export", NUMBER))
    assert held["profile"]["name"] == "Anna Lee"
    run("export", NUMBER, "--output", str(remembered / "anna.json"))
    written = remembered / "anna.json"
    assert json.loads(written.read_text("utf-8"))["calls"] == held["calls"]
    assert written.stat().st_mode & 0o077 == 0
    assert "2 of conversation_turns" in run("forget", NUMBER, "--yes")
    with pytest.raises(NotFoundError, match="Nothing is remembered"):
        run("export", NUMBER)


def test_forgetting_asks_first(remembered: Path) -> None:
    refused = CliRunner().invoke(command, ["memory", "forget", NUMBER], input="n\n")
    assert refused.exit_code == 1
    assert json.loads(run("export", NUMBER))["profile"]["name"] == "Anna Lee"


def test_where_nobody_was_ever_remembered_no_key_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOICE_AGENT_DATA_DIR", str(tmp_path))
    with pytest.raises(VoiceAgentError, match="Nobody is remembered here"):
        run("forget", NUMBER, "--yes")
    assert list(tmp_path.iterdir()) == []
