"""Questions that no document answered, in SQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import delete, select

from voice_agent.storage.sql.database import Database
from voice_agent.storage.sql.models.knowledge import UnansweredQuestionRow

_LONGEST: Final = 500
"""Characters of a question that are kept."""


@dataclass(frozen=True, slots=True)
class UnansweredQuestion:
    """What was asked, where and when."""

    id: int
    question: str
    call_id: str
    turn: int
    asked_at: datetime


class SqlUnansweredQuestions:
    """Keeps and lists them; satisfies `UnansweredQuestions`."""

    def __init__(self, database: Database) -> None:
        """Read and write in `database`."""
        self._database = database

    async def note(self, question: str, call_id: str, turn: int, at: datetime) -> None:
        """Keep one question; nothing is kept of one without words."""
        words = " ".join(question.split())[:_LONGEST]
        if not words:
            return
        row = UnansweredQuestionRow(question=words, call_id=call_id, turn=turn, asked_at=at)
        async with self._database.write() as session:
            session.add(row)

    async def newest(self, limit: int = 100) -> Sequence[UnansweredQuestion]:
        """The latest, newest first."""
        query = (
            select(UnansweredQuestionRow)
            .order_by(UnansweredQuestionRow.asked_at.desc(), UnansweredQuestionRow.id.desc())
            .limit(limit)
        )
        async with self._database.read() as session:
            return [_question(row) for row in await session.scalars(query)]

    async def forget_call(self, call_id: str) -> None:
        """Delete what a call asked."""
        async with self._database.write() as session:
            await session.execute(
                delete(UnansweredQuestionRow).where(UnansweredQuestionRow.call_id == call_id)
            )


def _question(row: UnansweredQuestionRow) -> UnansweredQuestion:
    return UnansweredQuestion(row.id, row.question, row.call_id, row.turn, row.asked_at)
