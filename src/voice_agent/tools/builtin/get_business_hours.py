"""Are you open?"""

from datetime import datetime
from zoneinfo import ZoneInfo

from voice_agent.core.chat import JsonObject
from voice_agent.core.clock import Clock
from voice_agent.storage.records import Department
from voice_agent.tools.base import Access, Tool
from voice_agent.tools.departments import Departments, choose_department
from voice_agent.tools.opening_hours import (
    closes_at,
    holiday_on,
    hours_on,
    is_open,
    next_opening,
    say_hours,
    say_moment,
    say_week,
    week_of,
)


async def get_business_hours(
    department: str | None = None, *, departments: Departments, clock: Clock
) -> JsonObject:
    """Tell the opening hours of a department, whether it is open now, and when it opens next.

    Args:
        department: The department asked about; leave it out for the main one.
        departments: The business's departments.
        clock: Tells what is now.
    """
    chosen = choose_department(await departments.all(), department)
    at = clock.wall()
    return {
        "department": chosen.name,
        "title": chosen.title,
        "open_now": is_open(chosen, at),
        "timezone": chosen.time_zone,
        "timezone_text": chosen.time_zone_name,
        "hours": week_of(chosen),
        "hours_text": say_week(chosen),
        "today": _today(chosen, at),
        **_moment("closes_at", closes_at(chosen, at), at),
        **_moment("next_opening", next_opening(chosen, at), at),
    }


def _today(department: Department, at: datetime) -> JsonObject:
    day = at.astimezone(ZoneInfo(department.time_zone)).date()
    holiday = holiday_on(department, day)
    hours = hours_on(department, day)
    return {
        "date": day.isoformat(),
        "weekday": f"{day:%A}",
        "holiday": holiday.name if holiday else None,
        "hours": [
            {"opens": f"{span.opens:%H:%M}", "closes": f"{span.closes:%H:%M}"} for span in hours
        ],
        "hours_text": say_hours(hours),
    }


def _moment(name: str, moment: datetime | None, at: datetime) -> JsonObject:
    return {
        name: moment.isoformat() if moment else None,
        f"{name}_text": say_moment(moment, at) if moment else None,
    }


TOOL = Tool.of(get_business_hours, Access.READ)
