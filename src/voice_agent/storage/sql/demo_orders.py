"""Sample orders 1001 to 1050 of an outdoor shop, the same every time for the same day."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from voice_agent.storage.records import OrderStatus
from voice_agent.storage.sql.models import OrderItemRow, OrderRow

FIRST_ORDER: Final = 1001
LAST_ORDER: Final = 1050

_S = OrderStatus
# The eleventh order repeats the first pattern; 1042 is one that is on its way.
_STATUSES: Final = (
    _S.DELIVERED,
    _S.SHIPPED,
    _S.PROCESSING,
    _S.DELIVERED,
    _S.OUT_FOR_DELIVERY,
    _S.DELAYED,
    _S.SHIPPED,
    _S.DELIVERED,
    _S.CANCELLED,
    _S.PROCESSING,
)
_GOODS: Final = (
    "hiking boots",
    "two-person tent",
    "rain jacket",
    "camping stove",
    "sleeping bag",
    "water bottle",
    "headlamp",
    "trekking poles",
    "daypack",
    "wool socks",
    "folding chair",
    "first aid kit",
    "enamel mug",
    "trail map",
    "fleece pullover",
    "dry bag",
    "climbing rope",
    "sun hat",
    "cooler box",
)
_CARRIERS: Final = ("UPS", "FedEx", "USPS", "DHL")


@dataclass(frozen=True, slots=True)
class _Dates:
    placed: date
    eta: date | None = None
    delivered: date | None = None


def demo_orders(today: date, customers: int) -> list[OrderRow]:
    """The orders, dated relative to `today` and spread over customers 1 to `customers`."""
    count = LAST_ORDER - FIRST_ORDER + 1
    return [_order(index, today, 1 + index % customers) for index in range(count)]


def _order(index: int, today: date, customer: int) -> OrderRow:
    status = _STATUSES[index % len(_STATUSES)]
    dates = _dates(status, index // len(_STATUSES), today)
    shipped = status not in {_S.PROCESSING, _S.CANCELLED}
    carrier = _CARRIERS[index * 7 % len(_CARRIERS)] if shipped else ""
    return OrderRow(
        id=FIRST_ORDER + index,
        customer_id=customer,
        status=status.value,
        placed_on=dates.placed,
        carrier=carrier,
        tracking=_tracking(carrier, index),
        eta=dates.eta,
        delivered_on=dates.delivered,
        items=_items(index),
    )


def _items(index: int) -> list[OrderItemRow]:
    names = [_GOODS[(index * 5 + line * 3) % len(_GOODS)] for line in range(1 + index % 3)]
    return [
        OrderItemRow(line=line, name=name, quantity=1 + (index + line) % 4 // 3)
        for line, name in enumerate(names, start=1)
    ]


def _dates(status: OrderStatus, age: int, today: date) -> _Dates:
    def days(count: int) -> date:
        return today + timedelta(days=count)

    match status:
        case OrderStatus.PROCESSING:
            return _Dates(days(-(age % 3)), eta=_no_sunday(days(5 + age % 3)))
        case OrderStatus.SHIPPED:
            return _Dates(days(-3 - age % 3), eta=_no_sunday(days(1 + age % 4)))
        case OrderStatus.OUT_FOR_DELIVERY:
            return _Dates(days(-4 - age % 2), eta=today)
        case OrderStatus.DELAYED:
            return _Dates(days(-9 - age % 3), eta=_no_sunday(days(4 + age % 3)))
        case OrderStatus.DELIVERED:
            arrived = days(-1 - age * 3)
            return _Dates(arrived - timedelta(days=5), eta=arrived, delivered=arrived)
        case OrderStatus.CANCELLED:
            return _Dates(days(-6 - age))


def _no_sunday(day: date) -> date:
    return day + timedelta(days=1) if day.weekday() == 6 else day


def _tracking(carrier: str, index: int) -> str:
    digits = f"{(index + 1) * 7_919_317_013 % 10**12:012d}"
    match carrier:
        case "UPS":
            return f"1Z58X03{digits[:11]}"
        case "USPS":
            return f"9400{digits}{digits[:6]}"
        case "DHL":
            return digits[:10]
        case "FedEx":
            return digits
    return ""
