"""Statements past the ORM, for what many wait for.

The unit of work sorts what depends on what and looks at each attribute of each object; for a sitting with its holds and people that
takes longer than the database does. Who makes rows knows their order and their ids: :func:`insert` writes them as they are given, those
of one table together. Who needs columns alone reads :func:`rows`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from itertools import cycle, groupby
from typing import TYPE_CHECKING, Any, TypeVarTuple

from sqlalchemy import JSON, Column, Dialect, Row, Select

from dispatch.store import ready
from dispatch.store.base import Base
from dispatch.store.ready import Ready

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

Columns = TypeVarTuple("Columns")


async def rows(session: AsyncSession, statement: Select[*Columns], parameters: Mapping[str, Any] | None = None) -> Sequence[Row[*Columns]]:
    """What a statement gives that is not asked often enough to be kept :mod:`ready <dispatch.store.ready>`, as rows."""
    connection = await ready.opened(session)
    return (await connection.execute(statement, parameters)).all()


async def change(session: AsyncSession, statement: Ready, parameters: Mapping[str, Any]) -> None:
    """Carry out a statement that gives nothing. Objects of the session that it changes are not told."""
    await ready.together(session, (statement, parameters))


async def insert(session: AsyncSession, made: Iterable[Base], also: tuple[Ready, Mapping[str, Any]] | None = None) -> None:
    """Insert objects that were only just made, in this order, and have the session know them from then on: what is changed of them
    later is written as usual. Foreign keys are to be set as columns; relationships are not looked at. Not for rooms and users, with which
    a resource is made (:func:`dispatch.store.resources.keep_in_step`). `also`: a change that is carried out behind them."""
    listed = list(made)
    connection = await ready.opened(session)
    told: list[ready.Told] = []
    valued = [(type(each), _values(each)) for each in listed]
    for (kind, keys), group in groupby(valued, key=lambda row: (row[0], tuple(row[1]))):
        alike = list(group)
        form, processes = _insert(kind, keys, len(alike), connection.dialect)
        values = (values[key] for _, values in alike for key in keys)
        told.append((form, [process(value) if process else value for value, process in zip(values, cycle(processes))]))
    if also is not None:
        told.append(also[0].form(connection.dialect, also[1]).told(also[1]))
    await ready.carry_out(connection, [_one(told)] if connection.dialect.name == "postgresql" and len(told) > 1 else told)
    for each in listed:
        ready.belongs(session.sync_session, each)


def _one(told: Sequence[ready.Told]) -> ready.Told:
    """All of them as one statement of several parts, for PostgreSQL: one way to the server instead of many. Its parts do not see each
    other's rows; what watches over rows (foreign keys, triggers) does, at the end."""
    return _parts(tuple(sql for sql, _ in told), tuple(len(values) for _, values in told)), [each for _, values in told for each in values]


@cache
def _parts(statements: tuple[str, ...], counts: tuple[int, ...]) -> str:
    parts = [f"part{number} AS ({sql})" for number, sql in enumerate(ready.renumbered(statements, counts))]
    return f"WITH {', '.join(parts)} SELECT 1"


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
def _insert(
    kind: type[Base], keys: tuple[str, ...], count: int, dialect: Dialect
) -> tuple[str, tuple[Callable[[Any], Any] | None, ...]]:  # fmt: skip
    """The statement that inserts so many rows of these columns, and what is done to the value of each."""
    table, quote = Base.metadata.tables[kind.__tablename__], dialect.identifier_preparer.quote
    numbers = iter(range(1, count * len(keys) + 1))
    mark = "${}" if dialect.name == "postgresql" else "?{}"
    marks = ", ".join("(" + ", ".join(mark.format(next(numbers)) for _ in keys) + ")" for _ in range(count))
    sql = f"INSERT INTO {quote(table.name)} ({', '.join(map(quote, keys))}) VALUES {marks}"  # noqa: S608  names of our own tables
    return sql, tuple(table.columns[key].type.dialect_impl(dialect).bind_processor(dialect) for key in keys)
