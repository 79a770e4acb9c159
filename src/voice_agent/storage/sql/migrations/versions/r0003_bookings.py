"""Appointments know when they end, who booked them and when they changed; departments, holidays."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0003"
down_revision: Final[str | None] = "0002"
branch_labels: Final = None
depends_on: Final = None

_MOMENT: Final = sa.DateTime(timezone=True)
_NO_OVERLAP: Final = "ex_appointments_booked_overlap"
_ENDS: Final = {
    "sqlite": "strftime('%Y-%m-%d %H:%M:%f', starts_at, '+' || minutes || ' minutes') || '000'",
    "postgresql": "starts_at + minutes * interval '1 minute'",
}


def upgrade() -> None:
    """Add the columns, fill them, and forbid overlaps where the database can."""
    op.add_column(
        "departments",
        sa.Column("observes_holidays", sa.Boolean(), nullable=False, server_default=sa.true()),
    )
    op.add_column("appointments", sa.Column("ends_at", _MOMENT, nullable=True))
    op.add_column("appointments", sa.Column("changed_at", _MOMENT, nullable=True))
    op.add_column(
        "appointments",
        sa.Column("call_id", sa.String(length=64), nullable=False, server_default=""),
    )
    dialect = op.get_bind().dialect.name
    op.execute(f"UPDATE appointments SET ends_at = {_ENDS[dialect]}, changed_at = created_at")  # noqa: S608 - our own text
    with op.batch_alter_table("appointments", copy_from=_appointments()) as table:
        table.alter_column("ends_at", existing_type=_MOMENT, nullable=False)
        table.alter_column("changed_at", existing_type=_MOMENT, nullable=False)
        table.create_check_constraint(op.f("ck_appointments_end"), "ends_at > starts_at")
    if dialect == "postgresql":
        op.execute(
            f"ALTER TABLE appointments ADD CONSTRAINT {_NO_OVERLAP} EXCLUDE USING gist "
            "(tstzrange(starts_at, ends_at) WITH &&) WHERE (status = 'booked')"
        )


def downgrade() -> None:
    """Take the columns away."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"ALTER TABLE appointments DROP CONSTRAINT {_NO_OVERLAP}")
    with op.batch_alter_table("appointments", copy_from=_appointments(ended=True)) as table:
        table.drop_constraint(op.f("ck_appointments_end"), type_="check")
        for column in ("ends_at", "changed_at", "call_id"):
            table.drop_column(column)
    op.drop_column("departments", "observes_holidays")


def _appointments(*, ended: bool = False) -> sa.Table:
    """The table as it stands, checks included: SQLite has to make it anew and forgets them."""
    booked = sa.text("status = 'booked'")
    table = sa.Table(
        "appointments",
        sa.MetaData(),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("confirmation_number", sa.String(length=20), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("starts_at", _MOMENT, nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("ends_at", _MOMENT, nullable=not ended),
        sa.Column("changed_at", _MOMENT, nullable=not ended),
        sa.Column("call_id", sa.String(length=64), nullable=False, server_default=""),
        sa.CheckConstraint("status in ('booked', 'cancelled')", name="ck_appointments_status"),
        sa.CheckConstraint("minutes > 0", name="ck_appointments_minutes"),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customers.id"],
            name="fk_appointments_customer_id_customers",
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_appointments"),
        sa.UniqueConstraint("confirmation_number", name="uq_appointments_confirmation_number"),
        sa.Index("ix_appointments_customer_id", "customer_id"),
        sa.Index(
            "uq_appointments_booked_slot",
            "starts_at",
            unique=True,
            sqlite_where=booked,
            postgresql_where=booked,
        ),
    )
    if ended:
        table.append_constraint(
            sa.CheckConstraint("ends_at > starts_at", name="ck_appointments_end")
        )
    return table
