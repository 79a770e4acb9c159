"""`voice-agent doctor`: what is configured, what answers, and what a call would use now."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from voice_agent.examination import Finding

SIGNS = {"in_use": "[green]●[/]", "standby": "[cyan]○[/]", "blocked": "[yellow]▲[/]"}
MISSING = "[red]✗[/]"


def doctor(
    offline: Annotated[
        bool, typer.Option("--offline", help="Ask no provider; look at the settings only.")
    ] = False,
) -> None:
    """Examine every engine of the settings; exit code 1 when no call could be taken."""
    import anyio
    from rich.console import Console
    from rich.table import Table

    from voice_agent.config import load_settings
    from voice_agent.examination import examine

    settings = load_settings()
    console = Console()
    with console.status("Asking the engines…"):
        findings = anyio.run(lambda: examine(settings, ask=not offline))
    table = Table("", "role", "engine", "key", "answers", "", box=None, pad_edge=False)
    for finding in findings:
        table.add_row(*_row(finding))
    console.print(table)
    usable = {finding.kind for finding in findings if finding.standing == "in_use"}
    lacking = {finding.kind for finding in findings} - usable
    if lacking:
        console.print(f"[red]No call could be taken:[/] nothing works as {', '.join(lacking)}.")
        raise typer.Exit(1)


def _row(finding: "Finding") -> tuple[str, ...]:
    answers = "" if finding.answered is None else ("yes" if finding.answered else "no")
    key = {True: "set", False: "not set", None: "needs none"}[finding.has_key]
    sign = SIGNS.get(finding.standing, MISSING)
    return sign, finding.kind, finding.name, key, answers, finding.reason
