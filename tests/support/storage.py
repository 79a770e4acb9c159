"""Real SQLite files for tests."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from pathlib import Path

from voice_agent.core.call import Call, Channel, Direction
from voice_agent.core.events import CallEvent, CallEventPayload
from voice_agent.storage.sql.database import Database
from voice_agent.storage.sql.seed import seed

TODAY = date(2026, 11, 23)
"""A Monday, in Thanksgiving week."""
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
"""10 AM in New York on that day."""


def url_of(path: Path) -> str:
    return f"sqlite:///{path}"


@asynccontextmanager
async def demo_database(path: Path) -> AsyncIterator[Database]:
    async with Database(url_of(path)) as database:
        await seed(database, "demo", today=TODAY, now=NOW)
        yield database


def fingerprint(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def a_call(call_id: str = "call-1", *, channel: Channel = Channel.PHONE) -> Call:
    return Call(
        id=call_id,
        channel=channel,
        direction=Direction.INBOUND,
        started_at=NOW,
        caller="+12125550100",
        callee="+12125550199",
    )


def events_of(call_id: str, *payloads: CallEventPayload, turn: int = 1) -> list[CallEvent]:
    return [
        CallEvent(call_id, seq, at=seq / 2, turn=turn, payload=payload)
        for seq, payload in enumerate(payloads)
    ]
