"""I want to talk to a person."""

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from voice_agent.core.chat import ToolContext, ToolEffect
from voice_agent.core.clock import Clock
from voice_agent.core.errors import ToolError
from voice_agent.storage.records import Department, QueuePlace
from voice_agent.tools.base import Access, Tool, ToolOutcome
from voice_agent.tools.departments import Departments, choose_department
from voice_agent.tools.opening_hours import is_open, next_opening, say_moment
from voice_agent.tools.speakable import say_list


class Transfers(Protocol):
    """The queues of callers who wait for a person."""

    async def enter(self, call_id: str, department: str, reason: str, at: datetime) -> QueuePlace:
        """Queue the call; one that already waits there keeps its place."""
        ...


async def transfer_to_human(
    reason: str,
    department: str | None = None,
    *,
    departments: Departments,
    transfers: Transfers,
    context: ToolContext,
    clock: Clock,
) -> ToolOutcome:
    """Put the caller into the queue for a person and transfer the call after your answer.

    Args:
        reason: Why the caller needs a person, in one sentence that the person will read.
        department: The department to transfer to; leave it out when any person will do.
        departments: The business's departments.
        transfers: The queues.
        context: Which call asks.
        clock: Tells what is now.
    """
    known = await departments.all()
    chosen = choose_department(known, department)
    at = clock.wall()
    if not is_open(chosen, at):
        raise ToolError(_closed(chosen, known, at), reason="department_closed")
    place = await transfers.enter(context.call_id, chosen.name, reason, at)
    return ToolOutcome(
        {
            "department": chosen.name,
            "title": chosen.title,
            "queue_position": place.position,
            "wait_minutes": wait_minutes(chosen, place.position),
        },
        ToolEffect.TRANSFER,
    )


def wait_minutes(department: Department, position: int) -> int:
    """Minutes until `position` is first and somebody is free: callers ahead, shared by agents."""
    ahead = position - 1
    return max(1, math.ceil(ahead * department.handle_minutes / department.agents))


def _closed(chosen: Department, known: Sequence[Department], at: datetime) -> str:
    opening = next_opening(chosen, at)
    when = f"It opens {say_moment(opening, at)} {chosen.time_zone_name}." if opening else ""
    others = [department.title for department in known if is_open(department, at)]
    instead = f"Open now: {say_list(others)}." if others else ""
    return " ".join(part for part in (f"{chosen.title} is closed now.", when, instead) if part)


TOOL = Tool.of(transfer_to_human, Access.WRITE)
