"""Recordings that are put away, and how they were when they were looked at again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("stored_at", "looked_at", "spoilt_at"):
        op.add_column("recording", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.add_column("recording", sa.Column("spoilt", sa.JSON(), nullable=False, server_default="[]"))
    op.create_index(op.f("ix_recording_looked_at"), "recording", ["looked_at"])


def downgrade() -> None:
    op.drop_index(op.f("ix_recording_looked_at"), "recording")
    for name in ("spoilt", "spoilt_at", "looked_at", "stored_at"):
        op.drop_column("recording", name)
