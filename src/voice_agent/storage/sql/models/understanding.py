"""Which tier understood a turn, and what might be learned from it."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Float, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from voice_agent.storage.sql.models.base import Base


class NluLedgerRow(Base):
    """One turn: who understood it, how surely, how fast (ms) and for how much (USD).

    `would_have_cost` is what the language model's tier would have been paid for it.
    """

    __tablename__ = "nlu_ledger"
    __table_args__ = (
        Index("ix_nlu_ledger_turn", "call_id", "turn"),
        Index("ix_nlu_ledger_newest", "at", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    call_id: Mapped[str] = mapped_column(String(64))
    turn: Mapped[int]
    at: Mapped[datetime]
    tier: Mapped[str] = mapped_column(String(30))
    intent: Mapped[str] = mapped_column(String(40))
    confidence: Mapped[float] = mapped_column(Float())
    ms: Mapped[float] = mapped_column(Float())
    cost_usd: Mapped[float | None] = mapped_column(Float())
    would_have_cost: Mapped[float | None] = mapped_column(Float())


class NluProposalRow(Base):
    """An utterance that only the language model understood, without personal values."""

    __tablename__ = "nlu_proposals"
    __table_args__ = (
        CheckConstraint("status in ('proposed', 'accepted', 'rejected', 'trained')", name="status"),
        Index("ix_nlu_proposals_status", "status", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    language: Mapped[str] = mapped_column(String(10))
    intent: Mapped[str] = mapped_column(String(40))
    confidence: Mapped[float] = mapped_column(Float())
    seen: Mapped[int] = mapped_column(default=1)
    status: Mapped[str] = mapped_column(String(10), default="proposed")
    proposed_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
