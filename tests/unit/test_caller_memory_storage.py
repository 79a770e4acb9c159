"""The memory of callers on a real SQLite file."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import anyio
import pytest

from support.remembered_callers import (
    AGREED,
    NOTIFIED,
    NUMBER,
    REFUSED,
    a_past_call,
    caller,
    lesson,
)
from support.storage import NOW, url_of
from voice_agent.core.memory import CALLS_KEPT, CallerMemory
from voice_agent.storage.sql.database import Database
from voice_agent.storage.sql.repositories.caller_memory import SqlCallerMemory

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("migrated") / "agent.db"
    anyio.run(_open_once, path)
    return path.read_bytes()


async def _open_once(path: Path) -> None:
    async with Database(url_of(path)):
        pass


@pytest.fixture
async def memory(tmp_path: Path, migrated: bytes) -> AsyncIterator[CallerMemory]:
    path = tmp_path / "agent.db"
    await anyio.Path(path).write_bytes(migrated)
    async with Database(url_of(path)) as database:
        yield SqlCallerMemory(database)


def _files(folder: Path) -> list[bytes]:
    return [file.read_bytes() for file in folder.iterdir()]


async def test_what_a_call_taught_is_known_in_the_next(memory: CallerMemory) -> None:
    assert await memory.recall(caller()) is None
    assert await memory.remember(caller(), lesson(preferences=("please speak slowly",)))
    known = await memory.recall(caller())
    assert known is not None
    assert (known.name, known.tier, known.consent) == ("Anna Lee", "gold", AGREED)
    assert known.calls == (a_past_call(),)
    assert known.preferences == ("please speak slowly",)


async def test_without_consent_no_row_is_written(memory: CallerMemory) -> None:
    assert not await memory.remember(caller(), lesson(consent=None))
    assert await memory.export(caller().key) is None


async def test_a_call_without_its_own_consent_rests_on_the_recorded_one(
    memory: CallerMemory,
) -> None:
    await memory.remember(caller(), lesson())
    newer = a_past_call("past-2", days_ago=1)
    assert await memory.remember(caller(), lesson(newer, consent=None))
    known = await memory.recall(caller())
    assert known is not None
    assert known.consent == AGREED
    assert [call.id for call in known.calls] == ["past-2", "past-1"]


async def test_a_notice_that_no_longer_holds_covers_no_new_call(memory: CallerMemory) -> None:
    await memory.remember(caller(), lesson(consent=NOTIFIED, notice=True))
    assert not await memory.remember(caller(), lesson(consent=None, notice=False))
    assert await memory.remember(caller(), lesson(consent=None, notice=True))


async def test_a_refusal_removes_everything_and_outlives_a_notice(memory: CallerMemory) -> None:
    await memory.remember(caller(), lesson())
    removed = await memory.refuse(caller(), REFUSED)
    assert removed.rows == {"user_memory": 1, "conversation_turns": 2}
    assert not await memory.remember(caller(), lesson(consent=NOTIFIED, notice=True))
    record = await memory.export(caller().key)
    assert record is not None
    assert (record.profile.name, record.profile.calls, record.turns) == ("", (), ())
    assert record.caller.masked == ""


async def test_who_refused_may_change_their_mind(memory: CallerMemory) -> None:
    await memory.refuse(caller(), REFUSED)
    assert await memory.remember(caller(), lesson(consent=AGREED))
    known = await memory.recall(caller())
    assert known is not None
    assert known.consent.granted
    assert known.name == "Anna Lee"


async def test_a_name_that_was_only_said_does_not_replace_a_verified_one(
    memory: CallerMemory,
) -> None:
    await memory.remember(caller(), lesson())
    await memory.remember(caller(), lesson(a_past_call("b"), name="Mallory", verified=False))
    known = await memory.recall(caller())
    assert known is not None
    assert (known.name, known.name_verified) == ("Anna Lee", True)


async def test_only_the_newest_calls_are_kept(memory: CallerMemory) -> None:
    for number in range(CALLS_KEPT + 3):
        await memory.remember(caller(), lesson(a_past_call(f"call-{number}"), turns=0))
    known = await memory.recall(caller())
    assert known is not None
    assert len(known.calls) == CALLS_KEPT
    assert known.calls[0].id == f"call-{CALLS_KEPT + 2}"


async def test_the_same_call_kept_twice_is_one_call(memory: CallerMemory) -> None:
    for _ in range(2):
        await memory.remember(caller(), lesson())
    record = await memory.export(caller().key)
    assert record is not None
    assert len(record.profile.calls) == 1
    assert [turn.turn for turn in record.turns] == [1, 2]


async def test_erasing_removes_every_row_and_only_of_this_caller(memory: CallerMemory) -> None:
    other = caller("+12125550101")
    for who in (caller(), other):
        await memory.remember(who, lesson())
    assert (await memory.forget(caller().key)).total == 3
    assert (await memory.forget(caller().key)).total == 0
    assert await memory.recall(caller()) is None
    record = await memory.export(other.key)
    assert record is not None
    assert len(record.turns) == 2


async def test_what_is_too_old_goes_turns_before_callers(memory: CallerMemory) -> None:
    await memory.remember(caller(), lesson(a_past_call(days_ago=400)))
    recent = caller("+12125550101")
    await memory.remember(recent, lesson(a_past_call("old", days_ago=100)))
    await memory.remember(recent, lesson(a_past_call("new", days_ago=1)))
    refuser = caller("+12125550102")
    await memory.refuse(refuser, REFUSED)
    removed = await memory.expire(
        callers_before=NOW - timedelta(days=365), turns_before=NOW - timedelta(days=90)
    )
    assert removed.rows == {"user_memory": 1, "conversation_turns": 4}
    assert await memory.recall(caller()) is None
    assert await memory.recall(refuser) is not None
    record = await memory.export(recent.key)
    assert record is not None
    assert {turn.call_id for turn in record.turns} == {"new"}


async def test_two_calls_of_one_caller_that_end_together_are_both_kept(
    memory: CallerMemory,
) -> None:
    async with anyio.create_task_group() as tasks:
        for number in range(5):
            tasks.start_soon(memory.remember, caller(), lesson(a_past_call(f"call-{number}")))
    record = await memory.export(caller().key)
    assert record is not None
    assert len(record.profile.calls) == 5
    assert len(record.turns) == 10


async def test_no_telephone_number_and_nothing_erased_is_in_the_file(
    tmp_path: Path, migrated: bytes
) -> None:
    path = tmp_path / "agent.db"
    await anyio.Path(path).write_bytes(migrated)
    async with Database(url_of(path)) as database:
        memory = SqlCallerMemory(database)
        await memory.remember(caller(), lesson(name="Canary Canarinho"))
        await memory.remember(caller("+12125550101"), lesson(name="Someone Else"))
    content = b"".join(_files(tmp_path))
    assert b"Canarinho" in content
    assert NUMBER.encode() not in content
    assert NUMBER[2:].encode() not in content
    async with Database(url_of(path)) as database:
        await SqlCallerMemory(database).forget(caller().key)
    assert b"Canarinho" not in b"".join(_files(tmp_path))
