"""SQLite's cursor, with one way to the connection's thread and back for each statement. All private names of aiosqlite and of
SQLAlchemy's adapter are here; every test on SQLite runs through it.

The driver gives each of opening a cursor, executing, fetching and closing a way of its own. A statement of a booking takes a few
hundredths of a millisecond, each way between the threads about as long, and many times that on a busy machine.
"""

from __future__ import annotations

import collections
import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Dialect, event
from sqlalchemy.dialects.sqlite.aiosqlite import AsyncAdapt_aiosqlite_connection, AsyncAdapt_aiosqlite_cursor
from sqlalchemy.ext.asyncio import AsyncEngine


class Cursor(AsyncAdapt_aiosqlite_cursor):
    """What a statement gave is all here when `execute` comes back."""

    __slots__ = ("_description", "_lastrowid", "_rowcount", "arraysize")

    def __init__(self, adapt_connection: AsyncAdapt_aiosqlite_connection) -> None:
        self._adapt_connection = adapt_connection
        self._connection = adapt_connection._connection  # noqa: SLF001
        self._rows = collections.deque()
        self._description: Any = None
        self._rowcount = -1
        self._lastrowid = 0
        self.arraysize = 1

    @property
    def description(self) -> Any:
        return self._description

    @property
    def rowcount(self) -> int:
        return self._rowcount

    @property
    def lastrowid(self) -> int:
        return self._lastrowid

    async def _async_soft_close(self) -> None:
        """Nothing is open."""

    def close(self) -> None:
        self._rows.clear()

    async def _execute_async(self, operation: Any, parameters: Any) -> Any:
        return await self._do(lambda cursor: cursor.execute(operation, parameters or ()))

    async def _executemany_async(self, operation: Any, seq_of_parameters: Any) -> Any:
        return await self._do(lambda cursor: cursor.executemany(operation, seq_of_parameters))

    async def _do(self, act: Callable[[sqlite3.Cursor], sqlite3.Cursor]) -> None:
        connection: Any = self._connection

        def work() -> tuple[Any, int, int, Sequence[Any]]:
            cursor = connection._conn.cursor()  # noqa: SLF001
            try:
                act(cursor)
                rows = cursor.fetchall() if cursor.description else ()
                return cursor.description, cursor.rowcount, cursor.lastrowid or 0, rows
            finally:
                cursor.close()

        async with self._adapt_connection._execute_mutex:  # noqa: SLF001
            self._description, self._rowcount, self._lastrowid, rows = await connection._execute(work)  # noqa: SLF001
        self._rows = collections.deque(rows)


class Connection(AsyncAdapt_aiosqlite_connection):
    """A connection with such cursors."""

    __slots__ = ()
    _cursor_cls: type[AsyncAdapt_aiosqlite_cursor] = Cursor

    async def several(self, told: Sequence[tuple[str, Sequence[Any]]]) -> list[Sequence[Any]]:
        """The rows of each of several statements with their values, all of them in one way. Raises sqlite3.Error."""
        connection: Any = self._connection

        def work() -> list[Sequence[Any]]:
            cursor = connection._conn.cursor()  # noqa: SLF001
            try:
                return [cursor.execute(sql, values).fetchall() for sql, values in told]
            finally:
                cursor.close()

        async with self._execute_mutex:
            given: list[Sequence[Any]] = await connection._execute(work)  # noqa: SLF001
        return given


def use(engine: AsyncEngine) -> None:
    """Have an engine of aiosqlite make its connections so."""

    @event.listens_for(engine.sync_engine, "do_connect")
    def connect(dialect: Dialect, _record: object, arguments: list[Any], named: dict[str, Any]) -> Connection:
        module: Any = dialect.loaded_dbapi
        return Connection(module, module.connect(*arguments, **named)._connection)  # noqa: SLF001
