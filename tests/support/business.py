"""The tools on a demo database, as a call uses them."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from support.storage import NOW, TODAY
from voice_agent.core.chat import JsonObject, ToolCall, ToolContext, ToolResult
from voice_agent.storage.sql.calendar import public_holidays
from voice_agent.storage.sql.database import Database
from voice_agent.storage.sql.repositories.appointments import SqlAppointments, draw_number
from voice_agent.storage.sql.repositories.customers import SqlCustomers
from voice_agent.storage.sql.repositories.departments import SqlDepartments
from voice_agent.storage.sql.repositories.feedback import SqlFeedback
from voice_agent.storage.sql.repositories.orders import SqlOrders
from voice_agent.storage.sql.repositories.transfers import SqlTransfers
from voice_agent.storage.sql.seed import seed
from voice_agent.tools.business import Business
from voice_agent.tools.registry import builtin_tools
from voice_agent.tools.runner import ToolRunner, allow_all


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
    """The tools, the tables they work on and the time."""

    run: ToolRunner
    database: Database
    clock: SetClock
    caller: str = ""
    turn: int = 0

    async def ask(self, tool: str, call: str = "call-1", /, **given: Any) -> ToolResult:
        """Run a tool in a turn of its own."""
        self.turn += 1
        context = ToolContext(call, self.turn, self.caller)
        return await self.run.execute(ToolCall("id", tool, given), context)

    async def told(self, tool: str, call: str = "call-1", /, **given: Any) -> JsonObject:
        result = await self.ask(tool, call, **given)
        assert result.ok, result.content
        return result.content

    async def refused(self, tool: str, call: str = "call-1", /, **given: Any) -> JsonObject:
        result = await self.ask(tool, call, **given)
        assert not result.ok, result.content
        return result.content


@asynccontextmanager
async def desk(
    url: str, moment: datetime = NOW, *, draw: Callable[[], str] = draw_number
) -> AsyncIterator[Desk]:
    """Tools on a freshly seeded database; `draw` makes confirmation numbers."""
    async with Database(url) as database:
        await seed(database, "demo", today=TODAY, now=NOW)
        clock = SetClock(moment)
        business = Business(
            orders=SqlOrders(database),
            departments=SqlDepartments(database, public_holidays("US")),
            transfers=SqlTransfers(database),
            appointments=SqlAppointments(database, draw=draw),
            customers=SqlCustomers(database),
            feedback=SqlFeedback(database),
            clock=clock,
        )
        # A machine at work on other things shall not make the tools give up.
        tools = [replace(tool, timeout=60.0) for tool in builtin_tools()]
        run = ToolRunner(tools, business.services(), authorize=allow_all, clock=clock)
        yield Desk(run, database, clock)
