"""The queue of waiting callers in SQL."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from voice_agent.core.errors import NotFoundError
from voice_agent.storage.records import QueuePlace
from voice_agent.storage.sql.database import Database
from voice_agent.storage.sql.models import DepartmentRow, TransferRow

_STALE: Final = timedelta(hours=4)
"""Nobody waits longer: an older open row is what a crash left behind and is not counted."""


class SqlTransfers:
    """Puts callers into a department's queue and takes them out."""

    def __init__(self, database: Database) -> None:
        """Read and write in `database`."""
        self._database = database

    async def enter(self, call_id: str, department: str, reason: str, at: datetime) -> QueuePlace:
        """Queue the call; a call that already waits there keeps its place.

        Raises:
            NotFoundError: there is no such department.
        """
        async with self._database.write() as session:
            department_id = await _department_id(session, department)
            row = await _waiting(session, call_id)
            if row is not None and (row.department_id != department_id or _stale(row, at)):
                row.closed_at, row.outcome = at, "moved"
                await session.flush()
                row = None
            if row is None:
                row = TransferRow(
                    call_id=call_id, department_id=department_id, reason=reason, queued_at=at
                )
                session.add(row)
                await session.flush()
            ahead = await _ahead(session, row, at)
            return QueuePlace(department, position=ahead + 1, queued_at=row.queued_at)

    async def waiting(self, department: str, at: datetime) -> int:
        """How many callers wait for a department."""
        async with self._database.read() as session:
            query = (
                select(func.count())
                .select_from(TransferRow)
                .join(DepartmentRow, DepartmentRow.id == TransferRow.department_id)
                .where(DepartmentRow.name == department, *_open_at(at))
            )
            return await session.scalar(query) or 0

    async def leave(self, call_id: str, outcome: str, at: datetime) -> None:
        """The call waits no more: `answered`, `hung_up`, …; nothing happens if it did not."""
        async with self._database.write() as session:
            await session.execute(
                update(TransferRow)
                .where(TransferRow.call_id == call_id, TransferRow.closed_at.is_(None))
                .values(closed_at=at, outcome=outcome)
            )


async def _department_id(session: AsyncSession, name: str) -> int:
    found = await session.scalar(select(DepartmentRow.id).where(DepartmentRow.name == name))
    if found is None:
        raise NotFoundError(f"There is no department called {name}.")
    return found


async def _waiting(session: AsyncSession, call_id: str) -> TransferRow | None:
    query = select(TransferRow).where(
        TransferRow.call_id == call_id, TransferRow.closed_at.is_(None)
    )
    return (await session.scalars(query)).first()


async def _ahead(session: AsyncSession, row: TransferRow, at: datetime) -> int:
    query = select(func.count()).where(
        TransferRow.department_id == row.department_id,
        TransferRow.id < row.id,
        *_open_at(at),
    )
    return await session.scalar(query) or 0


def _open_at(at: datetime) -> tuple[ColumnElement[bool], ...]:
    return TransferRow.closed_at.is_(None), TransferRow.queued_at > at - _STALE


def _stale(row: TransferRow, at: datetime) -> bool:
    return row.queued_at <= at - _STALE
