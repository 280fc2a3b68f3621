"""Which server has a week's list under way, and until when it is taken to be alive."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("listing", sa.Column("owner", sa.String(length=16), nullable=False, server_default=""))
    op.add_column("listing", sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("listing", "leased_until")
    op.drop_column("listing", "owner")
