"""The built-in tools on real tables, as the runner calls them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
from sqlalchemy import delete, select, update

from support.storage import NOW, demo_database
from voice_agent.core.chat import JsonObject, ToolCall, ToolContext, ToolEffect, ToolResult
from voice_agent.core.errors import ConfigurationError, NotFoundError, PermissionDeniedError
from voice_agent.storage.records import Department
from voice_agent.storage.sql.calendar import public_holidays
from voice_agent.storage.sql.database import Database
from voice_agent.storage.sql.models import OrderRow, TransferRow
from voice_agent.storage.sql.repositories.appointments import SqlAppointments
from voice_agent.storage.sql.repositories.customers import SqlCustomers
from voice_agent.storage.sql.repositories.departments import SqlDepartments
from voice_agent.storage.sql.repositories.feedback import SqlFeedback
from voice_agent.storage.sql.repositories.orders import SqlOrders
from voice_agent.storage.sql.repositories.transfers import SqlTransfers
from voice_agent.tools.base import Access, Tool
from voice_agent.tools.builtin.transfer_to_human import wait_minutes
from voice_agent.tools.business import Business
from voice_agent.tools.registry import builtin_tools, unique
from voice_agent.tools.runner import ToolRunner, allow_all

pytestmark = pytest.mark.anyio

SUNDAY = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)
THANKSGIVING = datetime(2026, 11, 26, 15, 0, tzinfo=UTC)


class SetClock:
    """A clock that stands still where it was set."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def now(self) -> float:
        return self.moment.timestamp()

    def wall(self) -> datetime:
        return self.moment

    async def sleep_until(self, moment: float) -> None:
        raise NotImplementedError


@dataclass
class Desk:
    """The tools on a demo database."""

    run: ToolRunner
    database: Database
    clock: SetClock

    async def ask(self, tool: str, call: str = "call-1", turn: int = 1, **given: Any) -> ToolResult:
        return await self.run.execute(ToolCall("id", tool, given), ToolContext(call, turn))

    async def told(self, tool: str, call: str = "call-1", **given: Any) -> JsonObject:
        result = await self.ask(tool, call, **given)
        assert result.ok, result.content
        return result.content


@asynccontextmanager
async def desk(folder: Path, moment: datetime = NOW) -> AsyncIterator[Desk]:
    async with demo_database(folder / "agent.db") as database:
        clock = SetClock(moment)
        business = Business(
            orders=SqlOrders(database),
            departments=SqlDepartments(database, public_holidays("US")),
            transfers=SqlTransfers(database),
            appointments=SqlAppointments(database),
            customers=SqlCustomers(database),
            feedback=SqlFeedback(database),
            clock=clock,
        )
        run = ToolRunner(builtin_tools(), business.services(), authorize=allow_all, clock=clock)
        yield Desk(run, database, clock)


async def test_the_nine_tools_have_the_names_and_parameters_they_must(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        shown = {tool.name: tool.parameters for tool in at.run.declarations}
        described = [tool.description for tool in at.run.declarations]
    parameters = {
        name: (set(schema["properties"]), schema.get("required", []))
        for name, schema in shown.items()
    }
    assert parameters == {
        "check_order_status": ({"order_id"}, ["order_id"]),
        "get_business_hours": ({"department"}, []),
        "transfer_to_human": ({"department", "reason"}, ["reason"]),
        "end_call": ({"reason"}, []),
        "schedule_appointment": (
            {"date", "time", "name", "purpose"},
            ["date", "time", "name", "purpose"],
        ),
        "cancel_appointment": ({"confirmation_number"}, ["confirmation_number"]),
        "reschedule_appointment": (
            {"confirmation_number", "new_date", "new_time"},
            ["confirmation_number", "new_date", "new_time"],
        ),
        "look_up_account": ({"identifier"}, ["identifier"]),
        "collect_feedback": ({"rating", "comment"}, ["rating"]),
    }
    assert all(described)


@pytest.mark.parametrize("number", [1042, "1042", "#1042", "order 1042"])
async def test_an_order_is_told_in_full(tmp_path: Path, number: object) -> None:
    async with desk(tmp_path) as at:
        content = await at.told("check_order_status", order_id=number)
    assert content == {
        "order_id": 1042,
        "status": "shipped",
        "items": [
            {"name": "dry bag", "quantity": 1},
            {"name": "cooler box", "quantity": 2},
            {"name": "rain jacket", "quantity": 1},
        ],
        "items_text": "dry bag, cooler box times 2 and rain jacket",
        "carrier": "DHL",
        "tracking": "3326113145",
        "eta": "2026-11-24",
        "eta_text": "Tuesday, November 24",
        "placed_on": "2026-11-19",
        "delivered_on": None,
        "delivered_on_text": None,
    }


async def test_the_status_is_what_the_database_holds_now(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        async with at.database.write() as session:
            await session.execute(
                update(OrderRow).where(OrderRow.id == 1042).values(status="delayed", eta=None)
            )
        content = await at.told("check_order_status", order_id="1042")
    assert (content["status"], content["eta"], content["eta_text"]) == ("delayed", None, None)


@pytest.mark.parametrize("number", ["999999", "0", "999999999999"])
async def test_an_unknown_order_is_said_to_be_unknown(tmp_path: Path, number: str) -> None:
    async with desk(tmp_path) as at:
        result = await at.ask("check_order_status", order_id=number)
    assert not result.ok
    assert result.content["error"] == "order_not_found"


async def test_every_demo_order_can_be_told(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        for number in range(1001, 1051):
            content = await at.told("check_order_status", order_id=number)
            assert content["order_id"] == number
            assert (content["tracking"] is None) == (content["carrier"] is None)


async def test_business_hours_on_an_open_day(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        content = await at.told("get_business_hours")
    assert content["department"] == "support"
    assert content["open_now"] is True
    assert content["timezone"] == "America/New_York"
    assert content["hours"]["Saturday"] == "10 AM to 4 PM"
    assert content["hours_text"].startswith("Monday to Friday 8 AM to 8 PM")
    assert content["today"]["hours"] == [{"opens": "08:00", "closes": "20:00"}]
    assert content["closes_at"] == "2026-11-23T20:00:00-05:00"
    assert content["closes_at_text"] == "today at 8 PM"
    assert content["next_opening_text"] == "tomorrow at 8 AM"


async def test_business_hours_on_a_holiday(tmp_path: Path) -> None:
    async with desk(tmp_path, THANKSGIVING) as at:
        content = await at.told("get_business_hours", department="Billing")
        open_one = await at.told("get_business_hours", department="tech support")
    assert content["open_now"] is False
    assert content["today"]["holiday"] == "Thanksgiving Day"
    assert content["today"]["hours_text"] == "closed"
    assert content["next_opening_text"] == "tomorrow at 9 AM"
    assert open_one["open_now"] is True
    assert open_one["next_opening"] is None


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("Customer Service", "support"),
        ("the billing department", "billing"),
        ("Tech Support!", "technical"),
        ("your sales team", "sales"),
        ("refunds", "returns"),
        ("", "support"),
        ("  ", "support"),
    ],
)
async def test_a_department_is_found_by_what_callers_call_it(
    tmp_path: Path, said: str, name: str
) -> None:
    async with desk(tmp_path) as at:
        assert (await at.told("get_business_hours", department=said))["department"] == name


async def test_an_unknown_department_is_answered_with_those_there_are(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        result = await at.ask("get_business_hours", department="the zoo")
    assert result.content["error"] == "unknown_department"
    assert "Sales, Billing, Returns and Technical Support" in result.content["message"]


async def test_a_transfer_queues_the_call_and_asks_for_the_handover(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        result = await at.ask("transfer_to_human", reason="a refund", department="billing")
        async with at.database.read() as session:
            waiting = TransferRow.closed_at.is_(None)
            row = (await session.scalars(select(TransferRow).where(waiting))).one()
    assert result.effect is ToolEffect.TRANSFER
    assert result.content["queue_position"] == 1
    assert result.content["wait_minutes"] == 1
    assert (row.call_id, row.reason, row.queued_at) == ("call-1", "a refund", NOW)


async def test_position_and_wait_are_computed_from_the_queue(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        places = [
            await at.told("transfer_to_human", f"call-{n}", reason="x", department="billing")
            for n in range(4)
        ]
    assert [place["queue_position"] for place in places] == [1, 2, 3, 4]
    assert [place["wait_minutes"] for place in places] == [1, 6, 12, 18]


async def test_more_people_make_the_wait_shorter() -> None:
    alone = Department("a", "A", "UTC", "UTC", {}, handle_minutes=6.0)
    three = Department("a", "A", "UTC", "UTC", {}, handle_minutes=6.0, agents=3)
    assert [wait_minutes(alone, n) for n in (1, 2, 4)] == [1, 6, 18]
    assert [wait_minutes(three, n) for n in (1, 2, 4)] == [1, 2, 6]


async def test_concurrent_transfers_get_different_places(tmp_path: Path) -> None:
    places: list[int] = []
    async with desk(tmp_path) as at:

        async def enter(number: int) -> None:
            told = await at.told("transfer_to_human", f"call-{number}", reason="x")
            places.append(told["queue_position"])

        async with anyio.create_task_group() as tasks:
            for number in range(12):
                tasks.start_soon(enter, number)
    assert sorted(places) == list(range(1, 13))


async def test_asking_again_keeps_the_place_and_another_department_changes_it(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as at:
        await at.told("transfer_to_human", "somebody", reason="x", department="sales")
        first = await at.ask("transfer_to_human", turn=1, reason="x", department="sales")
        later = await at.ask("transfer_to_human", turn=2, reason="still x", department="sales")
        moved = await at.ask("transfer_to_human", turn=3, reason="y", department="returns")
        assert await SqlTransfers(at.database).waiting("sales", NOW) == 1
    assert first.content["queue_position"] == later.content["queue_position"] == 2
    assert moved.content["queue_position"] == 1


async def test_who_left_the_queue_is_not_counted(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.told("transfer_to_human", "first", reason="x")
        await SqlTransfers(at.database).leave("first", "answered", NOW)
        assert (await at.told("transfer_to_human", "second", reason="x"))["queue_position"] == 1


async def test_a_row_that_a_crash_left_open_stops_counting(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.told("transfer_to_human", "crashed", reason="x", department="technical")
        at.clock.moment = NOW + timedelta(hours=5)
        after = await at.told("transfer_to_human", "later", reason="x", department="technical")
    assert after["queue_position"] == 1


async def test_a_closed_department_takes_nobody_and_names_an_open_one(tmp_path: Path) -> None:
    async with desk(tmp_path, SUNDAY) as at:
        result = await at.ask("transfer_to_human", reason="x", department="sales")
        assert await SqlTransfers(at.database).waiting("sales", SUNDAY) == 0
    assert result.effect is ToolEffect.NONE
    assert result.content == {
        "error": "department_closed",
        "message": "Sales is closed now. It opens tomorrow at 9 AM Eastern Time. "
        "Open now: Technical Support.",
    }


async def test_a_queue_for_no_department_does_not_exist(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        with pytest.raises(NotFoundError):
            await SqlTransfers(at.database).enter("call-1", "zoo", "x", NOW)


async def test_goodbye_comes_with_the_end_of_the_call(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        result = await at.ask("end_call", reason="the caller is done")
    assert result.effect is ToolEffect.END_CALL
    assert "Goodbye" in result.content["message"]


async def test_a_database_that_is_gone_becomes_an_honest_failure(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        async with at.database.write() as session:
            await session.execute(delete(OrderRow))
        async with at.database.write() as session:
            connection = await session.connection()
            await connection.exec_driver_sql("DROP TABLE order_items")
        result = await at.ask("check_order_status", order_id="1042")
        assert result.content["error"] == "order_not_found"
        async with at.database.write() as session:
            connection = await session.connection()
            await connection.exec_driver_sql("DROP TABLE orders")
        result = await at.ask("check_order_status", turn=2, order_id="1042")
    assert result.content["error"] == "tool_failed"
    assert "offer a person" in result.content["message"]


async def test_a_permit_is_for_its_own_tool_only() -> None:
    from voice_agent.compliance.permits import ALLOWED, Decision, ToolPermit, permit_tool

    (tool,) = [tool for tool in builtin_tools() if tool.name == "end_call"]
    wrong = permit_tool(ALLOWED, tool="other", call_id="c", turn=1)
    with pytest.raises(PermissionDeniedError):
        await tool.run({"reason": None}, {}, wrong)
    with pytest.raises(PermissionDeniedError, match="not permitted"):
        permit_tool(Decision(allowed=False, code="no"), tool="end_call", call_id="c", turn=1)
    with pytest.raises(TypeError):
        ToolPermit("end_call", "c", 1, mint=object())


async def test_built_in_tools_have_different_names() -> None:
    tools = builtin_tools()
    assert unique(tools) == tools
    with pytest.raises(ConfigurationError):
        unique([*tools, tools[0]])
    assert {tool.name: tool.access for tool in tools} == {
        "check_order_status": Access.READ,
        "get_business_hours": Access.READ,
        "transfer_to_human": Access.WRITE,
        "end_call": Access.IRREVERSIBLE,
        "schedule_appointment": Access.WRITE,
        "cancel_appointment": Access.WRITE,
        "reschedule_appointment": Access.WRITE,
        "look_up_account": Access.READ,
        "collect_feedback": Access.WRITE,
        "search_knowledge": Access.READ,
    }
    assert all(isinstance(tool, Tool) for tool in tools)
