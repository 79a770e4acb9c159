"""`voice-agent nlu`: teach the understanding of callers and measure it."""

import typer

nlu = typer.Typer(help="Teach the understanding of callers and measure it.", no_args_is_help=True)


@nlu.callback()
def _group() -> None:
    """Teach the understanding of callers and measure it."""
