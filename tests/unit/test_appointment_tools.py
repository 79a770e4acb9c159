"""Appointments through the tools: booked, moved and cancelled, or refused with a way out."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from support.business import Desk, desk
from support.storage import NOW, url_of
from voice_agent.storage.sql.models import AppointmentRow

pytestmark = pytest.mark.anyio

GIVEN = {"date": "2026-12-07", "time": "10:00", "name": "Ann Lee", "purpose": "a boot fitting"}
"""A free Monday; the sample data ends before."""


async def row(at: Desk, number: str) -> AppointmentRow:
    async with at.database.read() as session:
        query = select(AppointmentRow).where(AppointmentRow.confirmation_number == number)
        return (await session.scalars(query)).one()


async def how_many(at: Desk) -> int:
    async with at.database.read() as session:
        return await session.scalar(select(func.count()).select_from(AppointmentRow)) or 0


async def test_a_booking_gives_its_number_and_details(tmp_path: Path) -> None:
    async with desk(url_of(tmp_path / "a.db"), draw=lambda: "123456") as at:
        told = await at.told("schedule_appointment", **GIVEN)
        kept = await row(at, "123456")
    assert told == {
        "confirmation_number": "123456",
        "status": "booked",
        "date": "2026-12-07",
        "date_text": "Monday, December 7",
        "time": "10:00",
        "time_text": "10 AM",
        "timezone_text": "Eastern Time",
        "minutes": 30,
        "name": "Ann Lee",
        "purpose": "a boot fitting",
    }
    assert (kept.call_id, kept.customer_id, kept.starts_at.hour) == ("call-1", None, 15)
    assert kept.ends_at - kept.starts_at == timedelta(minutes=30)


async def test_a_customer_who_calls_from_the_number_on_file_gets_the_appointment_on_file(
    tmp_path: Path,
) -> None:
    async with desk(url_of(tmp_path / "a.db")) as at:
        at.caller = "+12125550101"
        told = await at.told("schedule_appointment", **GIVEN)
        assert (await row(at, told["confirmation_number"])).customer_id == 2


async def test_a_number_that_is_another_appointments_is_drawn_again(tmp_path: Path) -> None:
    numbers = iter(["480115", "480115", "777777"])
    async with desk(url_of(tmp_path / "a.db"), draw=lambda: next(numbers)) as at:
        told = await at.told("schedule_appointment", **GIVEN)
    assert told["confirmation_number"] == "777777"


async def test_a_taken_time_is_refused_with_the_nearest_free_ones(tmp_path: Path) -> None:
    async with desk(url_of(tmp_path / "a.db")) as at:
        await at.told("schedule_appointment", **GIVEN)
        before = await how_many(at)
        told = await at.refused("schedule_appointment", "call-2", **GIVEN | {"name": "Ben"})
        assert await how_many(at) == before
    assert told["error"] == "slot_taken"
    assert told["alternatives"] == [
        {"date": "2026-12-07", "time": "09:00"},
        {"date": "2026-12-07", "time": "09:30"},
        {"date": "2026-12-07", "time": "10:30"},
    ]
    assert told["alternatives_text"] == "Monday, December 7 at 9 AM, 9:30 AM or 10:30 AM"
    assert told["alternatives_text"] in told["message"]


@pytest.mark.parametrize(
    ("given", "error", "first"),
    [
        ({"date": "2026-11-26"}, "closed_that_day", "2026-11-27 09:30"),
        ({"date": "2026-12-06"}, "closed_that_day", "2026-12-07 09:30"),
        ({"time": "07:30"}, "closed_then", "2026-12-07 08:00"),
        ({"time": "20:00"}, "closed_then", "2026-12-07 18:30"),
        ({"time": "10:10"}, "not_a_slot", "2026-12-07 09:30"),
        ({"time": "19:45"}, "not_a_slot", "2026-12-07 18:30"),
        ({"date": "2026-11-23", "time": "09:00"}, "in_the_past", "2026-11-23 10:30"),
        ({"date": "2025-12-08"}, "in_the_past", "2026-11-23 10:30"),
        ({"date": "2028-01-03"}, "too_far_ahead", ""),
    ],
)
async def test_where_no_appointment_can_be_others_are_offered(
    tmp_path: Path, given: dict[str, Any], error: str, first: str
) -> None:
    async with desk(url_of(tmp_path / "a.db")) as at:
        before = await how_many(at)
        told = await at.refused("schedule_appointment", **GIVEN | given)
        assert await how_many(at) == before
    assert told["error"] == error
    offered = [f"{slot['date']} {slot['time']}" for slot in told.get("alternatives", [])]
    assert offered[:1] == ([first] if first else [])


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"date": "tomorrow"}, "YYYY-MM-DD"),
        ({"date": "2026-02-30"}, "YYYY-MM-DD"),
        ({"date": 20261207}, "YYYY-MM-DD"),
        ({"time": "3"}, "HH:MM"),
        ({"time": "25:00"}, "HH:MM"),
        ({"time": ""}, "HH:MM"),
        ({"name": "  "}, "name"),
        ({"purpose": "x" * 10_000}, "purpose"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_arguments_that_do_not_fit_go_back_as_something_to_mend(
    tmp_path: Path, given: dict[str, Any], word: str
) -> None:
    async with desk(url_of(tmp_path / "a.db")) as at:
        told = await at.refused("schedule_appointment", **GIVEN | given)
    assert told["error"] == "invalid_arguments"
    assert word in told["message"]
    assert "xxx" not in told["message"]


@pytest.mark.parametrize("said", ["10:00", "10:00:00", "10 AM", "10:00 a.m.", "10am"])
async def test_a_time_is_read_in_the_ways_models_write_it(tmp_path: Path, said: str) -> None:
    async with desk(url_of(tmp_path / "a.db")) as at:
        assert (await at.told("schedule_appointment", **GIVEN | {"time": said}))["time"] == "10:00"


async def test_control_characters_do_not_reach_the_tables(tmp_path: Path) -> None:
    given = GIVEN | {"name": "Ann\x00 \ud800Lee\n", "purpose": "\u202ea fitting 🙂"}
    async with desk(url_of(tmp_path / "a.db")) as at:
        told = await at.told("schedule_appointment", **given)
    assert (told["name"], told["purpose"]) == ("Ann Lee", "a fitting 🙂")


async def test_a_move_keeps_the_number_and_frees_the_old_time(tmp_path: Path) -> None:
    async with desk(url_of(tmp_path / "a.db")) as at:
        number = (await at.told("schedule_appointment", **GIVEN))["confirmation_number"]
        moved = await at.told(
            "reschedule_appointment",
            confirmation_number=f" {number[:3]}-{number[3:]} ",
            new_date="2026-12-08",
            new_time="14:30",
        )
        again = await at.told("schedule_appointment", "call-2", **GIVEN)
    assert moved["confirmation_number"] == number
    assert (moved["date"], moved["time"]) == ("2026-12-08", "14:30")
    assert moved["moved_from"]["time_text"] == "10 AM"
    assert again["confirmation_number"] != number


async def test_a_move_to_a_taken_time_changes_nothing(tmp_path: Path) -> None:
    async with desk(url_of(tmp_path / "a.db")) as at:
        number = (await at.told("schedule_appointment", **GIVEN))["confirmation_number"]
        await at.told("schedule_appointment", "call-2", **GIVEN | {"time": "11:00"})
        before = await row(at, number)
        told = await at.refused(
            "reschedule_appointment",
            confirmation_number=number,
            new_date="2026-12-07",
            new_time="11:00",
        )
        after = await row(at, number)
    assert told["error"] == "slot_taken"
    assert {"date": "2026-12-07", "time": "10:30"} in told["alternatives"]
    assert (before.starts_at, before.changed_at) == (after.starts_at, after.changed_at)


async def test_a_move_to_the_same_time_is_no_conflict_with_itself(tmp_path: Path) -> None:
    async with desk(url_of(tmp_path / "a.db")) as at:
        number = (await at.told("schedule_appointment", **GIVEN))["confirmation_number"]
        new = {"confirmation_number": number, "new_date": GIVEN["date"], "new_time": GIVEN["time"]}
        assert (await at.told("reschedule_appointment", **new))["time"] == "10:00"


async def test_a_cancelled_time_is_free_again_and_the_appointment_stays_cancelled(
    tmp_path: Path,
) -> None:
    async with desk(url_of(tmp_path / "a.db")) as at:
        number = (await at.told("schedule_appointment", **GIVEN))["confirmation_number"]
        first = await at.told("cancel_appointment", confirmation_number=number)
        second = await at.told("cancel_appointment", confirmation_number=int(number))
        other = await at.told("schedule_appointment", "call-2", **GIVEN)
        moved = await at.refused(
            "reschedule_appointment",
            confirmation_number=number,
            new_date="2026-12-09",
            new_time="10:00",
        )
    assert (first["status"], first["already_cancelled"]) == ("cancelled", False)
    assert (second["status"], second["already_cancelled"]) == ("cancelled", True)
    assert other["status"] == "booked"
    assert moved["error"] == "already_cancelled"


async def test_what_is_over_can_be_neither_cancelled_nor_moved(tmp_path: Path) -> None:
    async with desk(url_of(tmp_path / "a.db")) as at:
        number = (await at.told("schedule_appointment", **GIVEN))["confirmation_number"]
        at.clock.moment = NOW + timedelta(days=30)
        new = {"new_date": "2027-01-05", "new_time": "10:00"}
        cancelled = await at.refused("cancel_appointment", confirmation_number=number)
        moved = await at.refused("reschedule_appointment", confirmation_number=number, **new)
        assert (await row(at, number)).status == "booked"
    assert cancelled["error"] == moved["error"] == "already_over"


async def test_numbers_cannot_be_guessed_for_long(tmp_path: Path) -> None:
    async with desk(url_of(tmp_path / "a.db")) as at:
        errors = [
            (await at.refused("cancel_appointment", confirmation_number=f"00000{guess}"))["error"]
            for guess in range(6)
        ]
        known = await at.refused("cancel_appointment", confirmation_number="480115")
        other_call = await at.told("cancel_appointment", "call-2", confirmation_number="480115")
    assert errors == ["appointment_not_found"] * 5 + ["too_many_attempts"]
    assert known["error"] == "too_many_attempts"
    assert other_call["status"] == "cancelled"


async def test_a_business_without_appointments_does_not_offer_any(tmp_path: Path) -> None:
    from voice_agent.core.clock import LoopClock
    from voice_agent.storage.sql.repositories.departments import SqlDepartments
    from voice_agent.storage.sql.repositories.orders import SqlOrders
    from voice_agent.storage.sql.repositories.transfers import SqlTransfers
    from voice_agent.tools.business import Business
    from voice_agent.tools.registry import builtin_tools
    from voice_agent.tools.runner import ToolRunner, allow_all

    async with desk(url_of(tmp_path / "a.db")) as at:
        database = at.database
        business = Business(
            SqlOrders(database), SqlDepartments(database), SqlTransfers(database), LoopClock()
        )
        run = ToolRunner(
            builtin_tools(), business.services(), authorize=allow_all, clock=LoopClock()
        )
    names = {declared.name for declared in run.declarations}
    assert names == {
        "check_order_status",
        "end_call",
        "get_business_hours",
        "transfer_to_human",
    }
