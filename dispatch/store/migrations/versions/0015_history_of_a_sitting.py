"""What the audit log has of one sitting is found by an index over its detail: a log of years is not read for the page of one sitting."""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    of_sitting = "(detail ->> 'sitting')" if op.get_bind().dialect.name == "postgresql" else "json_extract(detail, '$.sitting')"
    op.execute(f"CREATE INDEX audit_of_sitting ON audit ({of_sitting}, seq) WHERE {of_sitting} IS NOT NULL")


def downgrade() -> None:
    op.execute("DROP INDEX audit_of_sitting")
