"""Real calls in which something is done: the right row in the database, the right words heard."""

import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from support.running_agent import RunningAgent
from voice_agent.pipeline.spoken import render
from voice_agent.simulation.call_job import CallOrder, CallOutcome, HangUpSwitch, carry_out
from voice_agent.simulation.caller import Manners
from voice_agent.simulation.script_file import Plan, SayText
from voice_agent.storage.sql.calendar import public_holidays

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(240)]

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SHOP = ZoneInfo("America/New_York")


async def call(agent: RunningAgent, *sentences: str) -> CallOutcome:
    steps = [SayText(sentence) for sentence in sentences]
    plan = Plan(list(steps), Manners(longest=170.0))
    return await carry_out(CallOrder(agent.url, plan, agent.token, transcribe=True), HangUpSwitch())


def rows(agent: RunningAgent, query: str, *values: object) -> list[sqlite3.Row]:
    """What the database holds, read beside the server."""
    address = f"file:{agent.data_dir}/voice-agent.db?mode=ro"
    with closing(sqlite3.connect(address, uri=True)) as database:
        database.row_factory = sqlite3.Row
        return database.execute(query, values).fetchall()


def used(outcome: CallOutcome) -> list[tuple[str, dict[str, object]]]:
    """The tools of a call with their arguments, in order."""
    turns = outcome.report.turns
    return [(tool.name, dict(tool.arguments)) for turn in turns for tool in turn.tools]


def story(outcome: CallOutcome) -> str:
    """What was said and done, for when a test fails."""
    lines = [
        f"caller: {turn.caller}\n{[(t.name, t.arguments) for t in turn.tools]}\nagent: {turn.agent}"
        for turn in outcome.report.turns
    ]
    return "\n".join(lines)


def said(outcome: CallOutcome) -> str:
    return " ".join(turn.agent for turn in outcome.report.turns)


def share_heard(outcome: CallOutcome, tool: str) -> float:
    """How many words of the answer to a tool another recogniser heard in the recording."""
    heard = " ".join(outcome.report.extra["agent_transcribed"]).split()
    turns = [t for t in outcome.report.turns if tool in {used.name for used in t.tools}]
    words = render(turns[-1].agent).spoken.lower().replace(",", "").replace(".", "").split()
    return sum(word in heard for word in words) / len(words)


def free_days() -> tuple[date, date]:
    """Two ordinary working days in a row, later than all sample appointments."""
    holiday = public_holidays("US")
    day = datetime.now(UTC).date() + timedelta(days=14)
    while not (_ordinary(day, holiday(day)) and _ordinary(_next(day), holiday(_next(day)))):
        day = _next(day)
    return day, _next(day)


def _next(day: date) -> date:
    return day + timedelta(days=1)


def _ordinary(day: date, holiday: str) -> bool:
    return day.weekday() < 5 and not holiday and (day.month, day.day) != (12, 24)


def aloud(day: date) -> str:
    """As in "december eighth"."""
    return render(f"{day:%B} {day.day}").spoken.lower()


async def test_an_appointment_is_booked_moved_and_cancelled(agent: RunningAgent) -> None:
    first, second = free_days()
    outcome = await call(
        agent,
        f"i'd like to book an appointment on {aloud(first)} at two p m",
        "peter novak",
        "consultation",
        "yes",
        "reschedule my appointment",
        f"{aloud(second)} at three p m",
        "yes",
        "cancel my appointment",
        "yes",
        "bye bye",
    )
    assert [name for name, _ in used(outcome)][:3] == [
        "schedule_appointment",
        "reschedule_appointment",
        "cancel_appointment",
    ], story(outcome)
    (row,) = rows(agent, "SELECT * FROM appointments WHERE call_id = ?", outcome.phone.call_id)
    starts = datetime.fromisoformat(row["starts_at"]).replace(tzinfo=UTC).astimezone(SHOP)
    assert (starts.date(), starts.hour) == (second, 15)
    assert row["status"] == "cancelled"
    assert f"confirmation number is {row['confirmation_number']}" in said(outcome)
    assert "is cancelled" in said(outcome)
    assert share_heard(outcome, "cancel_appointment") > 0.5


async def test_an_account_is_told_only_to_who_knows_its_zip_code(agent: RunningAgent) -> None:
    (customer,) = rows(agent, "SELECT * FROM customers WHERE phone = '+12125550101'")
    outcome = await call(
        agent,
        "look up my account",
        "two one two five five five zero one zero one",
        "one two three four five",
        " ".join(DIGITS[int(digit)] for digit in customer["post_code"]),
        "bye bye",
    )
    assert [given for name, given in used(outcome) if name == "look_up_account"] == [
        {"identifier": "2125550101"},
        {"identifier": "12345"},
        {"identifier": customer["post_code"]},
    ], story(outcome)
    before, after = said(outcome).split("doesn't match")
    assert customer["name"] not in before
    assert f"I found your account, {customer['name']}" in after
    assert share_heard(outcome, "look_up_account") > 0.4


async def test_an_order_and_the_hours_are_told_and_a_rating_is_kept(agent: RunningAgent) -> None:
    outcome = await call(
        agent,
        "where is my order ten forty two",
        "what are your hours",
        "i want to leave feedback",
        "four",
        "yes",
        "bye bye",
    )
    assert [name for name, _ in used(outcome)] == [
        "check_order_status",
        "get_business_hours",
        "collect_feedback",
        "end_call",
    ], story(outcome)
    (row,) = rows(agent, "SELECT * FROM feedback WHERE call_id = ?", outcome.phone.call_id)
    assert row["rating"] == 4
    assert f"feedback number is {row['id']}" in said(outcome)
    assert "Monday to Friday 8 AM to 8 PM" in said(outcome)
    assert share_heard(outcome, "get_business_hours") > 0.4
