"""A call report for human eyes."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from voice_agent.simulation.handset import Handset
from voice_agent.simulation.report import CallReport, TurnReport

BAR = 32
COLOURS = ("cyan", "blue", "magenta", "yellow", "green", "red", "bright_cyan", "bright_magenta")


def show_report(console: Console, report: CallReport) -> None:
    """Print the dialogue as heard, the waits and the measures."""
    for turn in report.turns:
        _dialogue(console, turn)
    measured = [turn for turn in report.turns if turn.latency_ms is not None]
    if measured:
        console.print()
        console.print(_waterfall(measured))
    console.print()
    console.print(_summary(report))
    for warning in report.warnings:
        console.print(Text(f"warning: {warning}", "yellow"))


def progress(handset: Handset) -> str:
    """One line about a running call."""
    caller, agent = handset.voiced
    who = {
        (False, False): "silence",
        (True, False): "the caller speaks",
        (False, True): "the agent speaks",
        (True, True): "both speak",
    }[caller, agent]
    return f"{handset.now:6.1f} s  {who}"


def _dialogue(console: Console, turn: TurnReport) -> None:
    if turn.caller or turn.said:
        line = Text("caller  ", "bold cyan")
        line.append(turn.caller or "(not understood)", "default")
        if turn.said and turn.said.casefold() != turn.caller.casefold():
            line.append(f"  (said: {turn.said})", "dim")
        console.print(line)
    for tool in turn.tools:
        arguments = ", ".join(f"{name}={value!r}" for name, value in tool.arguments.items())
        mark = "ok" if tool.ok else "failed"
        console.print(Text(f"        {tool.name}({arguments}) {mark}", "dim"))
    if turn.agent:
        line = Text("agent   ", "bold green")
        line.append(turn.agent, "default")
        if turn.interrupted:
            line.append("  (interrupted)", "yellow")
        console.print(line)


def _waterfall(turns: list[TurnReport]) -> Table:
    table = Table(title="Wait per turn, as heard", title_justify="left", box=None)
    table.add_column("turn")
    table.add_column("ms", justify="right")
    table.add_column("stages at the server, the rest on the way", overflow="fold")
    longest = max(max(t.latency_ms or 0.0, sum(t.stages_ms.values())) for t in turns) or 1.0
    for number, turn in enumerate(turns):
        name = turn.caller or turn.said or ("greeting" if number == 0 else "-")
        table.add_row(name[:24], f"{turn.latency_ms:.0f}", _bar(turn, longest))
    return table


def _bar(turn: TurnReport, longest: float) -> Text:
    bar = Text()
    used = 0.0
    for index, ms in enumerate(turn.stages_ms.values()):
        cells = round((used + ms) / longest * BAR) - round(used / longest * BAR)
        bar.append("█" * cells, COLOURS[index % len(COLOURS)])
        used += ms
    rest = round((turn.latency_ms or 0.0) / longest * BAR) - round(used / longest * BAR)
    bar.append("░" * max(0, rest), "dim")
    for index, (stage, ms) in enumerate(turn.stages_ms.items()):
        if ms >= 1:
            bar.append(f" {stage} {ms:.0f}", COLOURS[index % len(COLOURS)])
    return bar


def _summary(report: CallReport) -> Text:
    heard = report.heard
    parts = [
        f"{report.disposition}",
        f"{heard.duration:.1f} s",
        f"longest silence {heard.longest_silence_ms:.0f} ms",
        f"gaps {len(heard.gaps_ms)} ({sum(heard.gaps_ms):.0f} ms)",
    ]
    stops = [t.barge_in_stop_ms for t in report.turns if t.barge_in_stop_ms is not None]
    parts += [f"stopped {stop:.0f} ms after the interruption" for stop in stops]
    return Text(" · ".join(parts), "bold")
