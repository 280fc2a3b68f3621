"""People are told: their e-mail addresses, the messages, and the number of a sitting's calendar entry."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sitting", sa.Column("sequence", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("sitting", sa.Column("revised_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("user", sa.Column("email", sa.String(length=254), nullable=False, server_default=""))
    op.add_column("participant", sa.Column("email", sa.String(length=254), nullable=False, server_default=""))
    op.create_table(
        "message",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("channel", sa.String(length=8), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("sitting_id", sa.String(length=16), nullable=False),
        sa.Column("participant_id", sa.String(length=16), nullable=False),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("invitation_id", sa.String(length=16), nullable=True),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("newest", sa.Boolean(), nullable=False),
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
        sa.ForeignKeyConstraint(["participant_id"], ["participant.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("message_due", "message", ["channel", "state", "next_at"])
    op.create_index("message_listed", "message", ["created_at", "id"])
    op.create_index(op.f("ix_message_sitting_id"), "message", ["sitting_id"])
    op.create_index(op.f("ix_message_participant_id"), "message", ["participant_id"])


def downgrade() -> None:
    op.drop_table("message")
    op.drop_column("participant", "email")
    op.drop_column("user", "email")
    op.drop_column("sitting", "revised_at")
    op.drop_column("sitting", "sequence")
