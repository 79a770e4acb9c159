"""What the documents did not answer."""

from datetime import datetime

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from voice_agent.storage.sql.models.base import Base


class UnansweredQuestionRow(Base):
    """A caller's question that no document answered."""

    __tablename__ = "unanswered_questions"
    __table_args__ = (Index("ix_unanswered_questions_newest", "asked_at", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    question: Mapped[str] = mapped_column(Text)
    call_id: Mapped[str] = mapped_column(String(64), default="", index=True)
    turn: Mapped[int] = mapped_column(default=0)
    asked_at: Mapped[datetime]
