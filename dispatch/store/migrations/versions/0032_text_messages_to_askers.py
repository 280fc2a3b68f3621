"""Whoever asked for a booking may be told of it by text message too."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("asker_message", sa.Column("channel", sa.String(length=8), nullable=False, server_default="mail"))


def downgrade() -> None:
    op.drop_column("asker_message", "channel")
