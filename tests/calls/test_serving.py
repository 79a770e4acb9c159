"""Starting and stopping the server: what goes wrong is said in one sentence, and calls end well."""

import json
import os
import signal
import socket
from pathlib import Path

import anyio
import pytest

from support.running_agent import RunningAgent, free_port, running_agent, start
from voice_agent.simulation.call_job import CallOrder, HangUpSwitch, carry_out
from voice_agent.simulation.caller import Manners, Wait
from voice_agent.simulation.script_file import Plan

INSTANT = {
    "vad": "energy",
    "stt": "scripted",
    "llm": "scripted",
    "tts": "scripted",
    "engine_options": json.dumps({"tts.scripted": {"word_ms": 200}}),
}


def complaint(folder: Path, data: str, port: int = 0, **settings: str) -> str:
    """What a server that cannot start says; `data` is its data folder in `folder`."""
    agent = RunningAgent(port or free_port(), folder / data, folder / "server.log")
    process = start(agent, **{**INSTANT, **settings})
    assert process.wait(timeout=60) == 1
    return agent.log()


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        said = complaint(tmp_path, "data", port)
    assert f"port {port}" in said
    assert "VOICE_AGENT_PORT" in said
    assert "Traceback" not in said


def test_a_damaged_database_is_named_and_left_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    database = folder / "voice-agent.db"
    database.write_bytes(b"this was a database once" * 100)
    before = database.read_bytes()
    said = complaint(tmp_path, "data")
    assert "voice-agent.db" in said
    assert "Traceback" not in said
    assert database.read_bytes() == before


def test_a_data_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    said = complaint(tmp_path, "file/data")
    assert str(tmp_path / "file" / "data") in said
    assert "VOICE_AGENT_DATA_DIR" in said
    assert "Traceback" not in said


def test_every_wrong_setting_is_named_at_once(tmp_path: Path) -> None:
    said = complaint(tmp_path, "data", timezone="Atlantis/Main", log_level="loud")
    assert "VOICE_AGENT_TIMEZONE" in said
    assert "VOICE_AGENT_LOG_LEVEL" in said
    assert "Traceback" not in said


def test_an_unknown_engine_is_answered_with_the_list(tmp_path: Path) -> None:
    said = complaint(tmp_path, "data", tts="flute")
    assert "flute" in said
    assert "espeak" in said
    assert "Traceback" not in said


@pytest.mark.anyio
async def test_a_server_that_is_stopped_says_goodbye_to_its_callers(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    with running_agent(folder, **INSTANT) as agent:
        order = CallOrder(agent.url, Plan([Wait(30.0)], Manners(longest=40)), agent.token)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_stop_soon, agent)
            outcome = await carry_out(order, HangUpSwitch())
    goodbye = outcome.report.heard.agent_speech[-1]
    assert goodbye[1] - goodbye[0] > 2.0
    assert outcome.report.heard.duration < 25


async def _stop_soon(agent: RunningAgent) -> None:
    await anyio.sleep(5.0)
    os.kill(agent.pid, signal.SIGTERM)
