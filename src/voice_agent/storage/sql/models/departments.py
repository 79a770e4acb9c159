"""Departments, when they are open, and the days that are different."""

from datetime import date, time
from typing import Any

from sqlalchemy import CheckConstraint, Float, ForeignKey, String, true
from sqlalchemy.orm import Mapped, mapped_column, relationship

from voice_agent.storage.sql.models.base import Base


class BusinessHoursRow(Base):
    """Opening hours on one weekday (Monday is 0), local time; a day may have several."""

    __tablename__ = "business_hours"
    __table_args__ = (CheckConstraint("weekday between 0 and 6", name="weekday"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    department_id: Mapped[int] = mapped_column(
        ForeignKey("departments.id", ondelete="CASCADE"), index=True
    )
    weekday: Mapped[int]
    opens: Mapped[time]
    closes: Mapped[time]


class HolidayRow(Base):
    """A day with special hours, or closed when `opens` is null; no department means all."""

    __tablename__ = "holidays"
    __table_args__ = (CheckConstraint("(opens is null) = (closes is null)", name="hours"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    department_id: Mapped[int | None] = mapped_column(
        ForeignKey("departments.id", ondelete="CASCADE"), index=True
    )
    day: Mapped[date] = mapped_column(index=True)
    name: Mapped[str] = mapped_column(String(100))
    opens: Mapped[time | None]
    closes: Mapped[time | None]


class DepartmentRow(Base):
    """A department, its time zone (IANA name) and how fast its queue moves.

    One that does not observe holidays has its usual hours on them, except its own.
    """

    __tablename__ = "departments"
    __table_args__ = (
        CheckConstraint("agents > 0", name="agents"),
        CheckConstraint("handle_minutes > 0", name="handle_minutes"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(60), unique=True)
    title: Mapped[str] = mapped_column(String(100))
    aliases: Mapped[list[Any]]
    time_zone: Mapped[str] = mapped_column(String(60))
    time_zone_name: Mapped[str] = mapped_column(String(60))
    agents: Mapped[int] = mapped_column(default=1)
    handle_minutes: Mapped[float] = mapped_column(Float(), default=5.0)
    is_default: Mapped[bool] = mapped_column(default=False)
    observes_holidays: Mapped[bool] = mapped_column(default=True, server_default=true())

    hours: Mapped[list[BusinessHoursRow]] = relationship(
        order_by=(BusinessHoursRow.weekday, BusinessHoursRow.opens),
        cascade="all, delete-orphan",
        lazy="raise",
    )
