"""Sample data: the same every time, only into an empty business."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select

from support.storage import NOW, TODAY, demo_database, url_of
from voice_agent.core.errors import ConfigurationError
from voice_agent.storage.records import OrderStatus
from voice_agent.storage.sql.calendar import public_holidays
from voice_agent.storage.sql.database import Database
from voice_agent.storage.sql.demo_business import demo_appointments
from voice_agent.storage.sql.demo_orders import demo_orders
from voice_agent.storage.sql.models import (
    AppointmentRow,
    CustomerRow,
    DepartmentRow,
    FeedbackRow,
    OrderItemRow,
    OrderRow,
    SeedRow,
    TransferRow,
)
from voice_agent.storage.sql.seed import SeedOutcome, seed


def shape(orders: list[OrderRow]) -> list[tuple[object, ...]]:
    return [
        (
            order.id,
            order.status,
            order.tracking,
            order.placed_on,
            order.eta,
            [(item.name, item.quantity) for item in order.items],
        )
        for order in orders
    ]


def test_the_orders_are_the_same_every_time() -> None:
    assert shape(demo_orders(TODAY, 25)) == shape(demo_orders(TODAY, 25))


def test_orders_1001_to_1050_cover_every_status_and_order_1042_is_on_its_way() -> None:
    orders = {order.id: order for order in demo_orders(TODAY, 25)}
    assert sorted(orders) == list(range(1001, 1051))
    assert {order.status for order in orders.values()} == {status.value for status in OrderStatus}
    assert orders[1042].status == "shipped"
    assert orders[1042].tracking
    assert len({order.tracking for order in orders.values() if order.tracking}) == len(
        [order for order in orders.values() if order.tracking]
    )


@pytest.mark.parametrize("offset", range(7))
def test_dates_fit_the_status_on_any_day_of_the_week(offset: int) -> None:
    today = TODAY + timedelta(days=offset)
    for order in demo_orders(today, 25):
        assert order.placed_on <= today
        match OrderStatus(order.status):
            case OrderStatus.DELIVERED:
                assert order.delivered_on is not None
                assert order.placed_on < order.delivered_on < today
            case OrderStatus.CANCELLED:
                assert order.eta is None
            case OrderStatus.OUT_FOR_DELIVERY:
                assert order.eta == today
            case _:
                assert order.eta is not None
                assert order.eta > today


@pytest.mark.parametrize("offset", range(7))
def test_booked_appointments_never_share_a_slot(offset: int) -> None:
    rows = demo_appointments(TODAY + timedelta(days=offset), NOW)
    assert len({row.starts_at for row in rows}) == len(rows)
    assert len({row.confirmation_number for row in rows}) == len(rows)


@pytest.mark.parametrize(
    ("region", "day", "name"),
    [
        ("US", date(2026, 11, 26), "Thanksgiving Day"),
        ("US", date(2026, 7, 3), "Independence Day (observed)"),
        ("us-ny", date(2026, 12, 25), "Christmas Day"),
        ("DE-BY", date(2026, 5, 1), "Labor Day"),
        ("DE-BY", date(2026, 11, 26), ""),
        ("US", date(2026, 11, 24), ""),
        ("", date(2026, 12, 25), ""),
    ],
)
def test_public_holidays_are_those_of_the_region(region: str, day: date, name: str) -> None:
    assert public_holidays(region)(day) == name


@pytest.mark.parametrize("region", ["XX", "US-XX", "Bavaria", "-"])
def test_an_unknown_region_is_a_configuration_error(region: str) -> None:
    with pytest.raises(ConfigurationError, match="two letters"):
        public_holidays(region)


@pytest.mark.anyio
async def test_an_empty_database_is_seeded_once(tmp_path: Path) -> None:
    async with demo_database(tmp_path / "agent.db") as database:
        again = await seed(database, "demo", today=TODAY, now=NOW)
        assert again is SeedOutcome.ALREADY_PLANTED
        async with database.read() as session:
            for table in (CustomerRow, DepartmentRow, AppointmentRow, FeedbackRow, TransferRow):
                assert await session.scalar(select(func.count()).select_from(table))
            items = await session.scalar(select(func.count()).select_from(OrderItemRow))
            assert items is not None
            assert items >= 50
            recorded = (await session.scalars(select(SeedRow))).one()
            assert (recorded.name, recorded.today, recorded.seeded_at) == ("demo", TODAY, NOW)


@pytest.mark.anyio
async def test_real_data_is_never_seeded_over(tmp_path: Path) -> None:
    async with Database(url_of(tmp_path / "agent.db")) as database:
        async with database.write() as session:
            session.add(CustomerRow(name="A real person", since=TODAY))
        outcome = await seed(database, "demo", today=TODAY, now=NOW)
        assert outcome is SeedOutcome.HAS_OTHER_DATA
        async with database.read() as session:
            assert await session.scalar(select(func.count()).select_from(OrderRow)) == 0
            assert await session.scalar(select(func.count()).select_from(CustomerRow)) == 1


@pytest.mark.anyio
async def test_sample_data_that_was_deleted_does_not_come_back(tmp_path: Path) -> None:
    async with demo_database(tmp_path / "agent.db") as database:
        async with database.write() as session:
            await session.execute(delete(OrderRow))
        outcome = await seed(database, "demo", today=TODAY, now=NOW)
        assert outcome is SeedOutcome.ALREADY_PLANTED


@pytest.mark.anyio
async def test_an_unknown_data_set_is_a_configuration_error(tmp_path: Path) -> None:
    async with Database(url_of(tmp_path / "agent.db")) as database:
        with pytest.raises(ConfigurationError, match="known: demo"):
            await seed(database, "dmeo", today=TODAY, now=NOW)
