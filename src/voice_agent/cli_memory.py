"""`voice-agent memory`: what is remembered of a person, told to them and erased."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from voice_agent.memory.service import MemoryService

T = TypeVar("T")

memory = typer.Typer(help="Export and erase what is remembered of a caller.", no_args_is_help=True)

Number = Annotated[str, typer.Argument(metavar="NUMBER", help="International, like +14155550100.")]
Output = Annotated[Path | None, typer.Option(help="A file to write; standard output without it.")]
Sure = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@memory.command("export")
def export(number: Number, output: Output = None) -> None:
    """Write everything that memory holds about a caller as JSON."""
    import orjson

    held = _ask(lambda service: service.export(service.identify(number).key))
    text = orjson.dumps(held, option=orjson.OPT_INDENT_2).decode()
    if output is None:
        typer.echo(text)
        return
    try:
        output.touch(mode=0o600)
        output.write_text(f"{text}\n", "utf-8")
    except OSError as error:
        raise typer.BadParameter(f"{output} cannot be written: {error.strerror}") from None


@memory.command("forget")
def forget(number: Number, *, yes: Sure = False) -> None:
    """Erase everything that memory holds about a caller and print what was removed."""
    if not yes:
        typer.confirm("Erase everything that is remembered of this caller?", abort=True)
    certificate = _ask(lambda service: service.forget(service.identify(number)))
    typer.echo(certificate.statement)


def _ask(question: "Callable[[MemoryService], Awaitable[T]]") -> T:
    """Put a question to the memory of the settings' database.

    Raises:
        NotFoundError: there is no such caller.
        StorageError: the database or the key cannot be used.
    """
    import anyio

    from voice_agent.config import load_settings
    from voice_agent.core.clock import LoopClock
    from voice_agent.core.errors import NotFoundError
    from voice_agent.memory.caller_keys import KEY_FILE
    from voice_agent.memory.service import MemoryService
    from voice_agent.remembering import caller_keys, memory_settings
    from voice_agent.storage.sql.database import Database
    from voice_agent.storage.sql.repositories.caller_memory import SqlCallerMemory

    settings = load_settings()
    key = settings.data_dir / KEY_FILE
    if not (settings.memory_key.get_secret_value() or key.exists()):
        raise NotFoundError(f"Nobody is remembered here: there is no {key}.")
    keys = caller_keys(settings)

    async def asked() -> T:
        async with Database(settings.database) as database:
            service = MemoryService(
                memory_settings(settings), SqlCallerMemory(database), keys, LoopClock()
            )
            return await question(service)

    return anyio.run(asked)
