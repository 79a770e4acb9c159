"""Calls and their events."""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: Final = "0002"
down_revision: Final[str | None] = "0001"
branch_labels: Final = None
depends_on: Final = None

_JSON: Final = sa.JSON().with_variant(JSONB(), "postgresql")
_TABLES: Final = ("calls", "call_events")


def upgrade() -> None:
    """Make the tables."""
    _calls()
    _call_events()


def downgrade() -> None:
    """Drop the tables, children first."""
    for table in reversed(_TABLES):
        op.drop_table(table)


def _calls() -> None:
    op.create_table(
        "calls",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("direction", sa.String(length=20), nullable=False),
        sa.Column("caller", sa.String(length=200), nullable=False),
        sa.Column("callee", sa.String(length=200), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("duration", sa.Float(), nullable=True),
        sa.Column("disposition", sa.String(length=30), nullable=True),
        sa.Column("turns", sa.Integer(), nullable=False),
        sa.Column("engines", _JSON, nullable=False),
        sa.Column("attributes", _JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_calls"),
    )
    op.create_index("ix_calls_channel", "calls", ["channel"], unique=False)
    op.create_index("ix_calls_disposition", "calls", ["disposition"], unique=False)
    op.create_index("ix_calls_newest", "calls", ["started_at", "id"], unique=False)


def _call_events() -> None:
    op.create_table(
        "call_events",
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("data", _JSON, nullable=False),
        sa.ForeignKeyConstraint(
            ["call_id"], ["calls.id"], name="fk_call_events_call_id_calls", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("call_id", "seq", name="pk_call_events"),
    )
