"""What is remembered of callers, and their turns."""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: Final = "0004"
down_revision: Final[str | None] = "0003"
branch_labels: Final = None
depends_on: Final = None

_JSON: Final = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    """Make the tables."""
    _user_memory()
    _conversation_turns()


def downgrade() -> None:
    """Drop the tables, children first."""
    op.drop_table("conversation_turns")
    op.drop_table("user_memory")


def _user_memory() -> None:
    op.create_table(
        "user_memory",
        sa.Column("caller_key", sa.String(length=64), nullable=False),
        sa.Column("masked_number", sa.String(length=40), nullable=False),
        sa.Column("consent_granted", sa.Boolean(), nullable=False),
        sa.Column("consent_source", sa.String(length=20), nullable=False),
        sa.Column("consent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("name_verified", sa.Boolean(), nullable=False),
        sa.Column("tier", sa.String(length=20), nullable=False),
        sa.Column("language", sa.String(length=20), nullable=False),
        sa.Column("preferences", _JSON, nullable=False),
        sa.Column("calls", _JSON, nullable=False),
        sa.Column("first_call_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_call_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("caller_key", name="pk_user_memory"),
    )
    op.create_index("ix_user_memory_last_call_at", "user_memory", ["last_call_at"], unique=False)


def _conversation_turns() -> None:
    op.create_table(
        "conversation_turns",
        sa.Column("caller_key", sa.String(length=64), nullable=False),
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("turn", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("caller_text", sa.Text(), nullable=False),
        sa.Column("agent_text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["caller_key"],
            ["user_memory.caller_key"],
            name="fk_conversation_turns_caller_key_user_memory",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("caller_key", "call_id", "turn", name="pk_conversation_turns"),
    )
    op.create_index("ix_conversation_turns_at", "conversation_turns", ["at"], unique=False)
