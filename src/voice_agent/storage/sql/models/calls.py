"""Calls and the ordered events that happened in them."""

from datetime import datetime
from typing import Any

from sqlalchemy import Float, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from voice_agent.storage.sql.models.base import Base


class CallRow(Base):
    """A call; `ended_at` and `disposition` are empty while it lasts."""

    __tablename__ = "calls"
    __table_args__ = (Index("ix_calls_newest", "started_at", "id"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    channel: Mapped[str] = mapped_column(String(20), index=True)
    direction: Mapped[str] = mapped_column(String(20))
    caller: Mapped[str] = mapped_column(String(200), default="")
    callee: Mapped[str] = mapped_column(String(200), default="")
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    duration: Mapped[float | None] = mapped_column(Float())
    disposition: Mapped[str | None] = mapped_column(String(30), index=True)
    turns: Mapped[int] = mapped_column(default=0)
    engines: Mapped[dict[str, Any]]
    attributes: Mapped[dict[str, Any]]


class CallEventRow(Base):
    """One thing that happened; `at` is seconds since the call started."""

    __tablename__ = "call_events"

    call_id: Mapped[str] = mapped_column(
        ForeignKey("calls.id", ondelete="CASCADE"), primary_key=True
    )
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[float] = mapped_column(Float())
    turn: Mapped[int]
    kind: Mapped[str] = mapped_column(String(40))
    data: Mapped[dict[str, Any]]
