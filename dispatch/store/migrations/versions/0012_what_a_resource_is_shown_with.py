"""A resource's revision goes up as well when what its row on a page shows of a sitting is another: title, status, who presides.

Triggers, so that whoever changes it, by whatever statement, need not think of it: pages keep rows by the revision.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

RAISE = (
    "UPDATE resource SET revision = revision + 1 WHERE id IN (SELECT hold.resource_id FROM hold JOIN booking ON"
    " booking.id = hold.booking_id WHERE {which});"
)
OF_SITTING, OF_BOOKING, OF_PERSON = (
    f"booking.{column}" for column in ("sitting_id = NEW.id", "id = NEW.id", "sitting_id = NEW.sitting_id")
)
CHANGES = {
    "sitting": (("kind", "title", "case_id", "status", "closed_at"), "", OF_SITTING),
    "booking": (("state", "starts_at", "ends_at"), "", OF_BOOKING),
    "participant": (("name", "role", "removed_at"), "(OLD.role = 'judge' OR NEW.role = 'judge') AND ", OF_PERSON),
}
"""Table → columns that are shown, a condition besides, whose holds are meant."""


def upgrade() -> None:
    on_postgresql = op.get_bind().dialect.name == "postgresql"
    for table, (columns, condition, which) in CHANGES.items():
        differs = "IS DISTINCT FROM" if on_postgresql else "IS NOT"
        changed = " OR ".join(f"OLD.{column} {differs} NEW.{column}" for column in columns)
        _make(f"{table}_shown", table, f"UPDATE OF {', '.join(columns)}", f"{condition}({changed})", which, on_postgresql)
    _make("participant_joins", "participant", "INSERT", "NEW.role = 'judge'", OF_PERSON, on_postgresql)


def _make(name: str, table: str, after: str, when: str, which: str, on_postgresql: bool) -> None:
    act = RAISE.format(which=which)
    if on_postgresql:
        op.execute(sa.text(f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {act} RETURN NULL; END $$"))
        op.execute(sa.text(f"CREATE TRIGGER {name} AFTER {after} ON {table} FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION {name}()"))
    else:
        op.execute(sa.text(f"CREATE TRIGGER {name} AFTER {after} ON {table} FOR EACH ROW WHEN {when} BEGIN {act} END"))


def downgrade() -> None:
    on_postgresql = op.get_bind().dialect.name == "postgresql"
    for table, name in (*((table, f"{table}_shown") for table in CHANGES), ("participant", "participant_joins")):
        op.execute(f"DROP TRIGGER {name} ON {table}" if on_postgresql else f"DROP TRIGGER {name}")
        if on_postgresql:
            op.execute(f"DROP FUNCTION {name}()")
