"""Sites and resources; a booking is the span of a sitting, and holds one resource or many for it.

No two active holds of a resource overlap: an exclusion constraint on PostgreSQL, a trigger on SQLite, which has none.
"""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

OVERLAPPING = """
AND EXISTS (
    SELECT 1 FROM hold
    WHERE resource_id = NEW.resource_id AND active AND id <> NEW.id AND starts_at < NEW.ends_at AND ends_at > NEW.starts_at
    AND starts_at > datetime(NEW.starts_at, '-2 days', '-1 second')
)
BEGIN SELECT RAISE(ABORT, 'the resource is held by another booking then'); END
"""


def upgrade() -> None:
    connection = op.get_bind()
    _make_tables()
    connection.execute(sa.text("INSERT INTO resource (id, kind, name, name_en, site_id, position, active, before_minutes, after_minutes,"
        " needs_approval, revision) SELECT id, 'person', name, '', NULL, 0, active, 0, 0, :no, 1 FROM \"user\"").bindparams(
            sa.bindparam("no", False, sa.Boolean())))  # fmt: skip
    _move_sites(connection)
    connection.execute(sa.text("INSERT INTO resource (id, kind, name, name_en, site_id, position, active, before_minutes, after_minutes,"
        " needs_approval, revision) SELECT id, 'room', name, name_en, site_id, position, active, 0, 0, :no, 1 FROM room").bindparams(
            sa.bindparam("no", False, sa.Boolean())))  # fmt: skip
    _move_bookings(connection)
    _forbid_overlaps(connection.dialect.name)


def _make_tables() -> None:
    op.create_table(
        "site",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("name_en", sa.String(length=80), nullable=False),
        sa.Column("address", sa.String(length=200), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("hours", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "resource",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("name_en", sa.String(length=80), nullable=False),
        sa.Column("site_id", sa.String(length=16), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("before_minutes", sa.Integer(), nullable=False),
        sa.Column("after_minutes", sa.Integer(), nullable=False),
        sa.Column("hours", sa.JSON(), nullable=True),
        sa.Column("needs_approval", sa.Boolean(), nullable=False),
        sa.Column("booked_by", sa.JSON(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_resource_kind", "resource", ["kind"])
    op.create_index("ix_resource_site_id", "resource", ["site_id"])
    op.create_table(
        "closure",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("resource_id", sa.String(length=16), nullable=True),
        sa.Column("site_id", sa.String(length=16), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["resource_id"], ["resource.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], ondelete="CASCADE"),
        sa.CheckConstraint("(resource_id IS NULL) <> (site_id IS NULL)", name="closure_of_one"),
        sa.CheckConstraint("starts_at < ends_at", name="closure_span"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_closure_resource_id", "closure", ["resource_id"])
    op.create_index("ix_closure_site_id", "closure", ["site_id"])
    op.create_table(
        "calendar_day",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("day"),
    )


def _move_sites(connection: sa.Connection) -> None:
    """What rooms had as a text becomes a row that they refer to."""
    names = connection.execute(sa.text("SELECT site FROM room WHERE site <> '' GROUP BY site ORDER BY min(position), site")).scalars().all()
    site = sa.table(
        "site",
        *(sa.column(name) for name in ("id", "name", "name_en", "address")),
        sa.column("position", sa.Integer()),
        sa.column("active", sa.Boolean()),
    )
    for position, name in enumerate(names):
        row = {"id": secrets.token_hex(8), "name": name, "name_en": "", "address": "", "position": position, "active": True}
        connection.execute(sa.insert(site).values(**row))
    with op.batch_alter_table("room") as room:
        room.add_column(sa.Column("site_id", sa.String(length=16), nullable=True))
        room.create_foreign_key("room_site_id_fkey", "site", ["site_id"], ["id"])
    connection.execute(sa.text("UPDATE room SET site_id = (SELECT site.id FROM site WHERE site.name = room.site)"))
    with op.batch_alter_table("room") as room:
        room.drop_column("site")


def _move_bookings(connection: sa.Connection) -> None:
    """Each booking of a room becomes the span of its sitting, which holds that room and the staff who take part."""
    on_postgresql = connection.dialect.name == "postgresql"
    short = "ends_at <= starts_at + interval '2 days'" if on_postgresql else "julianday(ends_at) - julianday(starts_at) <= 2"
    op.create_table(
        "hold",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("booking_id", sa.String(length=16), nullable=False),
        sa.Column("resource_id", sa.String(length=16), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["booking_id"], ["booking.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["resource_id"], ["resource.id"]),
        sa.CheckConstraint("starts_at < ends_at", name="hold_span_is_one"),
        sa.CheckConstraint(short, name="hold_is_short"),
        sa.PrimaryKeyConstraint("id"),
    )
    held = (
        "booking.starts_at, booking.ends_at, booking.active AND sitting.status NOT IN ('closed', 'cancelled')"
        " FROM booking JOIN sitting ON sitting.id = booking.sitting_id"
    )
    connection.execute(sa.text(
        "INSERT INTO hold (id, booking_id, resource_id, position, starts_at, ends_at, active)"
        f" SELECT booking.id, booking.id, booking.room_id, 0, {held}"
    ))  # fmt: skip
    people = connection.execute(sa.text(
        f"SELECT booking.id, participant.user_id, {held} JOIN participant ON participant.sitting_id = sitting.id"
        " WHERE participant.user_id IS NOT NULL AND participant.removed_at IS NULL"
    )).all()  # fmt: skip
    for booking, person, starts_at, ends_at, active in dict.fromkeys(map(tuple, people)):
        connection.execute(
            sa.text(
                "INSERT INTO hold (id, booking_id, resource_id, position, starts_at, ends_at, active) VALUES (:i, :b, :r, 99, :s, :e, :a)"
            ),
            {"i": secrets.token_hex(8), "b": booking, "r": person, "s": starts_at, "e": ends_at, "a": active},
        )
    op.drop_index("booking_span", "booking")
    with op.batch_alter_table("booking") as booking_table:
        booking_table.add_column(sa.Column("state", sa.String(length=12), nullable=False, server_default="confirmed"))
        booking_table.add_column(sa.Column("held_until", sa.DateTime(timezone=True), nullable=True))
    connection.execute(sa.text("UPDATE booking SET state = 'cancelled' WHERE NOT active"))
    with op.batch_alter_table("booking") as booking_table:
        booking_table.alter_column("state", server_default=None, existing_type=sa.String(length=12), existing_nullable=False)
        booking_table.drop_column("room_id")
        booking_table.drop_column("active")
    tentative = sa.text("state = 'tentative'")
    op.create_index("booking_held_until", "booking", ["held_until"], sqlite_where=tentative, postgresql_where=tentative)
    op.create_index("ix_hold_booking_id", "hold", ["booking_id"])
    op.create_index("hold_span", "hold", ["resource_id", "starts_at", "ends_at"])


def _forbid_overlaps(dialect: str) -> None:
    if dialect == "postgresql":
        op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
        op.execute(
            "ALTER TABLE hold ADD CONSTRAINT hold_no_overlap"
            " EXCLUDE USING gist (resource_id WITH =, tstzrange(starts_at, ends_at) WITH &&) WHERE (active)"
        )
        return
    acts = {"insert": "INSERT", "update": "UPDATE OF resource_id, starts_at, ends_at, active"}
    for name, act in acts.items():
        op.execute(f"CREATE TRIGGER hold_no_overlap_{name} BEFORE {act} ON hold WHEN NEW.active {OVERLAPPING}")


def downgrade() -> None:
    raise NotImplementedError("a booking of several resources cannot be told in the tables of 0005")
