"""I can't come."""

from voice_agent.core.chat import JsonObject, ToolContext
from voice_agent.core.clock import Clock
from voice_agent.storage.records import AppointmentStatus
from voice_agent.tools.appointments import Appointments, Diary, find_appointment
from voice_agent.tools.base import Access, Tool
from voice_agent.tools.departments import Departments, choose_department
from voice_agent.tools.patience import Patience
from voice_agent.tools.texts import ConfirmationNumber


async def cancel_appointment(
    confirmation_number: ConfirmationNumber,
    *,
    appointments: Appointments,
    departments: Departments,
    patience: Patience,
    context: ToolContext,
    clock: Clock,
) -> JsonObject:
    """Cancel an existing appointment, once the caller has confirmed it.

    Args:
        confirmation_number: The number the caller was given when booking.
        appointments: The business's appointments.
        departments: Whose time zone holds.
        patience: How often a number may be guessed.
        context: Which call asks.
        clock: Tells what is now.
    """
    now = clock.wall()
    found = await find_appointment(confirmation_number, appointments, patience, context)
    diary = Diary(choose_department(await departments.all(), None), appointments, now)
    if found.status is AppointmentStatus.BOOKED:
        diary.refuse_past(found)
        await appointments.cancel(found.confirmation_number, now)
    return {
        **diary.told(found),
        "status": AppointmentStatus.CANCELLED.value,
        "already_cancelled": found.status is AppointmentStatus.CANCELLED,
    }


TOOL = Tool.of(cancel_appointment, Access.WRITE)
