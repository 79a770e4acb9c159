"""Settings: the command line before the environment before the file, and clear errors."""

from pathlib import Path

import pytest

from voice_agent.config import load_settings
from voice_agent.core.errors import ConfigurationError


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_command_line_beats_the_environment_beats_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "voice-agent.toml").write_text('port = 8001\nhost = "::1"\nvoice = "rms"\n')
    monkeypatch.setenv("VOICE_AGENT_PORT", "8002")
    monkeypatch.setenv("VOICE_AGENT_HOST", "127.0.0.2")
    settings = load_settings(port="8003", host=None)
    assert (settings.port, settings.host, settings.voice) == (8003, "127.0.0.2", "rms")


def test_another_file_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.toml").write_text("port = 9000\n")
    monkeypatch.setenv("VOICE_AGENT_CONFIG", "mine.toml")
    assert load_settings().port == 9000


def test_lists_are_written_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOICE_AGENT_TTS", "espeak, flite,")
    assert load_settings().tts == ["espeak", "flite"]


def test_a_setting_that_does_not_exist_is_named(tmp_path: Path) -> None:
    (tmp_path / "voice-agent.toml").write_text("prot = 8001\n")
    with pytest.raises(ConfigurationError, match="prot: there is no such setting"):
        load_settings()


def test_a_file_that_cannot_be_read_is_an_error_not_a_default(tmp_path: Path) -> None:
    (tmp_path / "voice-agent.toml").write_text("port = = 1\n")
    with pytest.raises(ConfigurationError):
        load_settings()


def test_secrets_do_not_show_when_settings_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOICE_AGENT_TWILIO_AUTH_TOKEN", "very secret")
    assert "very secret" not in repr(load_settings())


def test_options_belong_to_one_kind_of_engine() -> None:
    settings = load_settings(engine_options='{"stt.scripted": {"delay": 1}}')
    assert settings.options_for("stt", "scripted") == {"delay": 1}
    assert settings.options_for("tts", "scripted") == {}


def test_options_that_are_not_json_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOICE_AGENT_ENGINE_OPTIONS", "{workers: 2}")
    with pytest.raises(ConfigurationError, match="VOICE_AGENT_ENGINE_OPTIONS"):
        load_settings()
