"""`voice-agent nlu`: teach the understanding of callers and measure it."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from voice_agent.engines.nlu.evaluation import Evaluation, Labelled
    from voice_agent.engines.nlu.few_shot.examples import Example
    from voice_agent.storage.sql.repositories.understanding import SqlNluProposals

T = TypeVar("T")

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


Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Number = Annotated[int, typer.Argument(help="The proposal's number.")]
Meant = Annotated[str, typer.Option(help="The intent that was meant, if not the proposed one.")]
Later = Annotated[bool, typer.Option("--later", help="Do not teach now.")]


@nlu.command("eval")
def evaluate(
    file: Annotated[Path, typer.Argument(help="JSON lines of text and intent.")],
    *,
    json: Json = False,
) -> None:
    """Find the intents of a file's utterances without network and say how many are right."""
    import anyio
    import orjson
    from rich.console import Console
    from rich.table import Table

    from voice_agent.engines.nlu.evaluation import as_table, read_labelled

    found = anyio.run(_evaluation, read_labelled(file))
    figures = {
        "utterances": found.total,
        "accuracy": round(found.accuracy, 4),
        "macro_f1": round(found.macro_f1, 4),
        "out_of_scope_recall": round(found.out_of_scope_recall, 4),
        "false_rejection": round(found.false_rejection, 4),
    }
    mistakes = as_table(found)
    if json:
        confusion = [{"meant": m, "found": f, "count": n} for m, f, n in mistakes]
        scores = {str(intent): round(score, 4) for intent, score in sorted(found.scores.items())}
        whole = {**figures, "f1": scores, "confusion": confusion}
        typer.echo(orjson.dumps(whole, option=orjson.OPT_INDENT_2).decode())
        return
    for name, value in figures.items():
        typer.echo(f"{name.replace('_', ' '):>20}  {value}")
    table = Table("meant", "taken for", "times", box=None, pad_edge=False)
    for meant, taken, count in mistakes:
        table.add_row(meant, taken, str(count))
    Console().print(table)


@nlu.command("export-rasa")
def export_rasa(
    folder: Annotated[Path | None, typer.Argument(help="Default: the shipped folder.")] = None,
    *,
    language: Language = "en",
) -> None:
    """Write the shipped examples as training data of a Rasa NLU server."""
    from voice_agent.engines.nlu.few_shot.examples import shipped_examples
    from voice_agent.engines.nlu.language import load_language
    from voice_agent.engines.nlu.rasa_export import FOLDER, training_data

    tables = load_language(language)
    place = folder or FOLDER
    place.mkdir(parents=True, exist_ok=True)
    for name, text in training_data(shipped_examples(tables), tables).items():
        (place / name).write_text(text, "utf-8")
    typer.echo(f"The training data is in {place}.")


review = typer.Typer(
    help="Turn what only the language model understood into examples.", no_args_is_help=True
)
nlu.add_typer(review, name="review")


@review.command("list")
def list_proposals() -> None:
    """Show what waits for a decision, the most often heard first."""
    from rich.console import Console
    from rich.table import Table

    from voice_agent.storage.sql.repositories.understanding import ProposalStatus

    found = _ask(lambda proposals: proposals.with_status(ProposalStatus.PROPOSED))
    table = Table("number", "heard", "intent", "sure", "words", box=None, pad_edge=False)
    for one in found:
        table.add_row(
            str(one.id), str(one.seen), str(one.intent), f"{one.confidence:.2f}", one.text
        )
    Console().print(table)


@review.command("accept")
def accept(number: Number, *, intent: Meant = "", later: Later = False) -> None:
    """Make it an example, teach the classifier again and use it if it is no worse."""
    from voice_agent.core.understanding import Intent
    from voice_agent.storage.sql.repositories.understanding import ProposalStatus

    if intent and intent not in set(Intent):
        raise typer.BadParameter(f"there is no intent {intent!r}; there are: {', '.join(Intent)}")
    meant = Intent(intent) if intent else None
    _ask(lambda proposals: proposals.decide(number, ProposalStatus.ACCEPTED, _now(), meant))
    if not later:
        teach_accepted()


@review.command("reject")
def reject(number: Number) -> None:
    """Never propose it again."""
    from voice_agent.storage.sql.repositories.understanding import ProposalStatus

    _ask(lambda proposals: proposals.decide(number, ProposalStatus.REJECTED, _now()))


@review.command("teach")
def teach_accepted(language: Language = "en") -> None:
    """Teach from everything accepted; a model that is worse on the back-test is not used."""
    from voice_agent.config import load_settings
    from voice_agent.engines.nlu.embedded_tiers import TAUGHT, taught_folder
    from voice_agent.engines.nlu.few_shot.examples import Example, shipped_examples
    from voice_agent.engines.nlu.few_shot.shipped import embedder_if_any, load_few_shot
    from voice_agent.engines.nlu.language import load_language
    from voice_agent.engines.nlu.promotion import shipped_backtest, teach_and_promote
    from voice_agent.storage.sql.repositories.understanding import ProposalStatus

    data, tables = load_settings().data_dir, load_language(language)
    new = _ask(lambda proposals: proposals.with_status(ProposalStatus.ACCEPTED))
    old = _ask(lambda proposals: proposals.with_status(ProposalStatus.TRAINED))
    learned = (Example(one.text, str(one.intent)) for one in (*old, *new))
    verdict = teach_and_promote(
        load_few_shot(data / "cache", tables, taught_folder(data)),
        (*shipped_examples(tables), *learned),
        shipped_backtest(tables),
        embedder_if_any(data / "cache"),
        data / TAUGHT,
    )
    change = f"{verdict.before.accuracy:.2%} before, {verdict.after.accuracy:.2%} after"
    if not verdict.promoted:
        typer.echo(f"Not used, accuracy would fall: {change}.", err=True)
        raise typer.Exit(1)
    _ask(lambda proposals: proposals.mark_trained([one.id for one in new]))
    typer.echo(f"In use from the next start on: {change}.")


async def _evaluation(rows: "tuple[Labelled, ...]") -> "Evaluation":
    from anyio import to_thread

    from voice_agent.config import load_settings
    from voice_agent.core.clock import LoopClock
    from voice_agent.engines.nlu.embedded_tiers import embedded_tiers
    from voice_agent.engines.nlu.evaluation import evaluate as figures
    from voice_agent.engines.nlu.tiers import TieredUnderstander

    tiers = await to_thread.run_sync(embedded_tiers, load_settings().data_dir)
    understander = TieredUnderstander(tiers, LoopClock())
    now = _now()
    pairs = []
    for row in rows:
        found = await understander.understand(
            row.text, now=now, previous_agent_text=row.previous_agent_text
        )
        pairs.append((row.intent, found.intent))
    return figures(pairs)


def _now() -> datetime:
    return datetime.now(UTC)


def _ask(question: "Callable[[SqlNluProposals], Awaitable[T]]") -> T:
    """Put a question to the proposals of the database that is set up.

    Raises:
        StorageError: it cannot be used.
        NotFoundError: there is no such proposal.
    """
    import anyio

    from voice_agent.config import load_settings
    from voice_agent.storage.sql.database import Database
    from voice_agent.storage.sql.repositories.understanding import SqlNluProposals

    async def asked() -> T:
        async with Database(load_settings().database) as database:
            return await question(SqlNluProposals(database))

    return anyio.run(asked)
