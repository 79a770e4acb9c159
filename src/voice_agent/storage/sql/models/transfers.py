"""The queue of callers who wait for a person."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from voice_agent.storage.sql.models.base import Base

_OPEN = text("closed_at is null")


class TransferRow(Base):
    """A caller waits until `closed_at` is set; a call waits in one queue at a time."""

    __tablename__ = "transfers"
    __table_args__ = (
        Index(
            "uq_transfers_open_call",
            "call_id",
            unique=True,
            sqlite_where=_OPEN,
            postgresql_where=_OPEN,
        ),
        Index("ix_transfers_queue", "department_id", "closed_at", "queued_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    call_id: Mapped[str] = mapped_column(String(64))
    department_id: Mapped[int] = mapped_column(ForeignKey("departments.id", ondelete="CASCADE"))
    reason: Mapped[str] = mapped_column(Text, default="")
    queued_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    outcome: Mapped[str] = mapped_column(String(30), default="")
