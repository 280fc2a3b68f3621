"""Sittings that repeat: a series, and in each of its sittings which of them it is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "series",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("rule", sa.String(length=500), nullable=False),
        sa.Column("starts", sa.String(length=16), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("skip_holidays", sa.Boolean(), nullable=False),
        sa.Column("created_by", sa.String(length=16), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["user.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    # Both databases take a column with its reference in one statement; alembic would make it two, of which SQLite takes one.
    op.execute("ALTER TABLE sitting ADD COLUMN series_id VARCHAR(16) REFERENCES series (id)")
    op.add_column("sitting", sa.Column("occurrence", sa.String(length=16), server_default="", nullable=False))
    op.create_index("sitting_of_series", "sitting", ["series_id", "occurrence"])


def downgrade() -> None:
    op.drop_index("sitting_of_series", "sitting")
    # Not by a new table in place of the old one, as alembic would: the triggers would go with the old one.
    op.drop_column("sitting", "occurrence")
    op.drop_column("sitting", "series_id")
    op.drop_table("series")
