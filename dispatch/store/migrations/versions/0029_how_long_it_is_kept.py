"""How long recordings are kept: classes, legal holds, sealed juvenile records, destructions. What is there already gets the class of
its kind as the program comes with it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)


def _text(name: str, length: int, default: str | None = None) -> sa.Column[str]:
    return sa.Column(name, sa.String(length=length), nullable=False, server_default=default)


def _moment(name: str, *, there: bool = False) -> sa.Column[object]:
    return sa.Column(name, _AT, nullable=not there)


def _one(name: str, target: str, *, there: bool = True, ondelete: str | None = "CASCADE") -> sa.Column[str]:
    return sa.Column(name, sa.String(length=16), sa.ForeignKey(target, ondelete=ondelete), nullable=not there)


def upgrade() -> None:
    op.add_column("sitting", _moment("withheld_at"))
    op.add_column("recording", _moment("destroyed_at"))
    op.create_table(
        "retention_default",
        sa.Column("kind", sa.String(length=20), primary_key=True),
        _text("retention", 12),
        _text("changed_by", 80),
        _moment("changed_at", there=True),
    )
    op.create_table(
        "keeping",
        sa.Column("sitting_id", sa.String(length=16), sa.ForeignKey("recording.sitting_id", ondelete="CASCADE"), primary_key=True),
        _text("retention", 12),
        sa.Column("counted_from", sa.Date(), nullable=True),
        _text("minor_left_open", 400, ""),
        sa.Column("revision", sa.Integer(), nullable=False, server_default="0"),
    )
    op.execute(
        "INSERT INTO keeping (sitting_id, retention) SELECT recording.sitting_id, CASE sitting.kind"
        " WHEN 'petition_intake' THEN 'years_30' WHEN 'round_table' THEN 'years_30' WHEN 'public_hearing' THEN 'years_60'"
        " ELSE 'permanent' END FROM recording JOIN sitting ON sitting.id = recording.sitting_id"
    )
    op.create_table(
        "legal_hold",
        sa.Column("id", sa.String(length=16), primary_key=True),
        _one("sitting_id", "sitting.id", there=False),
        _one("case_id", "case.id", there=False),
        _text("reference", 80),
        _text("reason", 400),
        _text("placed_by", 80),
        _text("placed_by_id", 16),
        _moment("placed_at", there=True),
        _text("lifted_by", 80),
        _moment("lifted_at"),
        _text("lift_reason", 400),
    )
    op.create_index("ix_legal_hold_sitting_id", "legal_hold", ["sitting_id"])
    op.create_index("ix_legal_hold_case_id", "legal_hold", ["case_id"])
    op.create_table(
        "juvenile_seal",
        sa.Column("id", sa.String(length=16), primary_key=True),
        _one("sitting_id", "sitting.id"),
        _text("ground", 400),
        _text("sealed_by", 80),
        _moment("sealed_at", there=True),
        _text("opened_by", 80),
        _moment("opened_at"),
        _text("open_ground", 400),
    )
    op.create_index("ix_juvenile_seal_sitting_id", "juvenile_seal", ["sitting_id"])
    op.create_table(
        "juvenile_look",
        sa.Column("id", sa.String(length=16), primary_key=True),
        _one("sitting_id", "sitting.id"),
        _one("user_id", "user.id"),
        _text("ground", 400),
        _moment("at", there=True),
        _moment("until", there=True),
    )
    op.create_index("juvenile_look_of", "juvenile_look", ["user_id", "sitting_id"])
    op.create_table(
        "keeping_right",
        sa.Column("user_id", sa.String(length=16), sa.ForeignKey("user.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("power", sa.String(length=12), primary_key=True),
        _text("given_by", 80),
        _moment("given_at", there=True),
    )
    op.create_table(
        "destruction",
        sa.Column("id", sa.String(length=16), primary_key=True),
        _text("state", 12),
        _text("reason", 400),
        _text("order_reference", 80),
        _text("proposed_by", 80),
        _text("proposed_by_id", 16),
        _moment("proposed_at", there=True),
        _text("approved_by", 80),
        _text("approved_by_id", 16),
        _moment("approved_at"),
        _moment("due_at"),
        _text("stopped_by", 80),
        _moment("stopped_at"),
        _text("stop_reason", 400),
        _moment("done_at"),
        _text("trouble", 400),
        sa.Column("certificate", sa.Text(), nullable=False),
    )
    op.create_index("ix_destruction_state", "destruction", ["state"])
    op.create_table(
        "destruction_item",
        sa.Column("id", sa.String(length=16), primary_key=True),
        _one("destruction_id", "destruction.id"),
        _one("sitting_id", "recording.sitting_id", ondelete=None),
        sa.Column("position", sa.Integer(), nullable=False),
        _text("state", 12),
        _text("kept_why", 40),
        _text("retention", 12),
        sa.Column("expired_on", sa.Date(), nullable=True),
        sa.Column("files", sa.JSON(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        _moment("destroyed_at"),
        sa.UniqueConstraint("destruction_id", "sitting_id"),
    )
    op.create_index("ix_destruction_item_sitting_id", "destruction_item", ["sitting_id"])


def downgrade() -> None:
    for table in ("destruction_item", "destruction", "keeping_right", "juvenile_look", "juvenile_seal", "legal_hold", "keeping"):
        op.drop_table(table)
    op.drop_table("retention_default")
    op.drop_column("recording", "destroyed_at")
    op.drop_column("sitting", "withheld_at")
