"""The call log never blocks, stores in order, survives trouble, and drains at the end."""

from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

import anyio
import anyio.lowlevel
import pytest
from sqlalchemy import select

from support.storage import NOW, a_call, demo_database, events_of, url_of
from voice_agent.core.call import Channel, Direction, Disposition
from voice_agent.core.errors import NotFoundError, ProtocolError
from voice_agent.core.events import (
    AgentSaid,
    AgentSaying,
    CallEnded,
    CallerHeard,
    CallerSaid,
    CallEvent,
    CallEventPayload,
    CallStarted,
    ToolFinished,
)
from voice_agent.core.ports import CallLog
from voice_agent.storage.call_records import CallQuery, CallRecord
from voice_agent.storage.sql.call_log import SqlCallLog
from voice_agent.storage.sql.call_records import SqlCallRecords
from voice_agent.storage.sql.database import Database
from voice_agent.storage.sql.models import CallEventRow, TransferRow
from voice_agent.storage.sql.repositories.transfers import SqlTransfers

pytestmark = pytest.mark.anyio

STARTED = CallStarted(Channel.PHONE, Direction.INBOUND, "+12125550100", {"llm": "built in"})
ENDED = CallEnded(Disposition.AGENT_ENDED, 12.5)


async def stored(path: Path, call_id: str = "call-1") -> CallRecord:
    async with Database(url_of(path)) as database:
        return await SqlCallRecords(database).find(call_id)


def note(log: CallLog, call_id: str, *payloads: CallEventPayload) -> None:
    log.begin(a_call(call_id))
    for event in events_of(call_id, *payloads):
        log.append(event)


async def test_a_call_is_stored_with_its_events_in_order(tmp_path: Path) -> None:
    path = tmp_path / "agent.db"
    said = [CallerSaid(f"sentence {n}", 0.5) for n in range(1200)]
    async with Database(url_of(path)) as database, SqlCallLog(database) as log:
        note(log, "call-1", STARTED, *said, ENDED)
    record = await stored(path)
    assert [event.seq for event in record.events] == list(range(1202))
    assert record.events[1].data == {"text": "sentence 0", "confidence": 0.5}
    assert record.engines == {"llm": "built in"}
    assert record.summary.disposition is Disposition.AGENT_ENDED
    assert record.summary.duration == 12.5
    assert record.summary.ended_at is not None
    assert (record.summary.ended_at - NOW).total_seconds() == 12.5
    assert record.summary.turns == 1
    assert log.dropped == 0


async def test_a_call_that_goes_on_has_no_end(tmp_path: Path) -> None:
    path = tmp_path / "agent.db"
    async with Database(url_of(path)) as database, SqlCallLog(database) as log:
        note(log, "call-1", STARTED)
    summary = (await stored(path)).summary
    assert (summary.ended_at, summary.disposition, summary.duration) == (None, None, None)


async def test_a_full_queue_gives_up_interim_events_first(tmp_path: Path) -> None:
    path = tmp_path / "agent.db"
    async with Database(url_of(path)) as database, SqlCallLog(database, capacity=20) as log:
        talk: list[CallEventPayload] = [CallerHeard("a"), AgentSaying("b")] * 30
        note(log, "call-1", STARTED, *talk, CallerSaid("c", 1.0), AgentSaid("d"), ENDED)
    record = await stored(path)
    kinds = [event.kind for event in record.events]
    assert kinds[0] == "CallStarted"
    assert kinds[-3:] == ["CallerSaid", "AgentSaid", "CallEnded"]
    assert len(kinds) == 19
    assert log.dropped == 65 - 20


async def test_taking_an_event_does_not_wait_for_the_database(tmp_path: Path) -> None:
    url = url_of(tmp_path / "agent.db")
    async with Database(url) as database, SqlCallLog(database) as log, database.write():
        note(log, "call-1", STARTED, *[CallerSaid("x", 1.0)] * 2000, ENDED)
        await anyio.sleep(0.05)
    assert log.dropped == 0


async def test_flush_waits_until_what_was_noted_can_be_read(tmp_path: Path) -> None:
    url = url_of(tmp_path / "agent.db")
    async with Database(url) as database, SqlCallLog(database, linger=3600.0) as log:
        for number in range(5):
            note(log, f"call-{number}", STARTED, CallerSaid("x", 1.0))
            await log.flush()
            record = await SqlCallRecords(database).find(f"call-{number}")
            assert len(record.events) == 2


async def test_the_end_of_a_call_is_written_without_lingering(tmp_path: Path) -> None:
    url = url_of(tmp_path / "agent.db")
    async with Database(url) as database, SqlCallLog(database, linger=3600.0) as log:
        note(log, "call-1", STARTED, ENDED)
        with anyio.fail_after(30):
            while not (await SqlCallRecords(database).page(CallQuery())).calls:
                await anyio.lowlevel.checkpoint()


async def test_the_end_of_a_call_ends_its_wait_for_a_person(tmp_path: Path) -> None:
    async with demo_database(tmp_path / "agent.db") as database:
        queue = SqlTransfers(database)
        async with SqlCallLog(database) as log:
            for call_id in ("call-1", "call-2"):
                await queue.enter(call_id, "billing", "a refund", NOW)
            note(log, "call-1", STARTED, CallEnded(Disposition.TRANSFERRED, 30.0))
        assert await queue.waiting("billing", NOW) == 1
        assert (await queue.enter("call-2", "billing", "", NOW)).position == 1
        async with database.read() as session:
            closed = TransferRow.call_id == "call-1"
            row = (await session.scalars(select(TransferRow).where(closed))).one()
    assert (row.outcome, row.closed_at) == ("transferred", NOW + timedelta(seconds=30))


async def test_a_cancelled_server_still_writes_its_last_calls(tmp_path: Path) -> None:
    path = tmp_path / "agent.db"
    async with Database(url_of(path)) as database:
        with anyio.CancelScope() as scope:
            async with SqlCallLog(database) as log:
                note(log, "call-1", STARTED, ENDED)
                scope.cancel()
                await anyio.sleep(10)
    assert len((await stored(path)).events) == 2


async def test_one_bad_entry_does_not_cost_the_others(tmp_path: Path) -> None:
    path = tmp_path / "agent.db"
    async with Database(url_of(path)) as database, SqlCallLog(database) as log:
        note(log, "call-1", STARTED, CallerSaid("x", 1.0), ENDED)
        log.begin(a_call("call-1"))
        log.append(events_of("nobody", STARTED)[0])
        unreadable = ToolFinished("1", "t", True, 1.0, MappingProxyType({"x": lambda: None}))
        log.append(CallEvent("call-1", 77, 1.0, 1, unreadable))
        log.append(CallEvent("call-1", 78, 1.0, 1, CallerSaid("half \ud800", float("nan"))))
    record = await stored(path)
    assert [event.seq for event in record.events] == [0, 1, 2, 78]
    assert record.events[-1].data == {"text": "half ?", "confidence": None}
    assert log.dropped == 3


async def test_a_database_that_fails_for_a_while_costs_nothing(tmp_path: Path) -> None:
    path = tmp_path / "agent.db"
    async with Database(url_of(path)) as database:
        async with database.write() as session:
            connection = await session.connection()
            await connection.exec_driver_sql("PRAGMA max_page_count = 1")
        async with SqlCallLog(database, linger=0.0) as log:
            note(log, "call-1", STARTED, *[CallerSaid("x" * 9000, 1.0)] * 20)
            await anyio.sleep(0.1)
            async with database.read() as session:
                assert (await session.scalars(select(CallEventRow))).all() == []
                connection = await session.connection()
                await connection.exec_driver_sql("PRAGMA max_page_count = 1073741823")
            await log.flush()
    assert len((await stored(path)).events) == 21
    assert log.dropped == 0


async def test_what_cannot_be_written_by_the_deadline_is_counted(tmp_path: Path) -> None:
    async with Database(url_of(tmp_path / "agent.db")) as database:
        async with database.write() as session:
            connection = await session.connection()
            await connection.exec_driver_sql("PRAGMA max_page_count = 1")
        async with SqlCallLog(database, drain=0.2) as log:
            note(log, "call-1", STARTED, *[CallerSaid("x" * 9000, 1.0)] * 20)
    assert log.dropped == 22


async def test_an_unknown_call_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        await stored(tmp_path / "agent.db", "nobody")


@pytest.mark.parametrize("cursor", ["x", "!!!!", "bm90aGluZw==", "MjAyNi0xMS0yMw==", "é"])
async def test_a_forged_cursor_is_a_protocol_error(tmp_path: Path, cursor: str) -> None:
    async with Database(url_of(tmp_path / "agent.db")) as database:
        with pytest.raises(ProtocolError, match="next_cursor"):
            await SqlCallRecords(database).page(CallQuery(cursor=cursor))
