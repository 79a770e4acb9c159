"""`python -m benchmarks.failure_matrix`: a call for every provider on each of its bad days.

Each cell is a fresh server with one hosted provider in front of the embedded engines, and a
simulated phone that asks after an order. The page docs/reference/failure-matrix.md is written
from what the phone's recording and the call's record tell.
"""

import argparse
import dataclasses
import json
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import anyio
import anyio.to_thread
from rich.console import Console
from rich.progress import Progress

from benchmarks.server import running_server
from voice_agent.core.errors import VoiceAgentError
from voice_agent.simulation.call_job import CallOrder, HangUpSwitch, carry_out
from voice_agent.simulation.call_record import fetch_record
from voice_agent.simulation.caller import Manners
from voice_agent.simulation.drill import (
    AILMENTS,
    PATIENTS,
    QUESTION,
    Patient,
    Verdict,
    fault_of,
    judge,
    settings_for,
)
from voice_agent.simulation.phone import new_client
from voice_agent.simulation.providers.desk import Desk
from voice_agent.simulation.providers.running import embedded_desk, serving
from voice_agent.simulation.script_file import Plan, SayText

RESULTS = Path(__file__).parent / "results" / "failure_matrix.json"
PAGE = Path(__file__).parents[1] / "docs" / "reference" / "failure-matrix.md"
TOKEN = "matrix"  # noqa: S105 - both sides are ours
WELL = "well"
BAD = "✗"
GREETING = "Hello, how can I help?"


@dataclass(frozen=True, slots=True)
class Cell:
    """One provider on one kind of day; `trouble` when there was no call at all."""

    patient: Patient
    ailment: str
    verdict: Verdict | None = None
    trouble: str = ""

    @property
    def problems(self) -> list[str]:
        """What is wrong with this cell."""
        return [self.trouble] if self.verdict is None else self.verdict.faults()

    @property
    def shown(self) -> str:
        """The cell in the table."""
        if self.verdict is None or self.problems:
            return f"{BAD} " + "; ".join(self.problems)
        return f"{self.verdict.longest_silence_ms / 1000:.2f} s"


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def examine(cell: Cell, desk: Desk, base: str) -> Cell:
    """Hold the cell's call."""
    if cell.ailment != WELL:
        fault = fault_of(cell.patient, cell.ailment)
        if fault is None:
            base = f"http://127.0.0.1:{free_port()}"
        else:
            desk.faults.order(fault)
    settings = settings_for(cell.patient, base)
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        server = running_server(port, Path(folder), **_as_variables(settings))
        await anyio.to_thread.run_sync(server.__enter__)
        try:
            return dataclasses.replace(cell, verdict=await _call(f"http://127.0.0.1:{port}"))
        except VoiceAgentError as error:
            return dataclasses.replace(cell, trouble=str(error))
        finally:
            desk.faults.clear()
            await anyio.to_thread.run_sync(server.__exit__, None, None, None)


def _as_variables(settings: dict[str, object]) -> dict[str, str]:
    lists = {name: ",".join(value) for name, value in settings.items() if isinstance(value, list)}
    return {
        **lists,
        "engine_options": json.dumps(settings["engine_options"]),
        "twilio_auth_token": TOKEN,
        "greeting": GREETING,
    }


async def _call(url: str) -> Verdict:
    plan = Plan([SayText(QUESTION)], Manners(longest=45.0, farewell=3.5))
    outcome = await carry_out(CallOrder(url, plan, TOKEN), HangUpSwitch())
    async with new_client(url) as client:
        record = await fetch_record(client, url, outcome.phone.call_id)
    return judge(outcome, record["events"])


async def run(cells: list[Cell], lanes: int) -> list[Cell]:
    """All cells, some side by side."""
    waiting, done = iter(cells), list[Cell]()
    console = Console(stderr=True)
    with Progress(console=console) as progress:
        bar = progress.add_task("calls", total=len(cells))

        async def lane(engines: Desk) -> None:
            desk = Desk(engines.model, engines.recognizer, engines.synthesizer)
            async with serving(desk) as base:
                for cell in waiting:
                    finished = await examine(cell, desk, base)
                    done.append(finished)
                    progress.advance(bar)
                    name = f"{cell.patient.name} × {cell.ailment}"
                    progress.console.print(f"{name}: {finished.shown}", highlight=False)

        async with embedded_desk() as engines, anyio.create_task_group() as tasks:
            for _ in range(lanes):
                tasks.start_soon(lane, engines)
    order = {(cell.patient.name, cell.ailment): place for place, cell in enumerate(cells)}
    return sorted(done, key=lambda cell: order[cell.patient.name, cell.ailment])


def kept(cells: list[Cell]) -> dict[str, dict[str, str]]:
    """What is known of every cell after this run: those of earlier runs, renewed by these."""
    known: dict[str, dict[str, str]] = {}
    if RESULTS.exists():
        known = json.loads(RESULTS.read_text("utf-8"))
    for cell in cells:
        known.setdefault(cell.patient.name, {})[cell.ailment] = cell.shown
    return known


def page(known: dict[str, dict[str, str]]) -> Iterator[str]:
    """The reference page's lines."""
    columns = [WELL, *AILMENTS]
    yield "# Failure matrix\n"
    yield "*Written by `python -m benchmarks.failure_matrix --write`; do not edit it.*\n"
    yield (
        "Each cell is a call of the simulated phone: one hosted provider (simulated) in front of "
        "the embedded engines, failing from the call's first moment to its last in the way the "
        "column says. The figure is the longest silence in the recording of the whole call, the "
        "caller's own pauses included. It stands there only if the order was looked up and its "
        "state heard, the caller's words were understood as on a good day, no sentence was said "
        "twice and the silence was at most 1.5 s.\n"
    )
    yield "| | " + " | ".join(columns) + " |"
    yield "|---" * (len(columns) + 1) + "|"
    rows = [(p.name, known.get(p.name, {})) for p in PATIENTS]
    for name, row in rows:
        yield f"| {name} | " + " | ".join(row.get(column, "") for column in columns) + " |"
    cells = [cell for _, row in rows for cell in row.values()]
    good = sum(not cell.startswith(BAD) for cell in cells)
    yield f"\n{good} of {len(cells)} calls good."


def main() -> None:
    """Hold the calls and write the page."""
    parser = argparse.ArgumentParser(prog="benchmarks.failure_matrix", description=__doc__)
    parser.add_argument("--only", nargs="+", help="providers by name, as in the table")
    parser.add_argument("--ailment", nargs="+", help="columns")
    parser.add_argument("--lanes", type=int, default=2, help="calls side by side")
    parser.add_argument("--write", action="store_true", help="write the page")
    arguments = parser.parse_args()
    patients = [p for p in PATIENTS if not arguments.only or p.name in arguments.only]
    ailments = arguments.ailment or [WELL, *AILMENTS]
    cells = [Cell(patient, ailment) for patient in patients for ailment in ailments]
    known = kept(anyio.run(run, cells, arguments.lanes))
    text = "\n".join(page(known)) + "\n"
    print(text)
    if arguments.write:
        RESULTS.write_text(json.dumps(known, indent=2, ensure_ascii=False) + "\n", "utf-8")
        PAGE.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
