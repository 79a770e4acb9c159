"""I'd like to come in."""

from voice_agent.core.chat import JsonObject, ToolContext
from voice_agent.core.clock import Clock
from voice_agent.storage.records import NewAppointment
from voice_agent.tools.appointments import Appointments, Diary
from voice_agent.tools.base import Access, Tool
from voice_agent.tools.customers import Customers, calling_customer
from voice_agent.tools.departments import Departments, choose_department
from voice_agent.tools.texts import Day, Name, ShortText, TimeOfDay


async def schedule_appointment(
    date: Day,
    time: TimeOfDay,
    name: Name,
    purpose: ShortText,
    *,
    appointments: Appointments,
    departments: Departments,
    customers: Customers,
    context: ToolContext,
    clock: Clock,
    region: str,
) -> JsonObject:
    """Book an appointment; if that time is not free you are told times that are.

    Args:
        date: The day, as YYYY-MM-DD in the business's time zone.
        time: When it begins, as HH:MM on a 24-hour clock.
        name: The name of the person who will come.
        purpose: What it is for, in a few words.
        appointments: The business's appointments.
        departments: Whose opening hours hold.
        customers: The people the business knows.
        context: Which call asks.
        clock: Tells what is now.
        region: Where numbers without a country code are from.
    """
    now = clock.wall()
    diary = Diary(choose_department(await departments.all(), None), appointments, now)
    starts_at = await diary.slot(date, time)
    customer = await calling_customer(context, customers, region)
    wanted = NewAppointment(
        name=name,
        purpose=purpose,
        starts_at=starts_at,
        call_id=context.call_id,
        customer_id=customer.id if customer else None,
    )
    booked = await appointments.book(wanted, now)
    if booked is None:
        raise await diary.taken(starts_at)
    return diary.told(booked)


TOOL = Tool.of(schedule_appointment, Access.WRITE)
