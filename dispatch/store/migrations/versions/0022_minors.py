"""Who of a sitting is a minor, and who must not see or hear whom in one that waits for a time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("participant", sa.Column("minor", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("waiting", sa.Column("apart", sa.JSON(), nullable=False, server_default="[]"))


def downgrade() -> None:
    op.drop_column("waiting", "apart")
    op.drop_column("participant", "minor")
