"""The words to which participants consented, each text once, so that the log of a sitting can have them when it opens."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "agreed_words",
        sa.Column("sha256", sa.String(length=64), primary_key=True),
        sa.Column("text", sa.Text(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("agreed_words")
