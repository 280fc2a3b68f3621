"""Who presides is said of the person, not by one role of one kind; whose guardian somebody is, and who must not see or hear whom."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

RAISE = (
    "UPDATE resource SET revision = revision + 1 WHERE id IN (SELECT hold.resource_id FROM hold JOIN booking ON"
    " booking.id = hold.booking_id WHERE booking.sitting_id = NEW.sitting_id);"
)
FORMER = (("name", "role", "removed_at"), "(OLD.role = 'judge' OR NEW.role = 'judge')", "NEW.role = 'judge'")
LATTER = (("name", "presides", "removed_at"), "(OLD.presides OR NEW.presides)", "NEW.presides")
"""Columns that are shown, whose change counts, who counts when he joins (migration 0012)."""


def upgrade() -> None:
    _drop()
    # Added, not made anew: SQLite would drop the triggers of a table that is copied.
    op.add_column("participant", sa.Column("presides", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("participant", sa.Column("guards_id", sa.String(length=16), nullable=False, server_default=""))
    op.execute("UPDATE participant SET presides = (role = 'judge')")
    op.create_table(
        "sitting_apart",
        sa.Column("sitting_id", sa.String(length=16), nullable=False),
        sa.Column("one_id", sa.String(length=16), nullable=False),
        sa.Column("other_id", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(["sitting_id"], ["sitting.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["one_id"], ["participant.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["other_id"], ["participant.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("sitting_id", "one_id", "other_id"),
    )
    _make(*LATTER)


def downgrade() -> None:
    _drop()
    op.drop_table("sitting_apart")
    op.drop_column("participant", "guards_id")
    op.drop_column("participant", "presides")
    _make(*FORMER)


def _make(columns: tuple[str, ...], counts: str, joins: str) -> None:
    on_postgresql = op.get_bind().dialect.name == "postgresql"
    differs = "IS DISTINCT FROM" if on_postgresql else "IS NOT"
    changed = " OR ".join(f"OLD.{column} {differs} NEW.{column}" for column in columns)
    for name, after, when in (
        ("participant_shown", f"UPDATE OF {', '.join(columns)}", f"{counts} AND ({changed})"),
        ("participant_joins", "INSERT", joins),
    ):
        if on_postgresql:
            op.execute(sa.text(f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {RAISE} RETURN NULL; END $$"))
            op.execute(sa.text(f"CREATE TRIGGER {name} AFTER {after} ON participant FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION {name}()"))
        else:
            op.execute(sa.text(f"CREATE TRIGGER {name} AFTER {after} ON participant FOR EACH ROW WHEN {when} BEGIN {RAISE} END"))


def _drop() -> None:
    on_postgresql = op.get_bind().dialect.name == "postgresql"
    for name in ("participant_shown", "participant_joins"):
        op.execute(f"DROP TRIGGER {name} ON participant" if on_postgresql else f"DROP TRIGGER {name}")
        if on_postgresql:
            op.execute(f"DROP FUNCTION {name}()")
