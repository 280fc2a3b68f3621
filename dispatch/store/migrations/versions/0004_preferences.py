"""Theme and text size of each member of the staff."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("user", sa.Column("theme", sa.String(length=8), nullable=False, server_default="light"))
    op.add_column("user", sa.Column("text", sa.String(length=8), nullable=False, server_default="normal"))


def downgrade() -> None:
    op.drop_column("user", "text")
    op.drop_column("user", "theme")
