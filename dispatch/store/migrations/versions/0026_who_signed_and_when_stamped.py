"""Who signed a recording's manifest, when an authority stamped it, and when it is asked again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("recording", sa.Column("signed_by", sa.String(length=200), nullable=False, server_default=""))
    op.add_column("recording", sa.Column("stamped_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("recording", sa.Column("stamp_by", sa.String(length=200), nullable=False, server_default=""))
    op.add_column("recording", sa.Column("stamp_next_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("recording", sa.Column("stamp_attempts", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("recording", sa.Column("stamp_error", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    for name in ("stamp_error", "stamp_attempts", "stamp_next_at", "stamp_by", "stamped_at", "signed_by"):
        op.drop_column("recording", name)
