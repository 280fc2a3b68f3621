"""A sitting may have several jobs of one kind, each about something else."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

UNNAMED = {"uq": "%(table_name)s_%(column_0_N_name)s_key"}
"""What PostgreSQL calls a constraint that was given no name. SQLite leaves it without one, and the step names it alike."""


def upgrade() -> None:
    op.add_column("job", sa.Column("subject", sa.String(length=32), nullable=False, server_default=""))
    with op.batch_alter_table("job", naming_convention=UNNAMED) as job:
        job.drop_constraint("job_kind_sitting_id_key", type_="unique")
        job.create_unique_constraint("job_of_subject", ["kind", "sitting_id", "subject"])


def downgrade() -> None:
    with op.batch_alter_table("job") as job:
        job.drop_constraint("job_of_subject", type_="unique")
        job.create_unique_constraint("job_kind_sitting_id_key", ["kind", "sitting_id"])
        job.drop_column("subject")
