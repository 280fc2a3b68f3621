"""How far each file of an open recording is proven: rolling digests, row by row.

``digests.jsonl`` has a row with each heartbeat, after the data it speaks of are on the disk, and one before a segment is closed::

    {"seq", "prev", "at_us", "files": [{"file", "bytes", "closed", "sha256", "sm3", "head": {"bytes", "sha256", "sm3"}}], "hash"}

`sha256` and `sm3` are those of the file from the end of its head up to `bytes`. Only what grew since the row before is named.
The head is what Matroska writes first and rewrites when the file is closed; lists have none. The rows are chained like the
event log: `hash` is the SHA-256 of the row without it, `prev` the one before, 64 zeros in the first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from rooms.log import GENESIS, canonical
from rooms.recording.lines import Lines
from rooms.recording.rolling import Row


class Digests:
    """``digests.jsonl``. A row that could not be written waits for the next :meth:`note`."""

    def __init__(self, path: Path) -> None:
        self.lines = Lines(path, keep=False)
        self._seq = 0
        self._prev = GENESIS
        self._noted: dict[str, int] = {}

    def follow(self, last: Row | None) -> None:
        """Go on behind this row; None: from the beginning, because there is no file or it is a new one."""
        self.lines.drop()
        self._seq, self._prev = (int(last["seq"]), str(last["hash"])) if last else (0, GENESIS)
        self._noted.clear()

    def note(self, at_us: int, rows: Iterable[Row]) -> None:
        """Write down those of `rows` whose file grew or was closed since it was written down. Raises OSError."""
        grown = [row for row in rows if row["closed"] or self._noted.get(row["file"]) != row["bytes"]]
        if grown:
            body = {"seq": self._seq + 1, "prev": self._prev, "at_us": at_us, "files": grown}
            digest = hashlib.sha256(canonical(body).encode()).hexdigest()
            self.lines.add({**body, "hash": digest})
            self._seq, self._prev = self._seq + 1, digest
            self._noted.update((row["file"], row["bytes"]) for row in grown)
        self.lines.flush()
