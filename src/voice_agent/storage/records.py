"""Business data as plain values, the same for every store."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum


class OrderStatus(StrEnum):
    """Where an order is on its way."""

    PROCESSING = "processing"
    SHIPPED = "shipped"
    OUT_FOR_DELIVERY = "out for delivery"
    DELIVERED = "delivered"
    DELAYED = "delayed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class OrderItem:
    """One line of an order."""

    name: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Order:
    """An order; `carrier` and `tracking` are empty before it ships, `eta` is None when unknown."""

    id: int
    status: OrderStatus
    items: tuple[OrderItem, ...]
    placed_on: date
    carrier: str = ""
    tracking: str = ""
    eta: date | None = None
    delivered_on: date | None = None


class AppointmentStatus(StrEnum):
    """Whether an appointment will take place."""

    BOOKED = "booked"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Appointment:
    """An appointment; `starts_at` is aware, in UTC."""

    confirmation_number: str
    name: str
    purpose: str
    starts_at: datetime
    minutes: int
    status: AppointmentStatus = AppointmentStatus.BOOKED

    @property
    def ends_at(self) -> datetime:
        """When the next one may begin."""
        return self.starts_at + timedelta(minutes=self.minutes)


@dataclass(frozen=True, slots=True)
class NewAppointment:
    """What is to be booked; `call_id` is the call that asks, `customer_id` None for a stranger."""

    name: str
    purpose: str
    starts_at: datetime
    call_id: str = ""
    customer_id: int | None = None


@dataclass(frozen=True, slots=True)
class Customer:
    """Somebody the business knows; phone in E.164, `post_code` tells who it is."""

    id: int
    name: str
    tier: str
    since: date
    phone: str = ""
    email: str = ""
    post_code: str = ""


@dataclass(frozen=True, slots=True)
class CustomerHistory:
    """A customer's newest orders first, and the appointments still to come, next first."""

    orders: tuple[Order, ...]
    appointments: tuple[Appointment, ...]


def no_holiday(_day: date) -> str:
    """A calendar without public holidays."""
    return ""


@dataclass(frozen=True, slots=True)
class OpenHours:
    """Local opening and closing time; closing at or before opening means the next day."""

    opens: time
    closes: time


@dataclass(frozen=True, slots=True)
class Holiday:
    """A day with other hours than its weekday has; no hours means closed."""

    day: date
    name: str
    hours: tuple[OpenHours, ...] = ()


@dataclass(frozen=True, slots=True)
class Department:
    """A part of the business that callers can ask for.

    `week` maps weekdays (Monday is 0) to hours; `handle_minutes` is how long one of its
    `agents` people takes for a caller, on average. `public_holiday` names the public holiday
    of a day on which it is closed, "" for an ordinary day; `holidays` go before.
    """

    name: str
    title: str
    time_zone: str
    time_zone_name: str
    week: Mapping[int, tuple[OpenHours, ...]]
    holidays: tuple[Holiday, ...] = ()
    aliases: tuple[str, ...] = ()
    agents: int = 1
    handle_minutes: float = 5.0
    default: bool = False
    public_holiday: Callable[[date], str] = no_holiday


@dataclass(frozen=True, slots=True)
class QueuePlace:
    """A caller's place in a department's queue; `position` counts from 1."""

    department: str
    position: int
    queued_at: datetime
