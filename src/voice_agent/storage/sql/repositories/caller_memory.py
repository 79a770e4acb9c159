"""The memory of callers in SQL."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

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
                row = await _inserted(session, caller.key, profile.consent)
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
            removed = await _remove(session, UserMemoryRow.caller_key == caller.key)
            row = await _inserted(session, caller.key, refusal)
            row.consent_granted = False
        return removed

    async def forget(self, key: str) -> Removed:
        """Remove everything about a caller, a refusal included."""
        async with self._database.write() as session:
            return await _remove(session, UserMemoryRow.caller_key == key)

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
        async with self._database.write() as session:
            callers = await _remove(session, old)
            turns = await _delete_turns(session, ConversationTurnRow.at < turns_before)
        total = callers.rows[ConversationTurnRow.__tablename__] + turns
        return Removed({**callers.rows, ConversationTurnRow.__tablename__: total})


async def _locked(session: AsyncSession, key: str) -> UserMemoryRow | None:
    query = select(UserMemoryRow).where(UserMemoryRow.caller_key == key).with_for_update()
    return await session.scalar(query.execution_options(populate_existing=True))


async def _inserted(session: AsyncSession, key: str, consent: Consent) -> UserMemoryRow:
    """The caller's row, made if there is none, and locked."""
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
    if session.get_bind().dialect.name == "sqlite":
        await session.execute(sqlite.insert(UserMemoryRow).values(values).on_conflict_do_nothing())
    else:
        insert = postgresql.insert(UserMemoryRow).values(values)
        await session.execute(insert.on_conflict_do_nothing())
    row = await _locked(session, key)
    if row is None:
        raise StorageError("A caller's memory vanished while it was written.")
    return row


def _write(row: UserMemoryRow, caller: CallerId, profile: CallerProfile, learned: Learned) -> None:
    row.masked_number = caller.masked
    row.consent_granted = profile.consent.granted
    row.consent_source = profile.consent.source.value
    row.consent_at = profile.consent.at
    row.name, row.name_verified = profile.name, profile.name_verified
    row.tier, row.language = profile.tier, profile.language
    row.preferences = list(profile.preferences)
    row.calls = [{**asdict(call), "at": call.at.isoformat()} for call in profile.calls]
    row.first_call_at = row.first_call_at or learned.call.at
    row.last_call_at = max(row.last_call_at or learned.call.at, learned.call.at)


async def _remove(session: AsyncSession, which: ColumnElement[bool]) -> Removed:
    """Delete callers with their turns, and count both."""
    keys = select(UserMemoryRow.caller_key).where(which)
    turns = await _delete_turns(session, ConversationTurnRow.caller_key.in_(keys))
    count = await session.scalar(select(func.count()).select_from(UserMemoryRow).where(which))
    await session.execute(delete(UserMemoryRow).where(which))
    return Removed(
        {UserMemoryRow.__tablename__: count or 0, ConversationTurnRow.__tablename__: turns}
    )


async def _delete_turns(session: AsyncSession, which: ColumnElement[bool]) -> int:
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
