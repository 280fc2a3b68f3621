"""Officers who are named to watch a sitting that not every officer may."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sitting", sa.Column("watcher_ids", sa.String(length=400), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("sitting", "watcher_ids")
