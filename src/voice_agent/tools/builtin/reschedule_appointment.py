"""Can I come another day?"""

from voice_agent.core.chat import JsonObject, ToolContext
from voice_agent.core.clock import Clock
from voice_agent.core.errors import NotFoundError
from voice_agent.storage.records import AppointmentStatus
from voice_agent.tools.appointments import Appointments, Diary, cancelled_already, find_appointment
from voice_agent.tools.base import Access, Tool
from voice_agent.tools.departments import Departments, choose_department
from voice_agent.tools.patience import Patience
from voice_agent.tools.texts import ConfirmationNumber, Day, TimeOfDay


async def reschedule_appointment(
    confirmation_number: ConfirmationNumber,
    new_date: Day,
    new_time: TimeOfDay,
    *,
    appointments: Appointments,
    departments: Departments,
    patience: Patience,
    context: ToolContext,
    clock: Clock,
) -> JsonObject:
    """Move an existing appointment to another time; it keeps its confirmation number.

    Args:
        confirmation_number: The number the caller was given when booking.
        new_date: The new day, as YYYY-MM-DD in the business's time zone.
        new_time: When it begins then, as HH:MM on a 24-hour clock.
        appointments: The business's appointments.
        departments: Whose opening hours hold.
        patience: How often a number may be guessed.
        context: Which call asks.
        clock: Tells what is now.
    """
    now = clock.wall()
    found = await find_appointment(confirmation_number, appointments, patience, context)
    if found.status is AppointmentStatus.CANCELLED:
        raise cancelled_already()
    department = choose_department(await departments.all(), None)
    diary = Diary(department, appointments, now, moved=found)
    diary.refuse_past(found)
    starts_at = await diary.slot(new_date, new_time)
    try:
        moved = await appointments.move(found.confirmation_number, starts_at, now)
    except NotFoundError:
        raise cancelled_already() from None
    if moved is None:
        raise await diary.taken(starts_at)
    return {**diary.told(moved), "moved_from": diary.told(found)}


TOOL = Tool.of(reschedule_appointment, Access.WRITE)
