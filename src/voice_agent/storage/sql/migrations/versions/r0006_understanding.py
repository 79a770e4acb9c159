"""Which tier understood a turn, and what might be learned from it."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0006"
down_revision: Final[str | None] = "0005"
branch_labels: Final = None
depends_on: Final = None

_TABLES: Final = ("nlu_ledger", "nlu_proposals")


def upgrade() -> None:
    """Make the tables."""
    _ledger()
    _proposals()


def downgrade() -> None:
    """Drop the tables."""
    for table in reversed(_TABLES):
        op.drop_table(table)


def _ledger() -> None:
    op.create_table(
        "nlu_ledger",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tier", sa.String(length=30), nullable=False),
        sa.Column("intent", sa.String(length=40), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("ms", sa.Float(), nullable=False),
        sa.Column("cost_usd", sa.Float(), nullable=True),
        sa.Column("would_have_cost", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_nlu_ledger"),
    )
    op.create_index("ix_nlu_ledger_turn", "nlu_ledger", ["call_id", "turn"], unique=False)
    op.create_index("ix_nlu_ledger_newest", "nlu_ledger", ["at", "id"], unique=False)


def _proposals() -> None:
    op.create_table(
        "nlu_proposals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("language", sa.String(length=10), nullable=False),
        sa.Column("intent", sa.String(length=40), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("seen", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status in ('proposed', 'accepted', 'rejected', 'trained')",
            name="ck_nlu_proposals_status",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_nlu_proposals"),
        sa.UniqueConstraint("digest", name="uq_nlu_proposals_digest"),
    )
    op.create_index("ix_nlu_proposals_status", "nlu_proposals", ["status", "id"], unique=False)
