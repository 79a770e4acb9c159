"""`voice-agent call`: ring a server up with a simulated phone.

Heavy parts are imported when the command runs, so that `voice-agent --help` stays quick.
"""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn
from urllib.parse import urlsplit

import typer

if TYPE_CHECKING:
    from voice_agent.simulation.call_job import CallOutcome
    from voice_agent.simulation.script_file import Plan

TOKEN_FILE = "local-twilio-token"  # noqa: S105 - a file's name


Say = Annotated[list[str] | None, typer.Option(help="Speak this text; repeat it for more turns.")]
Wav = Annotated[
    list[Path] | None,
    typer.Option(help="Play this recording (any WAV); repeat it for more turns."),
]
Script = Annotated[
    Path | None, typer.Option(help="Follow a TOML script: say, wav, wait, key, hang_up.")
]
Mic = Annotated[bool, typer.Option("--mic", help="Talk yourself, with this machine's microphone.")]
Url = Annotated[str, typer.Option(help="The server; ws://…/ws/voice calls like a browser.")]
BargeInAfter = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS",
        min=0.0,
        help="Interrupt the agent so long after it began to sound: with every text or "
        "recording but the first, or with the only one.",
    ),
]
Record = Annotated[Path | None, typer.Option(help="Write a stereo WAV: caller left, agent right.")]
Json = Annotated[Path | None, typer.Option(help="Write the report as JSON.")]
Transcribe = Annotated[
    bool,
    typer.Option("--transcribe", help="Let the embedded recogniser write down the agent too."),
]
Voice = Annotated[str, typer.Option(help="The voice of --say; default: the clearest.")]
Stay = Annotated[bool, typer.Option("--stay", help="Never hang up first.")]
Longest = Annotated[
    float | None,
    typer.Option(metavar="SECONDS", min=1.0, help="Hang up after this time (180)."),
]
AuthToken = Annotated[
    str,
    typer.Option(
        envvar="VOICE_AGENT_TWILIO_AUTH_TOKEN",
        show_default=False,
        help="Signs as Twilio would; default: the local token in the data directory.",
    ),
]
DataDir = Annotated[
    Path, typer.Option(envvar="VOICE_AGENT_DATA_DIR", help="The server's data directory.")
]


def call(
    *,
    say: Say = None,
    wav: Wav = None,
    script: Script = None,
    mic: Mic = False,
    url: Url = "http://127.0.0.1:8000",
    barge_in_after: BargeInAfter = None,
    record: Record = None,
    json: Json = None,
    transcribe: Transcribe = False,
    voice: Voice = "",
    stay: Stay = False,
    longest: Longest = None,
    auth_token: AuthToken = "",
    data_dir: DataDir = Path("data"),
) -> None:
    """Call a server as Twilio (or a browser) would, and print what was heard.

    Exit codes: 0 the call took place, 1 it did not, 2 wrong use.
    """
    _check_use(url, [record, json])
    if mic and (say or wav or script or barge_in_after is not None):
        _misuse("--mic is a caller of its own")
    plan = None if mic else _plan(say, wav, script, barge_in_after)
    if plan:
        plan = _adjusted(plan, voice, longest, stay=stay)
    outcome = _call(url, plan, auth_token or _local_token(data_dir), transcribe=transcribe)
    _deliver(outcome, record, json)


def _plan(
    say: list[str] | None,
    wav: list[Path] | None,
    script: Path | None,
    barge_in_after: float | None,
) -> "Plan":
    from voice_agent.simulation.script_file import Plan, PlayFile, SayText

    if script:
        if say or wav or barge_in_after is not None:
            _misuse("--script goes without --say, --wav and --barge-in-after")
        return _script(script)
    steps = [SayText(text) for text in say or ()] + [PlayFile(path) for path in wav or ()]
    if not steps:
        _misuse("what does the caller do? Give --say TEXT, --wav FILE, --script FILE or --mic")
    if any(isinstance(step, SayText) and not step.text.strip() for step in steps):
        _misuse("--say has no text")
    first = 1 if len(steps) > 1 else 0
    barging = [replace(step, after=barge_in_after) for step in steps[first:]]
    return Plan([*steps[:first], *barging])


def _script(path: Path) -> "Plan":
    from voice_agent.core.errors import ConfigurationError
    from voice_agent.simulation.script_file import read_script

    try:
        return read_script(path.read_text("utf-8"), path.parent)
    except (OSError, UnicodeDecodeError, ConfigurationError) as error:
        _misuse(f"{path}: {error}")


def _adjusted(plan: "Plan", voice: str, longest: float | None, *, stay: bool) -> "Plan":
    manners = plan.manners
    if longest is not None:
        manners = replace(manners, longest=longest)
    if stay:
        manners = replace(manners, stay=True)
    return replace(plan, manners=manners, voice=voice or plan.voice)


def _check_use(url: str, outputs: list[Path | None]) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https", "ws", "wss") or not parts.hostname:
        _misuse(f"--url {url!r} is no http(s):// or ws(s):// address")
    for path in outputs:
        if path and not path.absolute().parent.is_dir():
            _misuse(f"{path}: there is no folder {path.absolute().parent}")


def _local_token(data_dir: Path) -> str:
    try:
        return (data_dir / TOKEN_FILE).read_text("utf-8").strip()
    except OSError:
        return ""


def _call(url: str, plan: "Plan | None", auth_token: str, *, transcribe: bool) -> "CallOutcome":
    from voice_agent.core.errors import ConfigurationError, VoiceAgentError
    from voice_agent.simulation.call_job import CallOrder
    from voice_agent.simulation.watched_call import run_watched

    try:
        return run_watched(CallOrder(url, plan, auth_token, transcribe=transcribe))
    except ConfigurationError as error:
        _misuse(str(error))
    except VoiceAgentError as error:
        typer.echo(f"call failed: {error}", err=True)
        raise typer.Exit(1) from None


def _deliver(outcome: "CallOutcome", record: Path | None, json: Path | None) -> None:
    from voice_agent.simulation.watched_call import present

    present(outcome)
    try:
        if record:
            record.write_bytes(outcome.stereo_wav())
        if json:
            json.write_bytes(outcome.json())
    except OSError as error:
        typer.echo(
            f"the call took place, but {error.filename} cannot be written: {error.strerror}",
            err=True,
        )
        raise typer.Exit(1) from None
    if outcome.failure:
        typer.echo(f"call failed: {outcome.failure}", err=True)
        raise typer.Exit(1)


def _misuse(message: str) -> NoReturn:
    raise typer.BadParameter(message)
