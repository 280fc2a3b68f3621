"""The control plane's database as a backup takes it: a copy of SQLite's file, or what pg_dump writes of PostgreSQL's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from dispatch.operations import dump, snapshot
from dispatch.operations.snapshot import DATABASE, DUMP, Progress, SnapshotFailed
from dispatch.store.database import is_postgresql

if TYPE_CHECKING:
    from dispatch.settings import Settings


class Original(Protocol):
    """One moment of the database. `name`: of its copy in the backup; `bytes`: about so many will be done; `postgresql`: the server's
    major version, 0 on SQLite."""

    name: str
    bytes: int
    postgresql: int

    def copy(self, target: Path, progress: Progress) -> None:
        """Write it to a new file. Raises SnapshotFailed, OSError. What is asked for below is known from then on."""

    def revision(self) -> str:
        """The schema's revision."""

    def sealed(self) -> set[str]:
        """The folders of the recordings that it calls sealed."""

    def destroyed(self) -> set[str]:
        """The folders of the recordings that were destroyed: that they are not there is no loss."""


@contextmanager
def original(settings: Settings) -> Iterator[Original]:
    """The database of the settings. Raises SnapshotFailed, FileNotFoundError."""
    if is_postgresql(settings.database):
        with dump.moment(settings.database) as found:
            yield _Postgresql(found)
    else:
        yield _Sqlite(snapshot.database_path(settings))


class _Sqlite:
    name = DATABASE
    postgresql = 0

    def __init__(self, path: Path) -> None:
        self._path = path
        self._copied = path
        self.bytes = path.stat().st_size

    def copy(self, target: Path, progress: Progress) -> None:
        snapshot.copy_database(self._path, target, progress)
        self._copied = target

    def revision(self) -> str:
        return snapshot.revision(self._copied)

    def sealed(self) -> set[str]:
        with closing(snapshot.connect(self._copied)) as reading:
            return {str(row[0]) for row in reading.execute("SELECT folder FROM recording WHERE sealed_at IS NOT NULL")}

    def destroyed(self) -> set[str]:
        with closing(snapshot.connect(self._copied)) as reading:
            columns = {str(row[1]) for row in reading.execute("PRAGMA table_info(recording)")}
            if "destroyed_at" not in columns:
                return set()  # a database of an earlier version
            return {str(row[0]) for row in reading.execute("SELECT folder FROM recording WHERE destroyed_at IS NOT NULL")}


class _Postgresql:
    name = DUMP

    def __init__(self, found: dump.Moment) -> None:
        self._moment = found
        self.bytes = sum(found.tables.values())
        self.postgresql = found.major

    def copy(self, target: Path, progress: Progress) -> None:
        try:
            dump.write(self._moment, target, progress)
        except dump.DumpFailed as error:
            raise SnapshotFailed(str(error)) from None
        target.chmod(0o600)
        snapshot.sync(target)

    def revision(self) -> str:
        return self._moment.revision

    def sealed(self) -> set[str]:
        return set(self._moment.sealed)

    def destroyed(self) -> set[str]:
        return set(self._moment.destroyed)
