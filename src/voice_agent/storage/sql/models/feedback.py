"""What callers thought of it."""

from datetime import datetime

from sqlalchemy import CheckConstraint, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from voice_agent.storage.sql.models.base import Base


class FeedbackRow(Base):
    """A rating from 1 to 5 and what was said with it."""

    __tablename__ = "feedback"
    __table_args__ = (CheckConstraint("rating between 1 and 5", name="rating"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    call_id: Mapped[str] = mapped_column(String(64), default="", index=True)
    rating: Mapped[int]
    comment: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime]
