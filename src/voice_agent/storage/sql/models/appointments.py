"""Appointments; two booked ones never share a slot."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from voice_agent.storage.sql.models.base import Base

_BOOKED = text("status = 'booked'")


class AppointmentRow(Base):
    """An appointment; a cancelled one keeps its number and frees its slot.

    `call_id` is the call that booked it; `changed_at` when it was last booked, moved or
    cancelled. On PostgreSQL a constraint of the migration forbids overlaps, too.
    """

    __tablename__ = "appointments"
    __table_args__ = (
        CheckConstraint("status in ('booked', 'cancelled')", name="status"),
        CheckConstraint("minutes > 0", name="minutes"),
        CheckConstraint("ends_at > starts_at", name="end"),
        Index(
            "uq_appointments_booked_slot",
            "starts_at",
            unique=True,
            sqlite_where=_BOOKED,
            postgresql_where=_BOOKED,
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    confirmation_number: Mapped[str] = mapped_column(String(20), unique=True)
    customer_id: Mapped[int | None] = mapped_column(
        ForeignKey("customers.id", ondelete="SET NULL"), index=True
    )
    name: Mapped[str] = mapped_column(String(200))
    purpose: Mapped[str] = mapped_column(Text, default="")
    starts_at: Mapped[datetime]
    minutes: Mapped[int] = mapped_column(default=30)
    status: Mapped[str] = mapped_column(String(20), default="booked")
    created_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    call_id: Mapped[str] = mapped_column(String(64), default="", server_default="")
