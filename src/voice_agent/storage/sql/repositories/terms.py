"""The words of this business, for recognisers to listen for."""

from sqlalchemy import select

from voice_agent.storage.sql.database import Database
from voice_agent.storage.sql.models import CustomerRow, DepartmentRow, OrderItemRow, OrderRow

MOST = 1000
"""Terms of each kind; a vocabulary that holds everything holds nothing."""


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
