"""By whose calendar a series leaves out holidays: that of the site at which it is held."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("series", sa.Column("site_id", sa.String(length=16), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("series", "site_id")
