"""The memory of callers on a real PostgreSQL."""

from collections.abc import AsyncIterator
from datetime import timedelta

import anyio
import pytest

from support.postgres import Postgres
from support.remembered_callers import (
    AGREED,
    NOTIFIED,
    REFUSED,
    a_past_call,
    caller,
    lesson,
)
from support.storage import NOW
from voice_agent.storage.sql.database import Database
from voice_agent.storage.sql.repositories.caller_memory import SqlCallerMemory

pytestmark = pytest.mark.anyio


@pytest.fixture
async def memory(postgres: Postgres) -> AsyncIterator[SqlCallerMemory]:
    async with Database(postgres.new_database()) as database:
        yield SqlCallerMemory(database)


async def test_a_caller_is_remembered_told_and_erased(memory: SqlCallerMemory) -> None:
    assert not await memory.remember(caller(), lesson(consent=None))
    assert await memory.remember(caller(), lesson(preferences=("please speak slowly",)))
    known = await memory.recall(caller())
    assert known is not None
    assert (known.name, known.consent, known.calls) == ("Anna Lee", AGREED, (a_past_call(),))
    record = await memory.export(caller().key)
    assert record is not None
    assert [turn.caller for turn in record.turns] == ["caller 1", "caller 2"]
    assert record.last_call_at == a_past_call().at
    assert (await memory.forget(caller().key)).total == 3
    assert await memory.export(caller().key) is None


async def test_calls_of_one_caller_that_end_together_are_all_kept(memory: SqlCallerMemory) -> None:
    async with anyio.create_task_group() as tasks:
        for number in range(8):
            tasks.start_soon(memory.remember, caller(), lesson(a_past_call(f"call-{number}")))
    record = await memory.export(caller().key)
    assert record is not None
    assert len(record.profile.calls) == 8
    assert len(record.turns) == 16


async def test_a_refusal_is_not_lost_to_a_call_that_ends_at_the_same_time(
    memory: SqlCallerMemory,
) -> None:
    for number in range(10):
        who = caller(f"+1212555{number:04d}")
        noticed = lesson(consent=NOTIFIED, notice=True)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(memory.remember, who, noticed)
            tasks.start_soon(memory.refuse, who, REFUSED)
            tasks.start_soon(memory.remember, who, noticed)
        record = await memory.export(who.key)
        assert record is not None
        assert not record.profile.consent.granted
        assert (record.profile.name, record.turns) == ("", ())


async def test_what_is_too_old_goes(memory: SqlCallerMemory) -> None:
    await memory.remember(caller(), lesson(a_past_call(days_ago=400)))
    removed = await memory.expire(
        callers_before=NOW - timedelta(days=365), turns_before=NOW - timedelta(days=90)
    )
    assert removed.rows == {"user_memory": 1, "conversation_turns": 2}
