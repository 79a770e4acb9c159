"""The memory of callers in SQL."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.dml import ReturningInsert

from voice_agent.core.errors import StorageError
from voice_agent.core.memory import (
    CallerId,
    CallerProfile,
    CallerRecord,
    Consent,
    ConsentSource,
    Learned,
    PastCall,
    RememberedTurn,
    Removed,
    remembered,
)
from voice_agent.storage.sql.database import Database
from voice_agent.storage.sql.models.memory import ConversationTurnRow, UserMemoryRow

_NOBODY: Final = Consent(
    granted=False, source=ConsentSource.CALLER, at=datetime(1970, 1, 1, tzinfo=UTC)
)
_BATCH: Final = 500
"""Callers that are forgotten in one transaction when they are too old."""


class SqlCallerMemory:
    """A `CallerMemory`; each method is one transaction."""

    def __init__(self, database: Database) -> None:
        """Read and write in `database`."""
        self._database = database

    async def recall(self, caller: CallerId) -> CallerProfile | None:
        """What is known of a caller, a refusal included."""
        async with self._database.read() as session:
            row = await session.get(UserMemoryRow, caller.key)
        return _profile(row) if row is not None else None

    async def remember(self, caller: CallerId, learned: Learned) -> bool:
        """Add what a call taught; False when the caller's consent is missing."""
        async with self._database.write() as session:
            row = await _locked(session, caller.key)
            profile = remembered(_profile(row) if row is not None else None, learned)
            if profile is None:
                return False
            if row is None:
                # Another call of this caller may have been quicker, and the caller refused in it.
                row, _ = await _inserted(session, caller.key, profile.consent)
                profile = remembered(_profile(row), learned)
            if profile is None:
                return False
            _write(row, caller, profile, learned)
            for turn in learned.turns:
                await session.merge(_turn_row(caller.key, turn))
        return True

    async def refuse(self, caller: CallerId, refusal: Consent) -> Removed:
        """Remove everything but the fact that this caller is not to be remembered."""
        async with self._database.write() as session:
            row, removed = await _emptied(session, caller.key, refusal)
            _write_profile(row, CallerProfile(refusal))
            row.masked_number, row.first_call_at, row.last_call_at = "", None, None
        return removed

    async def forget(self, key: str) -> Removed:
        """Remove everything about a caller, a refusal included."""
        async with self._database.write() as session:
            row, removed = await _emptied(session, key, _NOBODY)
            await session.delete(row)
        return removed

    async def export(self, key: str) -> CallerRecord | None:
        """Everything about a caller, None when there is nothing."""
        turns = (
            select(ConversationTurnRow)
            .where(ConversationTurnRow.caller_key == key)
            .order_by(ConversationTurnRow.at, ConversationTurnRow.turn)
        )
        async with self._database.read() as session:
            row = await session.get(UserMemoryRow, key)
            if row is None:
                return None
            found = (await session.scalars(turns)).all()
        return CallerRecord(
            CallerId(key, row.masked_number),
            _profile(row),
            tuple(_turn(turn) for turn in found),
            row.first_call_at,
            row.last_call_at,
        )

    async def expire(self, *, callers_before: datetime, turns_before: datetime) -> Removed:
        """Remove callers whose last call, and turns that, are older; refusals stay."""
        old = and_(UserMemoryRow.last_call_at < callers_before, UserMemoryRow.consent_granted)
        callers = turns = 0
        while True:
            async with self._database.write() as session:
                query = select(UserMemoryRow).where(old).limit(_BATCH).with_for_update()
                rows = (await session.scalars(query)).all()
                keys = ConversationTurnRow.caller_key.in_([row.caller_key for row in rows])
                gone = or_(keys, ConversationTurnRow.at < turns_before)
                turns += await _delete_turns(session, gone)
                for row in rows:
                    await session.delete(row)
            callers += len(rows)
            if len(rows) < _BATCH:
                return _removed(callers=callers, turns=turns)


async def _locked(session: AsyncSession, key: str) -> UserMemoryRow | None:
    query = select(UserMemoryRow).where(UserMemoryRow.caller_key == key).with_for_update()
    return await session.scalar(query.execution_options(populate_existing=True))


async def _inserted(
    session: AsyncSession, key: str, consent: Consent
) -> tuple[UserMemoryRow, bool]:
    """The caller's row, locked, and whether it had to be made."""
    values = {
        "caller_key": key,
        "masked_number": "",
        "consent_granted": consent.granted,
        "consent_source": consent.source.value,
        "consent_at": consent.at,
        "name": "",
        "name_verified": False,
        "tier": "",
        "language": "",
        "preferences": [],
        "calls": [],
    }
    made = await session.scalar(_insert_if_new(session, values))
    row = await _locked(session, key)
    if row is None:
        raise StorageError("A caller's memory vanished while it was written.")
    return row, made is not None


def _insert_if_new(session: AsyncSession, values: dict[str, Any]) -> ReturningInsert[tuple[str]]:
    key = UserMemoryRow.caller_key
    if session.get_bind().dialect.name == "sqlite":
        return sqlite.insert(UserMemoryRow).values(values).on_conflict_do_nothing().returning(key)
    insert = postgresql.insert(UserMemoryRow).values(values)
    return insert.on_conflict_do_nothing().returning(key)


async def _emptied(
    session: AsyncSession, key: str, consent: Consent
) -> tuple[UserMemoryRow, Removed]:
    """The caller's row without its turns, and what was removed.

    It is made if there is none: a call that is just being kept is waited for by that.
    """
    row, made = await _inserted(session, key, consent)
    turns = await _delete_turns(session, ConversationTurnRow.caller_key == key)
    return row, _removed(callers=0 if made else 1, turns=turns)


def _write(row: UserMemoryRow, caller: CallerId, profile: CallerProfile, learned: Learned) -> None:
    row.masked_number = caller.masked
    _write_profile(row, profile)
    row.first_call_at = row.first_call_at or learned.call.at
    row.last_call_at = max(row.last_call_at or learned.call.at, learned.call.at)


def _write_profile(row: UserMemoryRow, profile: CallerProfile) -> None:
    row.consent_granted = profile.consent.granted
    row.consent_source = profile.consent.source.value
    row.consent_at = profile.consent.at
    row.name, row.name_verified = profile.name, profile.name_verified
    row.tier, row.language = profile.tier, profile.language
    row.preferences = list(profile.preferences)
    row.calls = [{**asdict(call), "at": call.at.isoformat()} for call in profile.calls]


def _removed(*, callers: int, turns: int) -> Removed:
    return Removed({UserMemoryRow.__tablename__: callers, ConversationTurnRow.__tablename__: turns})


async def _delete_turns(session: AsyncSession, which: ColumnElement[bool]) -> int:
    """Delete turns and count them; what the transaction deletes later is overwritten too."""
    if session.get_bind().dialect.name == "sqlite":
        # SQLite would leave the text in the file until the page is used again.
        await session.execute(text("PRAGMA secure_delete = ON"))
    query = select(func.count()).select_from(ConversationTurnRow).where(which)
    count = await session.scalar(query) or 0
    await session.execute(delete(ConversationTurnRow).where(which))
    return count


def _profile(row: UserMemoryRow) -> CallerProfile:
    return CallerProfile(
        consent=Consent(row.consent_granted, ConsentSource(row.consent_source), row.consent_at),
        name=row.name,
        name_verified=row.name_verified,
        tier=row.tier,
        language=row.language,
        preferences=tuple(map(str, row.preferences)),
        calls=tuple(_call(values) for values in row.calls),
    )


def _call(values: dict[str, Any]) -> PastCall:
    return PastCall(**{**values, "at": datetime.fromisoformat(values["at"])})


def _turn_row(key: str, turn: RememberedTurn) -> ConversationTurnRow:
    return ConversationTurnRow(
        caller_key=key,
        call_id=turn.call_id,
        turn=turn.turn,
        at=turn.at,
        caller_text=turn.caller,
        agent_text=turn.agent,
    )


def _turn(row: ConversationTurnRow) -> RememberedTurn:
    return RememberedTurn(row.call_id, row.turn, row.at, row.caller_text, row.agent_text)
