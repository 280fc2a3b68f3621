"""A sitting that broke off and waits to be booked anew, and since when its matter is known."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sitting", sa.Column("received_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("waiting", sa.Column("received_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("waiting", sa.Column("former_id", sa.String(length=16), nullable=True))
    op.create_index("waiting_former", "waiting", ["former_id"], unique=True)


def downgrade() -> None:
    op.drop_index("waiting_former", table_name="waiting")
    op.drop_column("waiting", "former_id")
    op.drop_column("waiting", "received_at")
    op.drop_column("sitting", "received_at")
