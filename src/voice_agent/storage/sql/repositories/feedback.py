"""What callers thought of it, in SQL."""

from datetime import datetime

from sqlalchemy import select

from voice_agent.storage.sql.database import Database
from voice_agent.storage.sql.models import FeedbackRow


class SqlFeedback:
    """Notes ratings."""

    def __init__(self, database: Database) -> None:
        """Write to `database`."""
        self._database = database

    async def note(self, call_id: str, rating: int, comment: str, at: datetime) -> int:
        """Keep a call's rating and give its number; a second one of a call replaces the first."""
        query = select(FeedbackRow).where(FeedbackRow.call_id == call_id).with_for_update()
        async with self._database.write() as session:
            row = (await session.scalars(query.limit(1))).first()
            if row is None:
                row = FeedbackRow(call_id=call_id)
                session.add(row)
            row.rating, row.comment, row.created_at = rating, comment, at
            await session.flush()
            return row.id
