"""The people the business knows."""

from datetime import date

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from voice_agent.storage.sql.models.base import Base


class CustomerRow(Base):
    """A customer; phone in E.164, email in lower case, post code verifies the caller."""

    __tablename__ = "customers"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    phone: Mapped[str | None] = mapped_column(String(20), unique=True)
    email: Mapped[str | None] = mapped_column(String(254), unique=True)
    post_code: Mapped[str] = mapped_column(String(20), default="")
    tier: Mapped[str] = mapped_column(String(20), default="standard")
    since: Mapped[date]
