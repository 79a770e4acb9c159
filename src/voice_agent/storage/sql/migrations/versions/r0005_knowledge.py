"""Questions that no document answered."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0005"
down_revision: Final[str | None] = "0004"
branch_labels: Final = None
depends_on: Final = None

_TABLE: Final = "unanswered_questions"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        _TABLE,
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_unanswered_questions"),
    )
    op.create_index("ix_unanswered_questions_call_id", _TABLE, ["call_id"], unique=False)
    op.create_index("ix_unanswered_questions_newest", _TABLE, ["asked_at", "id"], unique=False)


def downgrade() -> None:
    """Drop the table."""
    op.drop_table(_TABLE)
