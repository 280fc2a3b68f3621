"""Teams in the field, where their people are, their tasks, the steps of each, which nobody can change, and their files."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def _moment(name: str, *, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "team",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("name_en", sa.String(length=80), nullable=False),
        sa.Column("area", sa.String(length=120), nullable=False),
        sa.Column("phone", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        _moment("created_at", nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "team_member",
        sa.Column("user_id", sa.String(length=16), nullable=False),
        sa.Column("team_id", sa.String(length=16), nullable=False),
        sa.Column("duty", sa.String(length=12), nullable=False),
        sa.Column("leads", sa.Boolean(), server_default=sa.false(), nullable=False),
        _moment("agreed_at"),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"]),
        sa.PrimaryKeyConstraint("user_id"),
    )
    op.create_index("ix_team_member_team_id", "team_member", ["team_id"])
    op.create_table(
        "field_position",
        sa.Column("user_id", sa.String(length=16), nullable=False),
        sa.Column("latitude", sa.Double(), nullable=False),
        sa.Column("longitude", sa.Double(), nullable=False),
        sa.Column("accuracy_m", sa.Double(), nullable=False),
        _moment("at", nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id"),
    )
    _tasks()
    _steps()
    _files()


def _tasks() -> None:
    op.create_table(
        "field_task",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("running", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("place", sa.String(length=200), nullable=False),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.Column("longitude", sa.Double(), nullable=True),
        sa.Column("case_id", sa.String(length=16), nullable=True),
        sa.Column("team_id", sa.String(length=16), nullable=False),
        sa.Column("user_id", sa.String(length=16), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        _moment("deadline", nullable=False),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.String(length=16), nullable=False),
        sa.Column("created_name", sa.String(length=80), nullable=False),
        _moment("created_at", nullable=False),
        _moment("sent_at"),
        _moment("signed_at"),
        sa.Column("signed_by", sa.String(length=16), nullable=False),
        sa.Column("signed_name", sa.String(length=80), nullable=False),
        *(_moment(name) for name in ("arrived_at", "reported_at", "ended_at", "urged_at", "overdue_at")),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"]),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"]),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("year", "running"),
    )
    for column in ("case_id", "team_id", "state", "deadline"):
        op.create_index(f"ix_field_task_{column}", "field_task", [column])
    op.create_index("field_task_listed", "field_task", ["created_at", "id"])


def _steps() -> None:
    op.create_table(
        "field_step",
        sa.Column("task_id", sa.String(length=16), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        _moment("at", nullable=False),
        _moment("done_at", nullable=False),
        sa.Column("by_id", sa.String(length=16), nullable=False),
        sa.Column("by_name", sa.String(length=80), nullable=False),
        sa.Column("act", sa.String(length=12), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.Column("longitude", sa.Double(), nullable=True),
        sa.Column("accuracy_m", sa.Double(), nullable=True),
        sa.Column("key", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["task_id"], ["field_task.id"]),
        sa.PrimaryKeyConstraint("task_id", "number"),
        sa.UniqueConstraint("by_id", "key"),
    )
    if op.get_context().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION field_step_is_append_only() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'the log of a task is append-only'; END $$"
        )
        op.execute(
            "CREATE TRIGGER field_step_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON field_step"
            " EXECUTE FUNCTION field_step_is_append_only()"
        )
        return
    for act in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER field_step_no_{act.lower()} BEFORE {act} ON field_step"
            " BEGIN SELECT RAISE(ABORT, 'the log of a task is append-only'); END"
        )
    # INSERT OR REPLACE takes the old row away without asking the triggers that refuse deletion.
    op.execute(
        "CREATE TRIGGER field_step_no_replace BEFORE INSERT ON field_step WHEN EXISTS (SELECT 1 FROM field_step"
        " WHERE (task_id = NEW.task_id AND number = NEW.number) OR (by_id = NEW.by_id AND key = NEW.key))"
        " BEGIN SELECT RAISE(ABORT, 'the log of a task is append-only'); END"
    )


def _files() -> None:
    op.create_table(
        "field_file",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("task_id", sa.String(length=16), nullable=False),
        sa.Column("step", sa.Integer(), nullable=True),
        sa.Column("purpose", sa.String(length=8), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("media_type", sa.String(length=40), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("by_id", sa.String(length=16), nullable=False),
        sa.Column("by_name", sa.String(length=80), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        _moment("created_at", nullable=False),
        _moment("whole_at"),
        sa.ForeignKeyConstraint(["task_id"], ["field_task.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("by_id", "key"),
    )
    op.create_index("ix_field_file_task_id", "field_file", ["task_id"])


def downgrade() -> None:
    op.drop_table("field_file")
    op.drop_table("field_step")
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP FUNCTION field_step_is_append_only()")
    op.drop_table("field_task")
    op.drop_table("field_position")
    op.drop_table("team_member")
    op.drop_table("team")
