"""What programs make by the API: feeds of their own, files that wait to be imported, and what was made once under a key."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "creation_key",
        sa.Column("owner", sa.String(length=16), nullable=False),
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("made_id", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("owner", "key_hash"),
    )
    op.create_index("ix_creation_key_created_at", "creation_key", ["created_at"])
    op.create_table(
        "import_draft",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("owner", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("rows", sa.JSON(), nullable=False),
        sa.Column("judged", sa.JSON(), nullable=False),
        sa.Column("chair_id", sa.String(length=16), nullable=False),
        sa.Column("clerk_id", sa.String(length=16), nullable=False),
        sa.Column("override_reason", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("judged_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_import_draft_created_at", "import_draft", ["created_at"])
    _feeds("calendar_feed_next", of_programs=True)
    columns = "id, user_id, kind, target, token_hash, token_sealed, created_at, used_at"
    op.execute(f"INSERT INTO calendar_feed_next ({columns}) SELECT {columns} FROM calendar_feed")  # noqa: S608
    op.drop_table("calendar_feed")
    op.rename_table("calendar_feed_next", "calendar_feed")


def downgrade() -> None:
    _feeds("calendar_feed_former", of_programs=False)
    columns = "id, user_id, kind, target, token_hash, token_sealed, created_at, used_at"
    op.execute(
        f"INSERT INTO calendar_feed_former ({columns}) SELECT {columns} FROM calendar_feed WHERE user_id IS NOT NULL"  # noqa: S608
    )
    op.drop_table("calendar_feed")
    op.rename_table("calendar_feed_former", "calendar_feed")
    op.drop_table("import_draft")
    op.drop_table("creation_key")


def _feeds(name: str, *, of_programs: bool) -> None:
    """The table of feeds: SQLite takes no column into a constraint later."""
    theirs: list[sa.Column[str] | sa.Constraint] = []
    if of_programs:
        theirs = [
            sa.Column("program_id", sa.String(length=16), nullable=True),
            sa.ForeignKeyConstraint(["program_id"], ["api_token.id"], ondelete="CASCADE"),
            sa.UniqueConstraint("program_id", "kind", "target"),
            sa.CheckConstraint("(user_id IS NULL) <> (program_id IS NULL)", name=f"{name}_owner"),
        ]
    op.create_table(
        name,
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("user_id", sa.String(length=16), nullable=of_programs),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("target", sa.String(length=80), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("token_sealed", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token_hash"),
        sa.UniqueConstraint("user_id", "kind", "target"),
        *theirs,
    )
