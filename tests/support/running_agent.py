"""The product as people start it: `voice-agent serve` in a process of its own."""

import os
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

READY_WITHIN = 120.0


@dataclass(frozen=True)
class RunningAgent:
    """Where it listens and where it keeps things."""

    port: int
    data_dir: Path
    log_file: Path
    pids: list[int] = field(default_factory=list)

    @property
    def pid(self) -> int:
        return self.pids[-1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def voice_socket(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws/voice"

    @property
    def token(self) -> str:
        return (self.data_dir / "local-twilio-token").read_text().strip()

    def log(self) -> str:
        return self.log_file.read_text()

    def order(self, number: int) -> dict[str, object]:
        """A row of the orders, read beside the server."""
        address = f"file:{self.data_dir}/voice-agent.db?mode=ro"
        with closing(sqlite3.connect(address, uri=True)) as database:
            database.row_factory = sqlite3.Row
            row = database.execute("SELECT * FROM orders WHERE id = ?", (number,)).fetchone()
        return dict(row)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_agent(data_dir: Path, **settings: str) -> Iterator[RunningAgent]:
    """Start it with these settings on a free port, wait until it is ready, stop it in the end."""
    agent = RunningAgent(free_port(), data_dir, data_dir / "server.log")
    with start(agent, **settings) as process:
        try:
            _await_ready(agent, process)
            yield agent
        finally:
            process.terminate()
            process.wait(timeout=30)


def start(agent: RunningAgent, **settings: str) -> "subprocess.Popen[bytes]":
    """The bare process."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("VOICE_AGENT_")}
    environment |= {f"VOICE_AGENT_{name.upper()}": value for name, value in settings.items()}
    environment |= {
        "VOICE_AGENT_PORT": str(agent.port),
        "VOICE_AGENT_DATA_DIR": str(agent.data_dir),
    }
    command = [sys.executable, "-m", "voice_agent", "serve"]
    with agent.log_file.open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    agent.pids.append(process.pid)
    return process


def _await_ready(agent: RunningAgent, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise AssertionError(f"the server stopped:\n{agent.log()}")
        try:
            with urllib.request.urlopen(f"{agent.url}/health?ready=1", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"the server did not get ready:\n{agent.log()}")
