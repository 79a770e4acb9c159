"""`voice-agent voices`: what voices a hosted synthesiser has, and new ones from a recording."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from voice_agent.engines.tts.voice_catalogue import VoiceCatalogue

T = TypeVar("T")

voices = typer.Typer(
    help="List and clone the voices of a hosted synthesiser.", no_args_is_help=True
)

Engine = Annotated[str, typer.Argument(help="The synthesiser: elevenlabs or cartesia.")]
Sample = Annotated[
    Path, typer.Argument(help="A recording of the voice: WAV, MP3, FLAC, Ogg, WebM or M4A.")
]
Name = Annotated[str, typer.Option(help="What the new voice is called.")]
Language = Annotated[str, typer.Option(help="The language it speaks, like en or de.")]
Description = Annotated[str, typer.Option(help="A line about it.")]


@voices.command("list")
def list_voices(engine: Engine) -> None:
    """Show every voice that the account can use."""
    from rich.console import Console
    from rich.table import Table

    found = _ask(engine, lambda catalogue: catalogue.voices())
    table = Table("id", "name", "language", "", "description", box=None, pad_edge=False)
    for voice in found:
        own = "own" if voice.own else ""
        table.add_row(voice.id, voice.name, voice.language, own, voice.description)
    Console().print(table)


@voices.command("clone")
def clone(
    engine: Engine,
    sample: Sample,
    *,
    name: Name,
    language: Language = "en",
    description: Description = "",
) -> None:
    """Make a voice from a recording and print its id; you need the speaker's consent."""
    try:
        data = sample.read_bytes()
    except OSError as error:
        raise typer.BadParameter(f"{sample} cannot be read: {error.strerror}") from None
    made = _ask(engine, lambda c: c.clone_voice(name, data, language, description))
    typer.echo(made)


def _ask(engine: str, question: "Callable[[VoiceCatalogue], Awaitable[T]]") -> T:
    """Put a question to the engine that is set up as the server's would be.

    Raises:
        ConfigurationError: there is no such engine, no key, or it has no list of voices.
        ProviderError: the provider refused or is not there.
    """
    import anyio

    from voice_agent.config import load_settings
    from voice_agent.core.errors import ConfigurationError
    from voice_agent.engine_room import options_from
    from voice_agent.engines.registry import Kind, find, providers, read_options
    from voice_agent.engines.tts.voice_catalogue import VoiceCatalogue

    provider = find(Kind.TTS, engine)
    options = read_options(provider, options_from(load_settings(), ())(provider))
    if trouble := provider.check(options):
        raise ConfigurationError(f"{engine}: {trouble}")
    catalogue = provider.build(options)
    if not isinstance(catalogue, VoiceCatalogue):
        hosted = ", ".join(n for n, other in providers(Kind.TTS).items() if other.key_variable)
        raise ConfigurationError(f"{engine} has no list of voices; these may: {hosted}")

    async def asked() -> T:
        async with AsyncExitStack() as stack:
            if isinstance(catalogue, AbstractAsyncContextManager):
                await stack.enter_async_context(catalogue)
            return await question(catalogue)

    return anyio.run(asked)
