"""Calendar entries have a number that each change raises."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sitting", sa.Column("sequence", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("sitting", sa.Column("revised_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("user", sa.Column("email", sa.String(length=254), nullable=False, server_default=""))
    op.add_column("participant", sa.Column("email", sa.String(length=254), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("participant", "email")
    op.drop_column("user", "email")
    op.drop_column("sitting", "revised_at")
    op.drop_column("sitting", "sequence")
