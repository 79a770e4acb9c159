"""`voice-agent simulate`: the other side of every wire, on this machine.

Heavy parts are imported when a command runs, so that `voice-agent --help` stays quick.
"""

import contextlib
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from socket import socket

    from voice_agent.simulation.providers.desk import Desk

simulate = typer.Typer(
    help="Simulate what the agent talks to.", no_args_is_help=True, add_completion=False
)

Host = Annotated[str, typer.Option(help="Address to listen on.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0: a free one.")]
Faults = Annotated[
    Path | None, typer.Option(metavar="FILE", help="TOML file of [[fault]] tables: bad days.")
]
Timings = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FILE|NAME=FIRST,BETWEEN",
        help="Delays in seconds, like openai=0.3,0.02, or a TOML file of them; may be repeated.",
    ),
]
Model = Annotated[str, typer.Option(help="Language model behind all text providers.")]


@simulate.callback()
def _root() -> None:
    """Keep `providers` a command of its own."""


@simulate.command("providers")
def serve_providers(
    *,
    host: Host = "127.0.0.1",
    port: Port = 9100,
    faults: Faults = None,
    timings: Timings = None,
    model: Model = "builtin",
) -> None:
    """Serve the simulated providers and print how to point the agent at them."""
    import anyio

    from voice_agent.simulation.providers.faults import FaultPlan
    from voice_agent.simulation.providers.orders import read_faults, read_text, timings_from
    from voice_agent.simulation.providers.server import simulators

    known = tuple(simulators())
    plan = FaultPlan(*(read_faults(read_text(faults), known) if faults else ()))
    delays = timings_from(timings or (), known)

    async def run() -> None:
        async with AsyncExitStack() as stack:
            desk = await _desk(model, stack)
            desk.faults, desk.timings = plan, delays
            await _serve(desk, stack.enter_context(_listen(host, port)), host)

    with contextlib.suppress(KeyboardInterrupt):
        anyio.run(run)


async def _desk(model: str, stack: AsyncExitStack) -> "Desk":
    """The embedded engines behind all providers."""
    from voice_agent.engines.registry import Kind
    from voice_agent.engines.selection import choose_engine
    from voice_agent.simulation.providers.desk import Desk

    names = {Kind.LLM: [model], Kind.STT: ["pocketsphinx"], Kind.TTS: ["flite", "espeak"]}
    chosen = {
        kind: (await choose_engine(kind, engines, lambda _: {}, stack)).engine
        for kind, engines in names.items()
    }
    return Desk(chosen[Kind.LLM], chosen[Kind.STT], chosen[Kind.TTS])


async def _serve(desk: "Desk", listening: "socket", host: str) -> None:
    import uvicorn

    from voice_agent.simulation.providers.environment import environment, export_lines
    from voice_agent.simulation.providers.server import (
        provider_app,
        server_config,
        simulators,
    )

    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104
    url = f"http://{f'[{shown}]' if ':' in shown else shown}:{listening.getsockname()[1]}"
    found = simulators()
    typer.echo(f"# Simulated providers at {url}; Ctrl-C stops them.")
    for name, simulator in found.items():
        typer.echo(f"#   {url}/{name}  {simulator.summary}")
    typer.echo("# Point the agent at them, then name some of them, like VOICE_AGENT_LLM=openai:")
    for line in export_lines(environment(found, url)):
        typer.echo(line)
    await uvicorn.Server(server_config(provider_app(desk))).serve([listening])


def _listen(host: str, port: int) -> "socket":
    import socket

    from voice_agent.core.errors import ConfigurationError

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise ConfigurationError(
            f"cannot listen on {host}, port {port}: {error.strerror}. Choose another with --port."
        ) from None
    return listening
