"""How long a call waits for what is known of its caller: `python -m benchmarks.caller_memory`.

A SQLite file with so many callers, each with ten past calls and fifty turns; recalls one after the
other, and while calls that end write. Another database by its URL, emptied of callers beforehand.
"""

import argparse
import random
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
from sqlalchemy import insert

from voice_agent.core.call import Call, Channel, Direction
from voice_agent.core.clock import LoopClock
from voice_agent.core.memory import CallerId, Consent, ConsentSource, Learned, PastCall
from voice_agent.memory.caller_keys import CallerKeys
from voice_agent.memory.recollection import MemorySettings
from voice_agent.memory.service import MemoryService
from voice_agent.storage.sql.database import Database
from voice_agent.storage.sql.models.memory import ConversationTurnRow
from voice_agent.storage.sql.repositories.caller_memory import SqlCallerMemory

NOW = datetime(2026, 11, 22, tzinfo=UTC)
KEYS = CallerKeys(b"a key for measurements only")


def number(index: int) -> str:
    """A telephone number."""
    return f"+1212555{index:04d}"


def identify(index: int) -> CallerId:
    """The id of a caller."""
    found = KEYS.identify(number(index))
    if found is None:
        raise ValueError(index)
    return found


def lesson(index: int, call: int) -> Learned:
    """What one call taught."""
    at = NOW - timedelta(days=20 - call)
    past = PastCall(f"CA{index}-{call}", at, "phone", "order 1042" * 5, "done " * 10, "agent_ended")
    return Learned(
        past,
        Consent(granted=True, source=ConsentSource.CALLER, at=at),
        name="Anna Lee",
        name_verified=True,
        tier="gold",
        language="en",
        preferences=tuple(f"please only call at {n}" for n in range(8)),
    )


async def fill(database: Database, callers: int) -> None:
    """Write the callers."""
    memory = SqlCallerMemory(database)
    for index in range(callers):
        await memory.remember(identify(index), lesson(index, 0))
    for index in range(callers):
        rows = [
            {
                "caller_key": identify(index).key,
                "call_id": f"CA{index}-{turn // 5}",
                "turn": turn,
                "at": NOW,
                "caller_text": "word " * 20,
                "agent_text": "word " * 30,
            }
            for turn in range(50)
        ]
        async with database.write() as session:
            await session.execute(insert(ConversationTurnRow), rows)
    for call in range(1, 10):
        for index in range(0, callers, 10):
            await memory.remember(identify(index), lesson(index, call))


async def recalls(service: MemoryService, callers: int, count: int) -> tuple[list[float], int]:
    """Milliseconds of so many beginnings of calls, and how many were not recalled."""
    taken, missed = [], 0
    for _ in range(count):
        caller = number(random.randrange(callers))
        call = Call("CA1", Channel.PHONE, Direction.INBOUND, NOW, caller=caller)
        before = time.perf_counter()
        recollection = await service.begin(call)
        taken.append((time.perf_counter() - before) * 1000)
        missed += recollection.profile is None
    return taken, missed


async def write_on(memory: SqlCallerMemory, callers: int) -> None:
    """Calls end, twenty a second."""
    while True:
        index = random.randrange(callers)
        await memory.remember(identify(index), lesson(index, random.randrange(1000)))
        await anyio.sleep(0.05)


def show(title: str, taken: list[float], missed: int) -> None:
    """One line."""
    cuts = statistics.quantiles(taken, n=100)
    p50, p95, p99 = cuts[49], cuts[94], cuts[98]
    print(f"{title:28} p50 {p50:6.2f} ms  p95 {p95:6.2f}  p99 {p99:6.2f}  not recalled {missed}")


async def measure(url: str, callers: int, count: int) -> None:
    """Fill, then recall."""
    async with Database(url) as database:
        memory = SqlCallerMemory(database)
        await fill(database, callers)
        async with MemoryService(MemorySettings(), memory, KEYS, LoopClock()) as service:
            await recalls(service, callers, 50)
            show(f"{callers} callers, quiet", *await recalls(service, callers, count))
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(write_on, memory, callers)
                show("while calls are written", *await recalls(service, callers, count))
                tasks.cancel_scope.cancel()


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(prog="benchmarks.caller_memory", description=__doc__)
    parser.add_argument("--callers", type=int, default=1000)
    parser.add_argument("--recalls", type=int, default=2000)
    parser.add_argument("--url", default="")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = arguments.url or f"sqlite:///{Path(folder) / 'agent.db'}"
        anyio.run(measure, url, arguments.callers, arguments.recalls)


if __name__ == "__main__":
    main()
