"""`python -m benchmarks`: measure, print a table, keep the figures as JSON."""

import argparse
import json
import os
import platform
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import overhead
from voice_agent import __version__

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    """Run the measurements that do not need anything from outside."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--calls", type=int, nargs="+", default=[1, 20], help="calls at once")
    parser.add_argument("--vad", nargs="+", default=["energy", "silero"], help="detectors")
    arguments = parser.parse_args()
    loads = tuple(arguments.calls)
    figures = [figure for vad in arguments.vad for figure in overhead.run(vad, loads)]
    rows = overhead.as_rows(figures)
    table = Table(title="What the product adds to a turn (engines take no time)")
    for column in rows[0]:
        table.add_column(column.replace("_", " "), justify="right")
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    Console(width=160).print(table)
    machine = {
        "version": __version__,
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load_before": os.getloadavg()[0],
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "overhead.json").write_text(
        json.dumps({"machine": machine, "rows": rows}, indent=2) + "\n"
    )


if __name__ == "__main__":
    main()
