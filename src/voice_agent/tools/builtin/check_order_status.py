"""Where is my order?"""

import re
from typing import Annotated, Final, Protocol

from pydantic import BeforeValidator, WithJsonSchema

from voice_agent.core.chat import JsonObject
from voice_agent.core.errors import ToolError
from voice_agent.storage.records import Order, OrderItem
from voice_agent.tools.base import Access, Tool
from voice_agent.tools.speakable import say_date, say_list

_NUMBER: Final = re.compile(r"[^0-9]*([0-9][0-9\s-]*)[^0-9]*")
_MOST_DIGITS: Final = 12


class Orders(Protocol):
    """The business's orders."""

    async def find(self, order_id: int) -> Order | None:
        """The order with this number, None when there is none."""
        ...


def parse_order_id(value: object) -> int:
    """The number in `1042`, `"#1042"` or `"order 1042"`.

    Raises:
        ValueError: there is no number, or more than one.
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError("give the order number, such as 1042")  # noqa: TRY004 - pydantic's way
    match = _NUMBER.fullmatch(str(value)) if not str(value).startswith("-") else None
    digits = re.sub(r"[\s-]", "", match[1]) if match else ""
    if not 0 < len(digits) <= _MOST_DIGITS:
        raise ValueError("give exactly one order number, such as 1042")
    return int(digits)


OrderId = Annotated[
    int, BeforeValidator(parse_order_id), WithJsonSchema({"type": "string", "examples": ["1042"]})
]


async def check_order_status(order_id: OrderId, *, orders: Orders) -> JsonObject:
    """Look up an order by its number: its status, items, carrier, tracking number and ETA.

    Args:
        order_id: The order number as the caller gave it, digits only, for example 1042.
        orders: Where orders are found.
    """
    order = await orders.find(order_id)
    if order is None:
        raise ToolError(
            f"There is no order {order_id}. Ask the caller to repeat the number.",
            reason="order_not_found",
        )
    return {
        "order_id": order.id,
        "status": order.status.value,
        "items": [{"name": item.name, "quantity": item.quantity} for item in order.items],
        "items_text": say_list([_say_item(item) for item in order.items]),
        "carrier": order.carrier or None,
        "tracking": order.tracking or None,
        "eta": order.eta.isoformat() if order.eta else None,
        "eta_text": say_date(order.eta) if order.eta else None,
        "placed_on": order.placed_on.isoformat(),
        "delivered_on": order.delivered_on.isoformat() if order.delivered_on else None,
        "delivered_on_text": say_date(order.delivered_on) if order.delivered_on else None,
    }


def _say_item(item: OrderItem) -> str:
    return item.name if item.quantity == 1 else f"{item.name} times {item.quantity}"


TOOL = Tool.of(check_order_status, Access.READ)
