"""`voice-agent voices`, against simulated vendors."""

import wave
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
from typer.testing import CliRunner, Result

from support.simulated_providers import desk, serving
from voice_agent.cli import app
from voice_agent.core.audio import WIDEBAND
from voice_agent.core.errors import ConfigurationError, ProviderMisconfigured, ProviderRejected
from voice_agent.engines.tts.scripted import tone
from voice_agent.simulation.providers.desk import VALID_KEY

pytestmark = pytest.mark.anyio
both = pytest.mark.parametrize("name", ["elevenlabs", "cartesia"])


@pytest.fixture
async def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    monkeypatch.chdir(tmp_path)
    for name in ("elevenlabs", "cartesia"):
        monkeypatch.delenv(f"{name.upper()}_API_KEY", raising=False)
    async with serving(desk()) as address:
        options = ", ".join(
            f'"tts.{name}": {{"base_url": "{address}/{name}"}}'
            for name in ("elevenlabs", "cartesia")
        )
        monkeypatch.setenv("VOICE_AGENT_ENGINE_OPTIONS", f"{{{options}}}")
        yield address


async def run(*words: str) -> Result:
    def invoke() -> Result:
        return CliRunner().invoke(app, ["voices", *words], env={"COLUMNS": "200"})

    return await anyio.to_thread.run_sync(invoke)


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    path = tmp_path / "em.wav"
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(WIDEBAND.rate)
        sound.writeframes(tone(2 * WIDEBAND.rate, WIDEBAND))
    return path


@both
async def test_a_cloned_voice_is_printed_and_then_listed(
    base: str, name: str, sample: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"{name.upper()}_API_KEY", VALID_KEY)
    made = await run("clone", name, str(sample), "--name", "Aunt Em", "--language", "en")
    assert made.exit_code == 0, made.output
    listed = await run("list", name)
    assert any(
        made.stdout.strip() in line and "Aunt Em" in line for line in listed.stdout.splitlines()
    )


@both
async def test_without_a_key_it_says_which_variable_to_set(base: str, name: str) -> None:
    result = await run("list", name)
    assert isinstance(result.exception, ConfigurationError)
    assert f"{name.upper()}_API_KEY" in str(result.exception)


async def test_a_wrong_key_is_told(base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARTESIA_API_KEY", "wrong")
    result = await run("list", "cartesia")
    assert isinstance(result.exception, ProviderMisconfigured)


async def test_an_engine_without_a_list_says_which_have_one(base: str) -> None:
    result = await run("list", "espeak")
    assert isinstance(result.exception, ConfigurationError)
    assert "cartesia, elevenlabs" in str(result.exception)


async def test_a_file_that_is_no_recording_is_not_sent(
    base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARTESIA_API_KEY", VALID_KEY)
    text = tmp_path / "notes.txt"
    text.write_text("hello " * 2000)
    result = await run("clone", "cartesia", str(text), "--name", "x")
    assert isinstance(result.exception, ProviderRejected)
    missing = await run("clone", "cartesia", str(tmp_path / "none.wav"), "--name", "x")
    assert missing.exit_code == 2
