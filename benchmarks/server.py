"""A server of its own process for measurements, and what it costs the machine."""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
READY_WITHIN = 120.0


@contextmanager
def running_server(port: int, data_dir: Path, **settings: str) -> Iterator[int]:
    """Start `voice-agent serve` with these settings; gives its process id."""
    environment = dict(os.environ)
    environment |= {f"VOICE_AGENT_{name.upper()}": value for name, value in settings.items()}
    environment |= {"VOICE_AGENT_PORT": str(port), "VOICE_AGENT_DATA_DIR": str(data_dir)}
    command = [sys.executable, "-m", "voice_agent", "serve", "--log-level", "warning"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        try:
            _await_health(port, process)
            yield process.pid
        finally:
            process.terminate()
            process.wait(timeout=30)


def _await_health(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SystemExit(f"the server stopped with code {process.returncode}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    raise SystemExit("the server did not get ready")


def cpu_seconds(pid: int) -> float:
    """Processor time of a process and its children so far."""
    return sum(_own_cpu(member) for member in _family(pid))


def resident_mib(pid: int) -> float:
    """Resident memory of a process and its children, MiB."""
    pages = sum(int(Path(f"/proc/{p}/statm").read_text().split()[1]) for p in _family(pid))
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _own_cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(member for child in children for member in _family(int(child)))]
