"""The words of this business, for recognisers to listen for."""

from sqlalchemy import select

from voice_agent.storage.sql.database import Database
from voice_agent.storage.sql.models import CustomerRow, DepartmentRow, OrderItemRow, OrderRow

MOST = 1000
"""Terms of each kind; a vocabulary that holds everything holds nothing."""

MOST_ORDERS = 10
"""Orders of a caller that are thought of."""


async def business_terms(database: Database) -> tuple[str, ...]:
    """Names of items, carriers, departments and customers, each once, sorted."""
    columns = (OrderItemRow.name, OrderRow.carrier, DepartmentRow.title, CustomerRow.name)
    terms: set[str] = set()
    async with database.read() as session:
        for column in columns:
            terms |= {
                text
                for text in await session.scalars(select(column).distinct().limit(MOST))
                if text
            }
    return tuple(sorted(terms))


async def caller_terms(database: Database, number: str) -> tuple[str, ...]:
    """What this caller is likely to say: their name, their orders' numbers, items and carriers."""
    if not number:
        return ()
    async with database.read() as session:
        person = await session.scalar(select(CustomerRow).where(CustomerRow.phone == number))
        if person is None:
            return ()
        orders = select(OrderRow).where(OrderRow.customer_id == person.id)
        latest = orders.order_by(OrderRow.placed_on.desc()).limit(MOST_ORDERS)
        placed = list(await session.scalars(latest))
        of_these = OrderItemRow.order_id.in_([order.id for order in placed])
        items = list(await session.scalars(select(OrderItemRow.name).where(of_these)))
    numbers = [str(order.id) for order in placed]
    carriers = [order.carrier for order in placed if order.carrier]
    return tuple(dict.fromkeys((person.name, *numbers, *items, *carriers)))
