"""Sample customers, departments, appointments and history of an outdoor shop."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from voice_agent.storage.sql.models import (
    AppointmentRow,
    BusinessHoursRow,
    CustomerRow,
    DepartmentRow,
    FeedbackRow,
    HolidayRow,
    TransferRow,
)

ZONE: Final = "America/New_York"
_YEARS_OF_HOLIDAYS: Final = 5
_MINUTES: Final = 30
_WEEKDAYS: Final = range(5)
_SATURDAY: Final = 5

_NAMES: Final = (
    "Alice Morgan",
    "Ben Carter",
    "Carla Diaz",
    "Daniel Reed",
    "Emma Brooks",
    "Frank Hughes",
    "Grace Kim",
    "Henry Walsh",
    "Isabel Torres",
    "James Patel",
    "Karen Olsen",
    "Liam Foster",
    "Maria Rossi",
    "Nathan Price",
    "Olivia Chen",
    "Peter Novak",
    "Quinn Bailey",
    "Rachel Stone",
    "Samuel Ortiz",
    "Tina Schmidt",
    "Umar Khan",
    "Vera Lindgren",
    "Walter Boyd",
    "Yasmin Haddad",
    "Zoe Turner",
)
_TIERS: Final = ("standard", "standard", "gold", "standard", "platinum")
_PURPOSES: Final = ("boot fitting", "tent demonstration", "ski service", "bike tune-up")
_COMMENTS: Final = (
    (5, "Quick and friendly."),
    (4, "Got my answer, a little slow."),
    (2, "I had to repeat my order number."),
    (5, "Found my parcel at once."),
    (1, "Nobody called me back."),
    (3, ""),
)
_SUPPORT_ALIASES: Final = (
    "customer service",
    "customer care",
    "service",
    "help desk",
    "help",
    "general",
    "front desk",
    "operator",
    "representative",
    "agent",
    "person",
    "human",
    "anyone",
    "shipping",
    "deliveries",
    "warehouse",
    "store",
    "office",
    "management",
)
_REASONS: Final = ("a refund question", "a damaged parcel", "a change of address")


def demo_customers(today: date) -> list[CustomerRow]:
    """Customers with reserved fictional telephone numbers and addresses that lead nowhere."""
    return [
        CustomerRow(
            id=number,
            name=name,
            phone=f"+1212555{99 + number:04d}",
            email=f"{name.lower().replace(' ', '.')}@example.com",
            post_code=f"{10001 + number * 13:05d}",
            tier=_TIERS[number % len(_TIERS)],
            since=today - timedelta(days=40 * number),
        )
        for number, name in enumerate(_NAMES, start=1)
    ]


def demo_departments() -> list[DepartmentRow]:
    """Five departments; technical support is always open, the others keep shop hours."""
    return [
        _department(
            "support",
            "Customer Support",
            list(_SUPPORT_ALIASES),
            _week("08:00", "20:00") + _week("10:00", "16:00", days=[_SATURDAY]),
            agents=3,
            default=True,
        ),
        _department(
            "sales",
            "Sales",
            ["orders desk", "new order", "ordering"],
            _week("09:00", "18:00") + _week("10:00", "16:00", days=[_SATURDAY]),
            agents=2,
        ),
        _department(
            "billing",
            "Billing",
            ["accounts", "accounting", "payments", "payment", "finance", "invoices"],
            _week("09:00", "17:00"),
            minutes=6.0,
        ),
        _department(
            "returns",
            "Returns",
            ["refunds", "refund", "return", "exchanges", "warranty"],
            _week("09:00", "12:30") + _week("13:30", "17:00"),
        ),
        _department(
            "technical",
            "Technical Support",
            ["technical support", "tech", "tech support", "technician", "repairs"],
            _week("00:00", "00:00", days=range(7)),
            agents=2,
            minutes=8.0,
            observes_holidays=False,
        ),
    ]


def _department(
    name: str,
    title: str,
    aliases: list[str],
    hours: list[BusinessHoursRow],
    *,
    agents: int = 1,
    minutes: float = 5.0,
    default: bool = False,
    observes_holidays: bool = True,
) -> DepartmentRow:
    return DepartmentRow(
        name=name,
        title=title,
        aliases=aliases,
        time_zone=ZONE,
        time_zone_name="Eastern Time",
        agents=agents,
        handle_minutes=minutes,
        is_default=default,
        observes_holidays=observes_holidays,
        hours=hours,
    )


def _week(opens: str, closes: str, days: range | list[int] = _WEEKDAYS) -> list[BusinessHoursRow]:
    return [
        BusinessHoursRow(
            weekday=day, opens=time.fromisoformat(opens), closes=time.fromisoformat(closes)
        )
        for day in days
    ]


def demo_holidays(today: date) -> list[HolidayRow]:
    """A short Christmas Eve for five years; public holidays come from the region's calendar."""
    years = range(today.year, today.year + _YEARS_OF_HOLIDAYS)
    return [
        HolidayRow(day=date(year, 12, 24), name="Christmas Eve", opens=time(9), closes=time(13))
        for year in years
    ]


def demo_appointments(today: date, now: datetime) -> list[AppointmentRow]:
    """Appointments on the next working days, every fourth one cancelled."""
    return [
        AppointmentRow(
            confirmation_number=f"{480_115 + index * 1_373}",
            customer_id=index + 1,
            name=_NAMES[index],
            purpose=_PURPOSES[index % len(_PURPOSES)],
            starts_at=_slot(today, index),
            ends_at=_slot(today, index) + timedelta(minutes=_MINUTES),
            minutes=_MINUTES,
            status="cancelled" if index % 4 == 3 else "booked",
            created_at=now,
            changed_at=now,
        )
        for index in range(12)
    ]


def _slot(today: date, index: int) -> datetime:
    day = today + timedelta(days=1 + index // 2)
    if day.weekday() > 4:
        day += timedelta(days=7 - day.weekday())
    hour = 9 + index % 8
    return datetime.combine(day, time(hour, 30 * (index % 2)), ZoneInfo(ZONE)).astimezone(UTC)


def demo_feedback(now: datetime) -> list[FeedbackRow]:
    """A few ratings from calls of the past days."""
    return [
        FeedbackRow(
            call_id=f"sample-{index}",
            rating=rating,
            comment=comment,
            created_at=now - timedelta(days=index, hours=3),
        )
        for index, (rating, comment) in enumerate(_COMMENTS, start=1)
    ]


def demo_transfers(now: datetime, department_ids: list[int]) -> list[TransferRow]:
    """Callers of past days who were put through; nobody is waiting now."""
    return [
        TransferRow(
            call_id=f"sample-{index}",
            department_id=department_ids[index % len(department_ids)],
            reason=reason,
            queued_at=now - timedelta(days=index, minutes=6),
            closed_at=now - timedelta(days=index),
            outcome="answered",
        )
        for index, reason in enumerate(_REASONS, start=1)
    ]
