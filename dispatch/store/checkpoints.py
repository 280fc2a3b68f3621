"""Carries what SQLite has in its write-ahead log over into the file itself, while nobody is writing.

SQLite does it in whichever commit makes the log long enough. Ids are random, so that a booking among many touches dozens of pages far
apart from each other: each time it was somebody's booking that waited for a thousand of them to reach the disk. A carry-over of
mode PASSIVE waits for nobody, and nobody who writes waits for it.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

QUIET_S = 1.0
"""For how long nobody has written when it begins."""
LONGEST_LOG = 10_000
"""Pages (4 KiB) of the log at which a commit does it after all, where writers never pause."""

log = logging.getLogger(__name__)


class Checkpoints:
    """Those of one file. :meth:`written` is called after each commit, in the event loop."""

    def __init__(self, file: Path, quiet_s: float = QUIET_S) -> None:
        self.quiet_s = quiet_s
        self._file = file
        self._last = 0.0
        """When somebody wrote last, by the loop's clock."""
        self._closing = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def written(self) -> None:
        """There is something in the log that is not in the file."""
        self._last = asyncio.get_running_loop().time()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._when_quiet(), name="checkpoint")

    async def _when_quiet(self) -> None:
        loop, carried = asyncio.get_running_loop(), -1.0
        while carried != self._last:  # who wrote while it was carried over is waited for anew
            while (left := self._last + self.quiet_s - loop.time()) > 0:
                try:
                    await asyncio.wait_for(self._closing.wait(), left)
                except TimeoutError:
                    continue
                return
            carried = self._last
            try:
                await asyncio.to_thread(carry_over, self._file)
            except sqlite3.Error as error:  # a full disk: all is in the log, and tried again after the next commit
                log.warning("the database's log is not carried over: %s", error)

    async def close(self) -> None:
        """End what is under way and begin no other. Idempotent. Whoever closes the last connection to the file carries over the rest."""
        self._closing.set()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)


def carry_over(file: Path) -> None:
    """As much of the log as no reader still needs. Raises sqlite3.Error."""
    with closing(sqlite3.connect(f"file:{quote(str(file))}?mode=rw", uri=True)) as connection:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
