"""The `voice-agent` command."""

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer
from pydantic.fields import FieldInfo
from rich.console import Console

from voice_agent import __version__
from voice_agent.cli_call import call
from voice_agent.cli_doctor import doctor
from voice_agent.cli_kb import kb
from voice_agent.cli_memory import memory
from voice_agent.cli_nlu import nlu
from voice_agent.cli_simulate import simulate
from voice_agent.cli_tools import tools
from voice_agent.cli_voices import voices
from voice_agent.config import PREFIX, Settings, load_settings
from voice_agent.core.errors import VoiceAgentError
from voice_agent.observability.logging import configure_logging

app = typer.Typer(
    name="voice-agent",
    help="A self-hosted voice agent for the phone and the browser.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
errors = Console(stderr=True)


def main() -> None:
    """Run the command; known errors become one line and exit code 1."""
    try:
        app()
    except VoiceAgentError as error:
        errors.print(f"[bold red]voice-agent:[/] {error}", highlight=False, soft_wrap=True)
        raise SystemExit(1) from None


def _version(value: bool) -> None:
    if value:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    del version
    configure_logging("warning", "console")


def _serve(**values: str | None) -> None:
    """Start the server."""
    settings = load_settings(**values)
    from voice_agent.serving import serve

    serve(settings)


def _with_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command one option per setting, so that its help tells them all."""
    parameters = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[
                str | None,
                typer.Option(
                    f"--{name.replace('_', '-')}", help=_describe(name, field), metavar="VALUE"
                ),
            ],
        )
        for name, field in Settings.model_fields.items()
    ]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in parameters}
    return command


def _describe(name: str, field: FieldInfo) -> str:
    default: Any = field.get_default(call_default_factory=True)
    if isinstance(default, list):
        default = ",".join(default)
    shown = f" Default: {default}." if str(default) not in ("", "{}", "**********") else ""
    return f"{field.description}{shown} [{PREFIX}{name.upper()}]"


app.command(
    "serve", help="Start the server. Settings also come from VOICE_AGENT_… and voice-agent.toml."
)(_with_settings(_serve))
app.command("call")(call)
app.command("doctor")(doctor)
app.add_typer(nlu, name="nlu")
app.add_typer(memory, name="memory")
app.add_typer(kb, name="kb")
app.add_typer(simulate, name="simulate")
app.add_typer(tools, name="tools")
app.add_typer(voices, name="voices")
