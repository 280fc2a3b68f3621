"""Who asked for a week's list, what was noted on it, whether it is to stop, and what was answered to those who confirmed it; and what
people are told of bookings that they asked for and take no part in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("listing", sa.Column("asked_by", sa.String(length=16), nullable=False, server_default=""))
    op.add_column("listing", sa.Column("note", sa.String(length=200), nullable=False, server_default=""))
    op.add_column("listing", sa.Column("stop_wanted", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("listing", sa.Column("confirmed", sa.JSON(), nullable=False, server_default="{}"))
    op.execute("UPDATE listing SET asked_by = created_by WHERE created_by IS NOT NULL")
    op.create_table(
        "asker_message",
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("sitting_id", sa.String(length=16), nullable=False),
        sa.Column("user_id", sa.String(length=16), nullable=False),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("good_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(length=32), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(length=400), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["sitting_id"], ["sitting.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("asker_message_due", "asker_message", ["state", "next_at"])
    op.create_index(op.f("ix_asker_message_sitting_id"), "asker_message", ["sitting_id"])


def downgrade() -> None:
    op.drop_table("asker_message")
    for name in ("confirmed", "stop_wanted", "note", "asked_by"):
        op.drop_column("listing", name)
