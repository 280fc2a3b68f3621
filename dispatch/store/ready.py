"""Statements that are put together once, and handed to the database's driver as they are.

For a booking SQLAlchemy's way of a statement (looking for what it compiled, the context, the cursor, the result) takes four times as
long as the statement itself on PostgreSQL, and on SQLite each statement has a way of its own to the connection's thread and back. Here
several go to the driver together: on SQLite in one such way, on PostgreSQL those that only read as one statement (:func:`together`), and
what is known to be needed is asked for before it is (:func:`ahead`).

Errors are those that SQLAlchemy raises; a transaction that has not begun is begun. All private names of SQLAlchemy's adapter of
asyncpg are here.
"""

from __future__ import annotations

import re
import sqlite3
from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, cast

from sqlalchemy import Dialect, Float, inspect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import make_transient_to_detached
from sqlalchemy.orm.attributes import instance_state, set_committed_value
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.selectable import SelectBase
from sqlalchemy.types import TypeEngine

from dispatch.store import one_hop
from dispatch.store.base import Base

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
    from sqlalchemy.orm import Session

Kind = TypeVar("Kind", bound=Base)
Told = tuple[str, Sequence[Any]]
"""What the driver is told: a statement and its values."""
Values = Mapping[str, Any]
Asked = tuple["Ready", Values]
"""A statement and the values of its names."""
_Process = Callable[[Any], Any] | None


class Ready:
    """A statement that is put together once for each database, and each number of values in its lists. Its rows have the names of its
    columns."""

    def __init__(self, statement: ClauseElement) -> None:
        self._statement: Any = statement
        self.reads = isinstance(statement, SelectBase)
        """Whether it changes nothing. It may lock what it reads."""
        self._lists = [key for key, bound in cast(Any, statement.compile()).binds.items() if bound.expanding and not bound.value]
        self._forms: dict[tuple[str, tuple[int, ...]], _Form] = {}

    def form(self, dialect: Dialect, values: Values) -> _Form:
        """How it is said to this database with that many values."""
        key = (dialect.name, tuple([len(values[name]) for name in self._lists]))
        form = self._forms.get(key)
        if form is None:
            form = self._forms[key] = _Form(self._statement, dialect, values)
        return form


class _Form:
    """SQL, where each of its values comes from, and what is done to what it gives."""

    def __init__(self, statement: Any, dialect: Dialect, values: Values) -> None:
        compiled: Any = statement.compile(dialect=dialect)
        state = compiled.construct_expanded_state(values)
        self.sql: str = state.statement
        sources = {part: (name, place) for name, parts in state.parameter_expansion.items() for place, part in enumerate(parts)}
        self._places: list[tuple[str, int | None, Any, _Process]] = []
        for part in state.positiontup or ():
            name, place = sources.get(part, (part, None))
            process = compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect)
            if name in values:
                self._places.append((name, place, None, process))
            else:  # a value that the statement itself has
                value = state.parameters[part]
                self._places.append(("", None, process(value) if process else value, None))
        columns = compiled._result_columns  # noqa: SLF001
        processes: list[_Process] = [_reads(column.type, dialect) for column in columns]
        self._reads = [(place, process) for place, process in enumerate(processes) if process is not None]
        self.names = [column.keyname for column in columns]
        self._row: Any = namedtuple("Row", self.names, rename=True) if columns else tuple

    def told(self, values: Values) -> Told:
        """What the driver is told with these values."""
        found = []
        for name, place, constant, process in self._places:
            if not name:
                found.append(constant)
                continue
            value = values[name] if place is None else values[name][place]
            found.append(process(value) if process is not None else value)
        return self.sql, found

    def read(self, rows: Sequence[Sequence[Any]]) -> Iterator[Any]:
        """What it gave, as rows with names."""
        for row in rows:
            read = list(row)
            for place, process in self._reads:
                read[place] = process(read[place])
            yield self._row._make(read)


async def rows(session: AsyncSession, ready: Ready, values: Values) -> Sequence[Any]:
    """What one statement gives."""
    return (await together(session, (ready, values)))[0]


async def objects(session: AsyncSession, kind: type[Kind], ready: Ready, values: Values) -> list[Kind]:
    """The objects of that kind that a statement selects, which gives all columns of its table in their order. The session knows them from
    then on; as with the ORM, what it knows of one already stays."""
    found = await rows(session, ready, values)
    kept, mapper, (names, key_at) = session.sync_session, inspect(kind), _layout(kind)
    given: list[Kind] = []
    for row in found:
        known: Any = kept.identity_map.get(mapper.identity_key_from_primary_key(tuple([row[at] for at in key_at])))
        if known is None:
            known = mapper.class_manager.new_instance()
            known.__dict__.update(zip(names, row, strict=True))
            belongs(kept, known)
        else:
            for name, value in zip(names, row, strict=True):
                if name not in known.__dict__:  # it has expired
                    set_committed_value(known, name, value)
        given.append(known)
    return given


def _reads(kind: TypeEngine[Any], dialect: Dialect) -> _Process:
    """How what the driver gives becomes the value. Both give a float as one; SQLAlchemy would ask for PostgreSQL's number of its type."""
    if isinstance(kind, Float) and not kind.asdecimal:
        return None
    return kind.dialect_impl(dialect).result_processor(dialect, None)


def belongs(session: Session, made: Base) -> None:
    """Have a session know an object that is in the database as it is: as by ``make_transient_to_detached`` and ``Session.add``, which
    looks at everything that it refers to."""
    make_transient_to_detached(made)
    state: Any = instance_state(made)
    state.session_id = session.hash_key
    session.identity_map.add(state)


@cache
def _layout(kind: type[Base]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The attributes of its columns in their order, and at which places of a row its primary key is."""
    mapper = inspect(kind)
    names = tuple(mapper.get_property_by_column(column).key for column in mapper.local_table.columns)
    return names, tuple(names.index(mapper.get_property_by_column(column).key) for column in mapper.primary_key)


async def together(session: AsyncSession, *asked: Asked) -> list[Sequence[Any]]:
    """What each of several statements gives, carried out in this order and in the session's transaction; on PostgreSQL those that only
    read see one moment."""
    connection = await opened(session)
    forms = [ready.form(connection.dialect, values) for ready, values in asked]
    told = [form.told(values) for form, (_, values) in zip(forms, asked, strict=True)]
    known = _known(session)
    given: list[Sequence[Sequence[Any]] | None] = [known.pop((sql, *values), None) if known else None for sql, values in told]
    missing = [place for place, rows in enumerate(given) if rows is None]
    if missing:
        read = all(asked[place][0].reads for place in missing)
        for place, rows in zip(missing, await _given(connection, [told[place] for place in missing], read=read), strict=True):
            given[place] = rows
    return [list(form.read(found or ())) for form, found in zip(forms, given, strict=True)]


async def ahead(session: AsyncSession, *asked: Asked) -> None:
    """Ask for what will be asked for later, all in one way to the database. Whoever asks the same within this transaction, or this
    savepoint, is given the answer of now, once. For statements that only read, lock what they read, or read what the act neither
    changes nor has to see after its locks. Values are to be hashable, or lists of such."""
    connection = await opened(session)
    told = [ready.form(connection.dialect, values).told(values) for ready, values in asked]
    given = await _given(connection, told, read=True)
    kept = session.sync_session
    answers = {(sql, *values): rows for (sql, values), rows in zip(told, given, strict=True)}
    kept.info["ahead"] = (kept.get_nested_transaction() or kept.get_transaction(), answers)


def _known(session: AsyncSession) -> dict[tuple[Any, ...], Sequence[Sequence[Any]]]:
    """What was asked for ahead in this very transaction: a savepoint that is taken back gives back its locks."""
    kept = session.sync_session
    transaction, answers = kept.info.get("ahead", (None, {}))
    return answers if transaction is not None and transaction is (kept.get_nested_transaction() or kept.get_transaction()) else {}


async def _given(connection: AsyncConnection, told: Sequence[Told], *, read: bool) -> list[Sequence[Sequence[Any]]]:
    if read and len(told) > 1 and connection.dialect.name == "postgresql":
        ((row,),) = await carry_out(connection, [_lists(told)])
        return list(row)
    return await carry_out(connection, told)


def _lists(told: Sequence[Told]) -> Told:
    """Statements that read as one, which gives the rows of each as a list of records."""
    sql = _listing(tuple(sql for sql, _ in told), tuple(len(values) for _, values in told))
    return sql, [each for _, values in told for each in values]


@cache
def _listing(statements: tuple[str, ...], counts: tuple[int, ...]) -> str:
    parts = renumbered(statements, counts)
    return "SELECT " + ", ".join(f"ARRAY(SELECT part{number} FROM ({sql}) AS part{number})" for number, sql in enumerate(parts))  # noqa: S608


def renumbered(statements: Sequence[str], counts: Sequence[int]) -> list[str]:
    """Statements of PostgreSQL's with so many values each, as parts of one that has all their values behind each other."""
    parts, before = [], 0
    for sql, count in zip(statements, counts, strict=True):
        parts.append(re.sub(r"\$(\d+)", lambda mark, before=before: f"${int(mark[1]) + before}", sql))  # type: ignore[misc]
        before += count
    return parts


async def opened(session: AsyncSession) -> AsyncConnection:
    """The session's connection, on which all that it was given is written."""
    kept = session.sync_session
    if kept.new or kept.dirty or kept.deleted:
        await session.flush()
    # A transaction, or a savepoint, begins when its connection is asked for first.
    transaction = kept.get_nested_transaction() or kept.get_transaction()
    at, connection = kept.info.get("opened", (None, None))
    if transaction is None or at is not transaction:
        connection = await session.connection()
        kept.info["opened"] = (kept.get_nested_transaction() or kept.get_transaction(), connection)
    found: AsyncConnection = connection
    return found


async def begin(session: AsyncSession, sql: str) -> None:
    """On PostgreSQL: begin the session's transaction with a statement that has no values, in one way to the server instead of two."""
    connection = await opened(session)
    adapter = cast(Any, connection.sync_connection).connection.dbapi_connection
    driver = adapter._connection  # noqa: SLF001
    adapter._transaction = _Begun(driver)  # noqa: SLF001  first: where the statement fails, it is to be taken back
    try:
        await driver.execute(f"BEGIN ISOLATION LEVEL READ COMMITTED; {sql}")
    except Exception as error:
        await _fails(connection, adapter, [(sql, ())], error)


class _Begun:
    """What the adapter ends a transaction by."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver

    async def commit(self) -> None:
        """All of it is kept."""
        await self._driver.execute("COMMIT")

    async def rollback(self) -> None:
        """Nothing of it is."""
        await self._driver.execute("ROLLBACK")


async def carry_out(connection: AsyncConnection, told: Sequence[Told]) -> list[Sequence[Sequence[Any]]]:
    """Rows of each statement, as the driver gives them. Raises DBAPIError."""
    adapter = cast(Any, connection.sync_connection).connection.dbapi_connection
    if isinstance(adapter, one_hop.Connection):
        try:
            return await adapter.several(told)
        except sqlite3.Error as error:
            raise _wrapped(told, error, sqlite3.Error) from error
    return await _on_postgresql(connection, adapter, told)


async def _on_postgresql(
    connection: AsyncConnection, adapter: Any, told: Sequence[Told]
) -> list[Sequence[Sequence[Any]]]:  # fmt: skip
    dialect = cast(Any, connection.dialect)
    given: list[Sequence[Sequence[Any]]] = []
    try:
        if adapter._transaction is None:  # noqa: SLF001
            await adapter._start_transaction()  # noqa: SLF001
        for sql, values in told:
            prepared, _ = await adapter._prepare(sql, dialect._invalidate_schema_cache_asof)  # noqa: SLF001
            given.append(await prepared.fetch(*values))
    except Exception as error:
        await _fails(connection, adapter, told, error)
    return given


async def _fails(connection: AsyncConnection, adapter: Any, told: Sequence[Told], error: Exception) -> NoReturn:
    """Raise what the driver raised as SQLAlchemy does."""
    dialect = cast(Any, connection.dialect)
    closed = adapter._connection.is_closed()  # noqa: SLF001
    try:
        adapter._handle_exception(error)  # noqa: SLF001  which raises it as the adapter's own
    except dialect.dbapi.Error as translated:
        if isinstance(translated, (dialect.dbapi.InvalidCachedStatementError, dialect.dbapi.InternalServerError)):
            dialect._invalidate_schema_cache()  # noqa: SLF001
        if closed:
            await connection.invalidate(translated)
        raise _wrapped(told, translated, dialect.dbapi.Error, invalid=closed) from translated
    raise error


def _wrapped(told: Sequence[Told], error: Exception, base: type[Exception], *, invalid: bool = False) -> BaseException:
    """As SQLAlchemy raises it. Values are left out: they are people's names."""
    return DBAPIError.instance("; ".join(sql for sql, _ in told), None, error, base, hide_parameters=True, connection_invalidated=invalid)
