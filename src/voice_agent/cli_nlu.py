"""`voice-agent nlu`: teach the understanding of callers and measure it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from voice_agent.engines.nlu.few_shot.examples import Example

nlu = typer.Typer(help="Teach the understanding of callers and measure it.", no_args_is_help=True)

Examples = Annotated[
    list[Path] | None,
    typer.Option(
        help="A file of examples beside the shipped ones: TOML like theirs, or JSON lines of text "
        "and intent. May be given several times."
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(help="The folder for the model. Default: few_shot in the data folder."),
]
Language = Annotated[str, typer.Option(help="The language of the shipped examples.")]
Bare = Annotated[bool, typer.Option("--bare", help="Leave the shipped examples out.")]


@nlu.callback()
def _group() -> None:
    """Teach the understanding of callers and measure it."""


@nlu.command("train")
def train(
    *, examples: Examples = None, out: Out = None, language: Language = "en", bare: Bare = False
) -> None:
    """Teach the few-shot tier from examples, in less than a minute."""
    from voice_agent.config import load_settings
    from voice_agent.engines.nlu.few_shot.shipped import embedder_if_any, teach

    data = load_settings().data_dir
    folder = out or data / "few_shot"
    known = _examples(examples or [], language, bare=bare)
    teach(known, embedder_if_any(data / "cache"), folder)
    typer.echo(f"Taught {len(known)} examples; the model is in {folder}.")


def _examples(files: list[Path], language: str, *, bare: bool) -> "tuple[Example, ...]":
    """The shipped examples, then those of the files.

    Raises:
        ConfigurationError: one of them cannot be read.
    """
    from voice_agent.engines.nlu.few_shot.examples import read_examples, shipped_examples
    from voice_agent.engines.nlu.language import load_language

    shipped = () if bare else shipped_examples(load_language(language))
    return (*shipped, *(example for path in files for example in read_examples(path)))
