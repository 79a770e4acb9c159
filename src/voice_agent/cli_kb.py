"""`voice-agent kb`: documents that the agent answers from."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bar

    from voice_agent.core.knowledge import Findings
    from voice_agent.knowledge.ingest import Progress, SyncReport
    from voice_agent.knowledge.retrieve import Knowledge

T = TypeVar("T")

kb = typer.Typer(help="Documents that the agent answers from.", no_args_is_help=True)

Files = Annotated[
    list[Path], typer.Argument(help="Files to add: MD, TXT, HTML, JSON, CSV, PDF or DOCX.")
]
Question = Annotated[str, typer.Argument(help="What a caller might ask.")]
Json = Annotated[bool, typer.Option("--json", help="Print passages, scores and answer as JSON.")]
Count = Annotated[int, typer.Option("--passages", "-k", min=1, max=10, help="Passages at most.")]
UNKNOWN = "I don't know that: no document answers it."


@kb.command("add")
def add(files: Files) -> None:
    """Copy files into the knowledge folder and index them; exit code 1 if one is refused."""
    console = _console()

    async def added(knowledge: "Knowledge") -> int:
        refused = 0
        for path in files:
            refused += not await _added(knowledge, path, console)
        return refused

    if _with_knowledge(added):
        raise typer.Exit(1)


@kb.command("list")
def list_files() -> None:
    """Show every document, how many pieces it has, and why one is not read."""
    from rich.markup import escape
    from rich.table import Table

    async def known(knowledge: "Knowledge") -> None:
        await knowledge.sync()
        table = Table("document", "bytes", "pieces", "", box=None, pad_edge=False)
        for file in knowledge.files():
            name = escape(_shown(file.source))
            table.add_row(name, str(file.size), str(len(file.chunks)), escape(file.refused))
        _console().print(table)

    _with_knowledge(known)


@kb.command("ask")
def ask(question: Question, json: Json = False, passages: Count = 3) -> None:
    """Ask the documents what a caller would ask the agent."""

    async def asked(knowledge: "Knowledge") -> "Findings":
        await knowledge.sync()
        return await knowledge.search(question, passages)

    findings = _with_knowledge(asked)
    if json:
        _print_json(question, findings)
    else:
        _print(findings)


@kb.command("reindex")
def reindex() -> None:
    """Bring the index in step with the folder; only what is new or changed is embedded."""
    console = _console(stderr=True)

    async def indexed(knowledge: "Knowledge") -> "SyncReport":
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, console=console, transient=True) as bar:
            return await knowledge.sync(_shown_on(bar))

    report = _with_knowledge(indexed)
    _console().print(
        f"{len(report.added)} added, {len(report.changed)} changed, {len(report.removed)} removed, "
        f"{report.unchanged} unchanged; {report.embedded} pieces embedded",
        highlight=False,
    )
    for source, reason in report.refused:
        typer.echo(f"{_shown(source)}: {reason}", err=True)


def _shown_on(bar: "Bar") -> "Progress":
    task = bar.add_task("reading", total=None)

    def progress(done: int, of: int, what: str) -> None:
        shown = what if what == "embedding" else "reading"
        bar.update(task, completed=done, total=of, description=shown)

    return progress


async def _added(knowledge: "Knowledge", path: Path, console: "Console") -> bool:
    from voice_agent.knowledge.document import DocumentRefused
    from voice_agent.knowledge.readers.limits import MOST_BYTES

    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        with console.status(f"Reading {_shown(path.name)}…"):
            report = await knowledge.add(path.name, data)
    except OSError as error:
        typer.echo(f"{_shown(path.name)}: it cannot be opened: {error.strerror}", err=True)
        return False
    except DocumentRefused as refusal:
        typer.echo(str(refusal), err=True)
        return False
    typer.echo(f"{path.name}: {report.embedded} pieces embedded")
    return True


def _print_json(question: str, findings: "Findings") -> None:
    import orjson

    shown = {
        "question": question,
        "answered": bool(findings.passages),
        "answer": findings.answer or None,
        "passages": [asdict(passage) for passage in findings.passages],
    }
    typer.echo(orjson.dumps(shown, option=orjson.OPT_INDENT_2).decode())


def _print(findings: "Findings") -> None:
    typer.echo(findings.answer or UNKNOWN)
    for passage in findings.passages:
        typer.echo(
            f"\n{passage.score:.2f}  {passage.source}  {passage.title}\n      {passage.text}"
        )


def _shown(name: str) -> str:
    from voice_agent.knowledge.document import printable

    return printable(name)


def _console(*, stderr: bool = False) -> "Console":
    from rich.console import Console

    return Console(stderr=stderr, soft_wrap=True)


def _with_knowledge(job: "Callable[[Knowledge], Awaitable[T]]") -> T:
    """Do something with the knowledge of the server that the settings describe.

    Raises:
        StorageError: its index cannot be written.
    """
    import anyio

    from voice_agent.config import load_settings
    from voice_agent.toolshed import open_settings_knowledge

    settings = load_settings()

    async def run() -> T:
        knowledge = await open_settings_knowledge(settings)
        return await job(knowledge)

    return anyio.run(run)
