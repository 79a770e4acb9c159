"""Business data as plain values, the same for every store."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
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
    `agents` people takes for a caller, on average.
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


@dataclass(frozen=True, slots=True)
class QueuePlace:
    """A caller's place in a department's queue; `position` counts from 1."""

    department: str
    position: int
    queued_at: datetime
