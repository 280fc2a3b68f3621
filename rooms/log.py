"""The event log of a sitting: append-only, hash-chained, one owner at a time.

A row is ``{"sitting","epoch","seq","at_us","type","data","prev","hash"}``. `hash` is the hex SHA-256 of the canonical
JSON (sorted keys, separators ``,`` and ``:``, no ASCII escapes, UTF-8) of the row without `hash`; `prev` is the hash of
the row before, and 64 zeros for `seq` 1. `seq` counts from 1 without gaps.

Decisions are appended before their effect (docs/architecture.md, "An event"). A lease grants an epoch; the log refuses
a lower one, so that two servers never own one conference.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

GENESIS = "0" * 64


@dataclass(frozen=True, slots=True)
class Event:
    """Something that was decided or seen, not yet in the log. `at_us`: microseconds since the epoch, UTC."""

    type: str
    at_us: int
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """An event with its place in the chain."""

    sitting: str
    epoch: int
    seq: int
    at_us: int
    type: str
    data: Mapping[str, Any]
    prev: str
    hash: str

    def line(self) -> str:
        """The row as canonical JSON, `hash` included: one line of ``events.jsonl``."""
        return canonical(
            {
                "sitting": self.sitting,
                "epoch": self.epoch,
                "seq": self.seq,
                "at_us": self.at_us,
                "type": self.type,
                "data": dict(self.data),
                "prev": self.prev,
                "hash": self.hash,
            }
        )

    @classmethod
    def from_line(cls, line: str) -> Row:
        """Inverse of :meth:`line`; checks the shape, not the chain."""
        return cls(**json.loads(line))


def canonical(value: Mapping[str, Any]) -> str:
    """JSON with one possible form (the subset of RFC 8785 that has no floats of many digits)."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def chain(sitting: str, epoch: int, seq: int, prev: str, event: Event) -> Row:
    """The row that `event` becomes behind the row with hash `prev`."""
    body = {
        "sitting": sitting,
        "epoch": epoch,
        "seq": seq,
        "at_us": event.at_us,
        "type": event.type,
        "data": dict(event.data),
        "prev": prev,
    }
    return Row(sitting, epoch, seq, event.at_us, event.type, event.data, prev, hashlib.sha256(canonical(body).encode()).hexdigest())


class LogRefused(Exception):
    """The log took nothing, because of the caller: a lower epoch than the lease's, or another `expected_seq`."""


class LogUnwritable(Exception):
    """The log took nothing, because of the disk or the database."""


class EventLog(Protocol):
    """The port. Implementations: :mod:`rooms.sqlite_log`."""

    async def lease(self, sitting: str, owner: str) -> int:
        """Take the sitting over: returns an epoch higher than any before. The former owner's appends are refused from now on."""

    async def append(self, sitting: str, epoch: int, expected_seq: int, events: Sequence[Event]) -> Sequence[Row]:
        """Append all of `events` or none, durable when it returns; the first gets `expected_seq`.

        Raises :class:`LogRefused` or :class:`LogUnwritable`.
        """

    async def read(self, sitting: str, after_seq: int = 0) -> Sequence[Row]:
        """Rows with a `seq` above `after_seq`, in order."""

    async def sittings(self) -> Mapping[str, str]:
        """Each sitting in the log with the type of its last stage: what has to be rebuilt after a restart is not "closed"."""

    async def close(self) -> None: ...
