"""Statements past the ORM, for what many wait for.

The unit of work sorts what depends on what and looks at each attribute of each object; for a sitting with its holds and people that
takes longer than the database does. Who makes rows knows their order and their ids: :func:`insert` writes them as they are given, those
of one table together. Who needs columns alone reads :func:`rows`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING, Any, TypeVarTuple

from sqlalchemy import JSON, Column, Executable, Insert, Row, Select
from sqlalchemy import insert as insert_into
from sqlalchemy.orm import make_transient_to_detached

from dispatch.store.base import Base

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.ext.asyncio import AsyncSession
    from sqlalchemy.orm import Session

Columns = TypeVarTuple("Columns")


async def rows(session: AsyncSession, statement: Select[*Columns], parameters: Mapping[str, Any] | None = None) -> Sequence[Row[*Columns]]:
    """What a statement gives, as rows."""
    return await session.run_sync(_rows, statement, parameters)


async def change(session: AsyncSession, statement: Executable, parameters: Mapping[str, Any]) -> None:
    """Carry out a statement that gives nothing. Objects of the session that it changes are not told."""
    await session.run_sync(_change, statement, parameters)


async def insert(session: AsyncSession, made: Iterable[Base]) -> None:
    """Insert objects that were only just made, in this order, and have the session know them from then on: what is changed of them
    later is written as usual. Foreign keys are to be set as columns; relationships are not looked at. Not for rooms and users, with which
    a resource is made (:func:`dispatch.store.resources.keep_in_step`)."""
    await session.run_sync(_write, list(made))


def _connection(session: Session) -> Connection:
    """The session's connection, on which all that it was given is written."""
    if session.new or session.dirty or session.deleted:
        session.flush()
    return session.connection()


def _rows(session: Session, statement: Select[*Columns], parameters: Mapping[str, Any] | None) -> Sequence[Row[*Columns]]:
    return _connection(session).execute(statement, parameters).all()


def _change(session: Session, statement: Executable, parameters: Mapping[str, Any]) -> None:
    _connection(session).execute(statement, parameters)


def _write(session: Session, made: Sequence[Base]) -> None:
    connection = _connection(session)
    valued = [(type(each), _values(each)) for each in made]
    for (kind, keys), group in groupby(valued, key=lambda row: (row[0], tuple(row[1]))):
        connection.execute(_insert(kind, keys), [values for _, values in group])
    for each in made:  # all of them before the first is added, which takes along what it refers to
        make_transient_to_detached(each)
    session.add_all(made)


def _values(made: Base) -> dict[str, Any]:
    """By column. A JSON column without a value is left out: None would be written as JSON's null."""
    known = made.__dict__
    values: dict[str, Any] = {}
    for name, column, default in _columns(type(made)):
        value = known.get(name)
        if value is None and default is not None:
            value = default.arg(None) if default.is_callable else default.arg
            setattr(made, name, value)
        if value is not None or not (isinstance(column.type, JSON) or column.server_default is not None):
            values[name] = value
    return values


@cache
def _columns(kind: type[Base]) -> tuple[tuple[str, Column[Any], Any], ...]:
    """Each attribute's name, column and default; attributes bear the names of their columns."""
    return tuple((column.name, column, column.default) for column in Base.metadata.tables[kind.__tablename__].columns)


@cache
def _insert(kind: type[Base], _keys: tuple[str, ...]) -> Insert:
    return insert_into(Base.metadata.tables[kind.__tablename__])
