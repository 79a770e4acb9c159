"""Orders in SQL."""

from typing import Final

from sqlalchemy.orm import selectinload

from voice_agent.storage.records import Order, OrderItem, OrderStatus
from voice_agent.storage.sql.database import Database
from voice_agent.storage.sql.models import OrderRow

_LARGEST_ID: Final = 2**31 - 1


class SqlOrders:
    """Finds orders."""

    def __init__(self, database: Database) -> None:
        """Read from `database`."""
        self._database = database

    async def find(self, order_id: int) -> Order | None:
        """The order with this number, None when there is none."""
        if not 0 <= order_id <= _LARGEST_ID:
            return None
        async with self._database.read() as session:
            row = await session.get(OrderRow, order_id, options=[selectinload(OrderRow.items)])
        return None if row is None else order_of(row)


def order_of(row: OrderRow) -> Order:
    """A row, its items loaded, as a value."""
    return Order(
        id=row.id,
        status=OrderStatus(row.status),
        items=tuple(OrderItem(item.name, item.quantity) for item in row.items),
        placed_on=row.placed_on,
        carrier=row.carrier,
        tracking=row.tracking,
        eta=row.eta,
        delivered_on=row.delivered_on,
    )
