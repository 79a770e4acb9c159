"""A real PostgreSQL of our own: started on a free port in a folder of its own, thrown away after.

As root it runs as `nobody`, because the server refuses to be root.
"""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from support.requirements import require

_READY_WITHIN = 60.0
_NUMBERS = count(1)


def binaries() -> Path | None:
    """The folder of the newest installed server's programs."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    return max(found, key=lambda path: int(path.parent.name), default=None)


@dataclass(frozen=True)
class Postgres:
    """A running server."""

    port: int
    bin: Path

    def new_database(self) -> str:
        """The URL of an empty database."""
        name = f"test{next(_NUMBERS)}"
        self.sql("postgres", f"CREATE DATABASE {name}")
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"

    def sql(self, database: str, statement: str) -> str:
        """Run a statement; gives the bare rows."""
        where = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-d", database]
        command = [str(self.bin / "psql"), *where, "-tAqc", statement]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@contextmanager
def postgres_server() -> Iterator[Postgres]:
    """Start one; the test is skipped where none is installed."""
    bin_dir = binaries()
    require(bin_dir, "PostgreSQL", "apt-get install postgresql")
    assert bin_dir is not None
    folder = Path(tempfile.mkdtemp(prefix="voice-agent-postgres-"))
    try:
        with _running(bin_dir, folder) as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _running(bin_dir: Path, folder: Path) -> Iterator[Postgres]:
    data = folder / "data"
    user = "nobody" if os.geteuid() == 0 else None
    if user:
        shutil.chown(folder, user)
    initdb = [str(bin_dir / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "-N"]
    subprocess.run(initdb, check=True, capture_output=True, user=user, cwd=folder)
    server = Postgres(_free_port(), bin_dir)
    options = ["-h", "127.0.0.1", "-p", str(server.port), "-k", str(folder), "-F"]
    with (folder / "log").open("wb") as log:
        command = [str(bin_dir / "postgres"), "-D", str(data), *options]
        process = subprocess.Popen(command, stdout=log, stderr=log, user=user, cwd=folder)
    try:
        _await_ready(server, process, folder / "log")
        yield server
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await_ready(server: Postgres, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + _READY_WITHIN
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise AssertionError(f"PostgreSQL stopped:\n{log.read_text()}")
        try:
            server.sql("postgres", "SELECT 1")
        except subprocess.CalledProcessError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"PostgreSQL did not get ready:\n{log.read_text()}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
