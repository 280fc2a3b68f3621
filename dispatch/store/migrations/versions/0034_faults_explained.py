"""Faults of a recording ask whoever presided for a written explanation that he signs; a job says from where it went on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "explanation",
        sa.Column("sitting_id", sa.String(length=16), sa.ForeignKey("recording.sitting_id", ondelete="CASCADE"), primary_key=True),
        sa.Column("faults", sa.Integer(), nullable=False),
        sa.Column("asked_at", _AT, nullable=False),
        sa.Column("signed_at", _AT, nullable=True),
        sa.Column("signed_by", sa.String(length=80), nullable=False, server_default=""),
        sa.Column("statement", sa.Text(), nullable=False, server_default=""),
    )
    op.add_column("job", sa.Column("went_on_from", sa.Double(), nullable=True))


def downgrade() -> None:
    op.drop_column("job", "went_on_from")
    op.drop_table("explanation")
