"""What the catalogue knows beside names: features, photos, the clock of a site, and why a booking is outside the rules."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("site", sa.Column("zone", sa.String(length=64), nullable=True))
    op.add_column("resource", sa.Column("features", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("resource", sa.Column("room_kind", sa.String(length=20), nullable=False, server_default=""))
    op.add_column("resource", sa.Column("photo", sa.String(length=80), nullable=False, server_default=""))
    op.execute("UPDATE resource SET room_kind = (SELECT kind FROM room WHERE room.id = resource.id) WHERE kind = 'room'")
    op.add_column("calendar_day", sa.Column("works_like", sa.Integer(), nullable=True))
    op.add_column("booking", sa.Column("override_reason", sa.String(length=200), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("booking", "override_reason")
    op.drop_column("calendar_day", "works_like")
    for column in ("photo", "room_kind", "features"):
        op.drop_column("resource", column)
    op.drop_column("site", "zone")
