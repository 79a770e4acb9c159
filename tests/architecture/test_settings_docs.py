"""What can be set is told by the command itself."""

from typer.testing import CliRunner

from voice_agent.cli import app
from voice_agent.config import Settings


def test_serve_help_tells_every_setting() -> None:
    shown = CliRunner().invoke(app, ["serve", "--help"], env={"COLUMNS": "240"}).output
    for name in Settings.model_fields:
        assert f"--{name.replace('_', '-')}" in shown
