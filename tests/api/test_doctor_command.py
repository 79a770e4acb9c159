"""`voice-agent doctor`: what is set, what answers, what a call would use."""

import json
from pathlib import Path

import anyio.to_thread
import pytest
from typer.testing import CliRunner

from support.simulated_providers import desk, serving
from voice_agent.cli import app
from voice_agent.config import load_settings
from voice_agent.core.errors import ConfigurationError
from voice_agent.engines.chains import Standing
from voice_agent.examination import Finding, examine
from voice_agent.simulation.providers.desk import VALID_KEY

pytestmark = pytest.mark.anyio

KEYS = ("DEEPGRAM", "GEMINI", "OPENAI", "ANTHROPIC", "ELEVENLABS", "CARTESIA")


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in KEYS:
        monkeypatch.delenv(f"{name}_API_KEY", raising=False)
        monkeypatch.delenv(f"VOICE_AGENT_{name}_API_KEY", raising=False)


async def findings(options: object = None, *, ask: bool = True, **settings: str) -> list[Finding]:
    settings |= {"engine_options": json.dumps(options or {}), "port": "1"}
    return await examine(load_settings(**settings), ask=ask)


def of(found: list[Finding], kind: str, name: str) -> Finding:
    return next(one for one in found if (one.kind, one.name) == (kind, name))


async def test_without_keys_the_embedded_engines_would_be_used() -> None:
    found = await findings(ask=False)
    in_use = {one.kind: one.name for one in found if one.standing is Standing.IN_USE}
    assert in_use["llm"] == "builtin"
    assert in_use["stt"] == "pocketsphinx"
    missing = of(found, "llm", "openai")
    assert missing.has_key is False
    assert "OPENAI_API_KEY" in missing.reason
    assert "simulate providers" in missing.reason


async def test_an_engine_that_answers_is_the_one_that_would_be_used(tmp_path: Path) -> None:
    async with serving(desk()) as base:
        options = {
            "llm.openai": {"base_url": f"{base}/openai/v1", "api_key": VALID_KEY},
            "llm.anthropic": {"base_url": f"{base}/anthropic", "api_key": "wrong"},
        }
        found = await findings(options, llm="anthropic,openai,builtin")
    assert of(found, "llm", "openai").standing is Standing.IN_USE
    assert of(found, "llm", "openai").answered
    refused = of(found, "llm", "anthropic")
    assert (refused.standing, refused.answered) == (Standing.MISSING, False)
    assert "wrong" not in refused.reason


async def test_a_key_from_the_environment_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-x")
    found = await findings(ask=False)
    assert of(found, "llm", "openai").has_key
    assert of(found, "llm", "openai").standing is Standing.IN_USE


async def test_an_unknown_model_is_refused_with_the_list() -> None:
    with pytest.raises(ConfigurationError, match="gpt-6-luna"):
        await findings({"llm.openai": {"api_key": "sk-x", "model": "gpt-2"}}, llm="openai")


async def test_a_model_that_was_shut_down_is_told_of() -> None:
    found = await findings({"llm.openai": {"api_key": "sk-x", "model": "gpt-4o"}}, ask=False)
    assert "shut down on 2027-01-14" in of(found, "llm", "openai").reason


async def test_the_command_prints_a_line_for_each_engine() -> None:
    result = await anyio.to_thread.run_sync(CliRunner().invoke, app, ["doctor", "--offline"])
    assert result.exit_code == 0
    for name in ("deepgram", "pocketsphinx", "gemini", "builtin", "elevenlabs"):
        assert name in result.output


async def test_a_role_that_nobody_can_fill_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOICE_AGENT_LLM", "openai")
    result = await anyio.to_thread.run_sync(CliRunner().invoke, app, ["doctor", "--offline"])
    assert result.exit_code == 1
    assert "No call could be taken" in result.output
