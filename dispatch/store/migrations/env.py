"""Alembic's way in: the connection comes from dispatch.store.migrate, which owns the transaction."""

from __future__ import annotations

from alembic import context

from dispatch.store.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    compare_type=True,
)
context.run_migrations()
