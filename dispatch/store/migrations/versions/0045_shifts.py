"""Shifts of the command centre: who is on, who has which sitting in charge, and the shift log."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None

_ON = sa.text("left_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "duty",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("officer_id", sa.String(length=16), nullable=False),
        sa.Column("came_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["officer_id"], ["user.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("duty_on", "duty", ["officer_id"], unique=True, sqlite_where=_ON, postgresql_where=_ON)
    op.create_table(
        "in_charge",
        sa.Column("sitting_id", sa.String(length=16), nullable=False),
        sa.Column("officer_id", sa.String(length=16), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["sitting_id"], ["sitting.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["officer_id"], ["user.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("sitting_id"),
    )
    op.create_index("ix_in_charge_officer_id", "in_charge", ["officer_id"])
    op.create_table(
        "shift_entry",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("act", sa.String(length=8), nullable=False),
        sa.Column("by_id", sa.String(length=16), nullable=False),
        sa.Column("by_name", sa.String(length=80), nullable=False),
        sa.Column("to_name", sa.String(length=80), nullable=False),
        sa.Column("from_name", sa.String(length=80), nullable=False),
        sa.Column("sitting", sa.String(length=16), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_shift_entry_at", "shift_entry", ["at"])


def downgrade() -> None:
    op.drop_table("shift_entry")
    op.drop_table("in_charge")
    op.drop_table("duty")
