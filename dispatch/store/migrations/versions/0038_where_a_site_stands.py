"""Where a site stands on the map."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("site", sa.Column("latitude", sa.Double(), nullable=True))
    op.add_column("site", sa.Column("longitude", sa.Double(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("site") as table:
        table.drop_column("longitude")
        table.drop_column("latitude")
