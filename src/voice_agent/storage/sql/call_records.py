"""Reads stored calls: the list page by page, and one call with everything in it."""

import base64
import binascii
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, or_, select

from voice_agent.core.call import Channel, Direction, Disposition
from voice_agent.core.errors import NotFoundError, ProtocolError
from voice_agent.storage.call_records import (
    CallPage,
    CallQuery,
    CallRecord,
    CallSummary,
    StoredEvent,
)
from voice_agent.storage.sql.database import Database
from voice_agent.storage.sql.models import CallEventRow, CallRow


class SqlCallRecords:
    """Stored calls, newest first."""

    def __init__(self, database: Database) -> None:
        """Read from `database`."""
        self._database = database

    async def page(self, query: CallQuery) -> CallPage:
        """One page of the list.

        Raises:
            ProtocolError: the cursor is not one of ours.
        """
        statement = _newest(query).limit(query.limit + 1)
        async with self._database.read() as session:
            rows = (await session.scalars(statement)).all()
        shown = rows[: query.limit]
        more = len(rows) > query.limit
        return CallPage(
            calls=tuple(_summary(row) for row in shown),
            next_cursor=_write_cursor(shown[-1]) if more else "",
        )

    async def find(self, call_id: str) -> CallRecord:
        """One call with its events in order.

        Raises:
            NotFoundError: there is no such call.
        """
        statement = select(CallEventRow).where(CallEventRow.call_id == call_id)
        async with self._database.read() as session:
            row = await session.get(CallRow, call_id)
            if row is None:
                raise NotFoundError("There is no call with this id.")
            events = (await session.scalars(statement.order_by(CallEventRow.seq))).all()
        return CallRecord(
            summary=_summary(row),
            engines={name: str(engine) for name, engine in row.engines.items()},
            events=tuple(_event(event) for event in events),
        )


def _newest(query: CallQuery) -> Select[CallRow]:
    conditions: list[ColumnElement[bool]] = []
    if query.channel is not None:
        conditions.append(CallRow.channel == query.channel.value)
    if query.disposition is not None:
        conditions.append(CallRow.disposition == query.disposition.value)
    if query.since is not None:
        conditions.append(CallRow.started_at >= query.since)
    if query.cursor:
        started_at, call_id = _read_cursor(query.cursor)
        same_moment = and_(CallRow.started_at == started_at, CallRow.id < call_id)
        conditions.append(or_(CallRow.started_at < started_at, same_moment))
    order = (CallRow.started_at.desc(), CallRow.id.desc())
    return select(CallRow).where(*conditions).order_by(*order)


def _write_cursor(row: CallRow) -> str:
    text = f"{row.started_at.isoformat()} {row.id}"
    return base64.urlsafe_b64encode(text.encode()).decode()


def _read_cursor(cursor: str) -> tuple[datetime, str]:
    try:
        text = base64.b64decode(cursor.encode(), altchars=b"-_", validate=True).decode()
        moment, _, call_id = text.partition(" ")
        started_at = datetime.fromisoformat(moment)
    except (binascii.Error, ValueError) as error:
        raise ProtocolError("The cursor is not valid; take it from next_cursor.") from error
    if started_at.tzinfo is None:
        raise ProtocolError("The cursor is not valid; take it from next_cursor.")
    return started_at, call_id


def _summary(row: CallRow) -> CallSummary:
    return CallSummary(
        id=row.id,
        channel=Channel(row.channel),
        direction=Direction(row.direction),
        caller=row.caller,
        callee=row.callee,
        started_at=row.started_at,
        ended_at=row.ended_at,
        duration=row.duration,
        disposition=Disposition(row.disposition) if row.disposition else None,
        turns=row.turns,
    )


def _event(row: CallEventRow) -> StoredEvent:
    return StoredEvent(seq=row.seq, at=row.at, turn=row.turn, kind=row.kind, data=row.data)
