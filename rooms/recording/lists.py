"""The lists in a sitting's folder, files of JSON lines: segments, ledger, events of the log and heartbeats, and how far each is proven."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from rooms.recording.digests import Digests
from rooms.recording.lines import Lines
from rooms.recording.rolling import Row, row_of


@dataclass(frozen=True, slots=True)
class Left:
    """What an earlier recorder left in them: rows of segments and ledger, the `seq` of the last event and the time of the last
    heartbeat, microseconds; 0 where there is none."""

    segments: list[dict[str, Any]]
    ledger: list[dict[str, Any]]
    last_event: int
    last_beat_us: int


class Lists:
    """The lists below `root`. All may raise OSError but :meth:`close`."""

    def __init__(self, root: Path) -> None:
        self.segments = Lines(root / "segments.jsonl", keep=True)
        self.ledger = Lines(root / "ledger.jsonl", keep=True)
        self.events = Lines(root / "events.jsonl", keep=True)
        self.heartbeat = Lines(root / "heartbeat.jsonl", keep=False)
        self._digests = Digests(root / "digests.jsonl")
        self._rolled = (self.segments, self.ledger, self.events, self.heartbeat)
        self._all = (*self._rolled, self._digests.lines)

    @property
    def is_open(self) -> bool:
        """Between :meth:`open` and :meth:`close`."""
        return self.ledger.is_open

    def open(self) -> Left:
        """Open or make each."""
        segments, ledger, events, beats, digests = (lines.open() for lines in self._all)
        self._digests.follow(json.loads(digests[-1]) if digests else None)
        last_event = json.loads(events[-1])["seq"] if events else 0
        last_beat_us = json.loads(beats[-1])["at_us"] if beats else 0
        return Left([json.loads(row) for row in segments], [json.loads(row) for row in ledger], last_event, last_beat_us)

    def in_place(self) -> bool:
        """Whether they still lie where they were opened."""
        return self.heartbeat.in_place()

    def make_again(self) -> None:
        """The folder vanished and is there anew: write all that they said."""
        for lines in self._all:
            if not lines.in_place():
                if lines is self._digests.lines:
                    self._digests.follow(None)
                lines.reopen()
        self.events.flush()

    def known(self) -> dict[str, list[bytes]]:
        """What segments, ledger and events say, by the file's name, from memory."""
        return {lines.path.name: lines.known() for lines in (self.segments, self.ledger, self.events)}

    def prove(self, at_us: int, segments: Iterable[Row]) -> None:
        """Write down how far they, and these open segments, are on the disk."""
        self._digests.note(at_us, chain((row_of(lines.path.name, lines.rolling) for lines in self._rolled), segments))

    def prove_closing(self, at_us: int, segment: Row) -> None:
        """Write down the last state of a segment before it gets its last head."""
        self._digests.note(at_us, [segment])

    def close(self) -> None:
        """Nothing more is written. Idempotent."""
        for lines in self._all:
            lines.close()
