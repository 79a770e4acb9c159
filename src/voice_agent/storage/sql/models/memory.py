"""What is remembered of callers. Nobody can be found here without the key of the look-up hash."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from voice_agent.storage.sql.models.base import Base


class UserMemoryRow(Base):
    """A caller; a refused consent stands alone, without number, name or calls."""

    __tablename__ = "user_memory"

    caller_key: Mapped[str] = mapped_column(String(64), primary_key=True)
    masked_number: Mapped[str] = mapped_column(String(40), default="")
    consent_granted: Mapped[bool]
    consent_source: Mapped[str] = mapped_column(String(20))
    consent_at: Mapped[datetime]
    name: Mapped[str] = mapped_column(String(80), default="")
    name_verified: Mapped[bool] = mapped_column(default=False)
    tier: Mapped[str] = mapped_column(String(20), default="")
    language: Mapped[str] = mapped_column(String(20), default="")
    preferences: Mapped[list[Any]]
    calls: Mapped[list[Any]]
    first_call_at: Mapped[datetime | None]
    last_call_at: Mapped[datetime | None] = mapped_column(index=True)


class ConversationTurnRow(Base):
    """One exchange of a remembered caller's call, as said and heard, without numbers."""

    __tablename__ = "conversation_turns"

    caller_key: Mapped[str] = mapped_column(
        ForeignKey("user_memory.caller_key", ondelete="CASCADE"), primary_key=True
    )
    call_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    turn: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(index=True)
    caller_text: Mapped[str] = mapped_column(Text())
    agent_text: Mapped[str] = mapped_column(Text())
