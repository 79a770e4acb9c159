"""Which sample data this database was filled with."""

from datetime import date, datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from voice_agent.storage.sql.models.base import Base


class SeedRow(Base):
    """A sample data set that was put in, and the day its dates are relative to."""

    __tablename__ = "seeds"

    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    today: Mapped[date]
    seeded_at: Mapped[datetime]
