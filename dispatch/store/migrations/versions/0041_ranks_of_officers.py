"""Officers of the command centre have ranks; those who are there have the lowest, which may do what all of them could."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("user", sa.Column("rank", sa.String(length=8), nullable=False, server_default=""))
    op.execute(sa.text("UPDATE \"user\" SET rank = 'watch' WHERE role = 'officer'"))


def downgrade() -> None:
    op.drop_column("user", "rank")
