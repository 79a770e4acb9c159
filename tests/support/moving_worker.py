"""Moves one appointment to the next day and back for ever, in children that are killed.

For each line with a delay (s) on standard input a child is forked; the delay after it began to
move it is killed with SIGKILL, and a line is written.
"""

import os
import signal
import sys
import time
from datetime import UTC, datetime, timedelta

import anyio

from voice_agent.storage.sql.database import Database
from voice_agent.storage.sql.repositories.appointments import SqlAppointments


async def move_for_ever(url: str, number: str, ready: int) -> None:
    async with Database(url) as database:
        appointments = SqlAppointments(database)
        found = await appointments.find(number)
        assert found is not None
        step = timedelta(days=1 if found.starts_at.weekday() == 0 else -1)
        place = found.starts_at
        os.write(ready, b"!")
        while True:
            place, step = place + step, -step
            assert await appointments.move(number, place, datetime.now(UTC)) is not None


def kill_one(url: str, number: str, delay: float) -> None:
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        sys.stdout = sys.stderr
        anyio.run(move_for_ever, url, number, write)
    os.close(write)
    assert os.read(read, 1) == b"!"
    time.sleep(delay)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(read)


if __name__ == "__main__":
    for line in sys.stdin:
        kill_one(sys.argv[1], sys.argv[2], float(line))
        sys.stdout.write("killed\n")
        sys.stdout.flush()
