"""Destructions are numbered by the year in which they were proposed; those there are get theirs in their order, by the year in UTC."""

from __future__ import annotations

from collections import Counter

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("year", "running"):
        op.add_column("destruction", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
    table = sa.table("destruction", *(sa.column(name) for name in ("id", "year", "running")), sa.column("proposed_at", sa.DateTime))
    bind, last = op.get_bind(), Counter[int]()
    for row in bind.execute(sa.select(table.c.id, table.c.proposed_at).order_by(table.c.proposed_at, table.c.id)).all():
        year = row.proposed_at.year
        last[year] += 1
        bind.execute(table.update().where(table.c.id == row.id).values(year=year, running=last[year]))


def downgrade() -> None:
    op.drop_column("destruction", "running")
    op.drop_column("destruction", "year")
