"""Who has looked at what of a recording: one audit row for one look, though a browser asks for a file in many parts."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from dispatch import audit

if TYPE_CHECKING:
    from dispatch.store.archive_tables import Recording
    from dispatch.store.database import Database
    from dispatch.store.tables import User

ONE_LOOK = timedelta(minutes=10)
"""Who has asked for nothing of a file for so long and asks again looks again."""
_KEPT = 10_000


class Plays:
    """Notes them. Get it with :func:`plays_of`; what it remembers only keeps a look from being written twice."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._seen: dict[tuple[str, str, str], datetime] = {}
        self._turn = asyncio.Lock()

    async def note(self, user: User, recording: Recording, file: str, now: datetime, **about: str) -> None:
        """`user` is given a part of `file`: in the audit before a byte leaves, unless it belongs to a look that is there already.
        `about` is what else the row says."""
        key = (user.id, recording.sitting_id, file)
        async with self._turn:
            last = self._seen.pop(key, None)
            if last is None or now - last > ONE_LOOK:
                detail = {"sitting": recording.sitting_id, "file": file, **about}
                await audit.record(self._db, user, "play", recording.sitting.case.number, detail=detail)
            self._seen[key] = now  # the newest last
            while len(self._seen) > _KEPT:
                del self._seen[next(iter(self._seen))]


_of_database: WeakKeyDictionary[Database, Plays] = WeakKeyDictionary()


def plays_of(db: Database) -> Plays:
    """The one keeper of looks for this database."""
    return _of_database.setdefault(db, Plays(db))
