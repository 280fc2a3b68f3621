"""Who asked for a week's list, what was noted on it, whether it is to stop, and what was answered to those who confirmed it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("listing", sa.Column("asked_by", sa.String(length=16), nullable=False, server_default=""))
    op.add_column("listing", sa.Column("note", sa.String(length=200), nullable=False, server_default=""))
    op.add_column("listing", sa.Column("stop_wanted", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("listing", sa.Column("confirmed", sa.JSON(), nullable=False, server_default="{}"))
    op.execute("UPDATE listing SET asked_by = created_by WHERE created_by IS NOT NULL")


def downgrade() -> None:
    for name in ("confirmed", "stop_wanted", "note", "asked_by"):
        op.drop_column("listing", name)
