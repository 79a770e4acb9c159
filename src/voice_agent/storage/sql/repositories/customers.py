"""Customers and what they ordered and booked, in SQL."""

from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from voice_agent.storage.records import Appointment, Customer, CustomerHistory, Order
from voice_agent.storage.sql.database import Database
from voice_agent.storage.sql.models import AppointmentRow, CustomerRow, OrderRow
from voice_agent.storage.sql.repositories.appointments import appointment_of
from voice_agent.storage.sql.repositories.orders import order_of

_NEWEST_ORDERS: Final = 5
_NEXT_APPOINTMENTS: Final = 5


class SqlCustomers:
    """Finds customers."""

    def __init__(self, database: Database) -> None:
        """Read from `database`."""
        self._database = database

    async def by_id(self, customer_id: int) -> Customer | None:
        """The customer of this number."""
        return await self._one(CustomerRow.id == customer_id)

    async def by_phone(self, phone: str) -> Customer | None:
        """The customer with this telephone number, E.164."""
        return await self._one(CustomerRow.phone == phone)

    async def by_email(self, email: str) -> Customer | None:
        """The customer with this address, in lower case."""
        return await self._one(CustomerRow.email == email)

    async def owns_order(self, customer_id: int, order_id: int) -> bool:
        """Whether an order is this customer's."""
        query = select(OrderRow.id).where(
            OrderRow.id == order_id, OrderRow.customer_id == customer_id
        )
        async with self._database.read() as session:
            return await session.scalar(query) is not None

    async def history(self, customer_id: int, at: datetime) -> CustomerHistory:
        """The newest orders and the appointments after `at`."""
        async with self._database.read() as session:
            return CustomerHistory(
                await _orders(session, customer_id), await _appointments(session, customer_id, at)
            )

    async def _one(self, condition: ColumnElement[bool]) -> Customer | None:
        async with self._database.read() as session:
            row = await session.scalar(select(CustomerRow).where(condition))
        return None if row is None else _customer(row)


async def _orders(session: AsyncSession, customer_id: int) -> tuple[Order, ...]:
    query = (
        select(OrderRow)
        .where(OrderRow.customer_id == customer_id)
        .order_by(OrderRow.placed_on.desc(), OrderRow.id.desc())
        .limit(_NEWEST_ORDERS)
        .options(selectinload(OrderRow.items))
    )
    return tuple(order_of(row) for row in await session.scalars(query))


async def _appointments(
    session: AsyncSession, customer_id: int, at: datetime
) -> tuple[Appointment, ...]:
    query = (
        select(AppointmentRow)
        .where(
            AppointmentRow.customer_id == customer_id,
            AppointmentRow.status == "booked",
            AppointmentRow.starts_at > at,
        )
        .order_by(AppointmentRow.starts_at)
        .limit(_NEXT_APPOINTMENTS)
    )
    return tuple(appointment_of(row) for row in await session.scalars(query))


def _customer(row: CustomerRow) -> Customer:
    return Customer(
        id=row.id,
        name=row.name,
        tier=row.tier,
        since=row.since,
        phone=row.phone or "",
        email=row.email or "",
        post_code=row.post_code,
    )
