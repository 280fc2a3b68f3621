"""How the server commands the recorder: requests over :mod:`rooms.wire`, notices back.

The server states what it desires (`open`, `record`) again after each reconnection; all of it is idempotent, carries
the conference's epoch, and a lower epoch is refused with code "stale_epoch".

Requests (all with `sitting` and `epoch`):

* ``open {folder, title}``: the sitting's folder below the recordings directory is made and checked for writing.
* ``record {on, reason, operator}``: start or stop capture. The answer comes when the first heartbeat, or the last
  byte, is on disk. `reason` is a word such as "hearing_opened", "recess", "closed", "recorder_restarted".
* ``events {rows}``: rows of the event log, each the canonical JSON line with its hash, appended to ``events.jsonl``
  in order of `seq`; rows already there are ignored.
* ``seal {meta}``: close all files, write ``manifest.json`` over the tracks, the ledger and the log, make originals
  read-only. `meta` holds sitting, participants and endpoints for the manifest. Answers {"manifest_sha256", "files", "signed_by"}.
* ``report {}`` (no sitting, no epoch): {"instance", "sittings": {id: {"on", "failed", "tracks": [...]}}}

Notices:

* ``heartbeat {sitting, at_us, recording, free_bytes, second, tracks: [{endpoint, source, packets, frames, bytes, lost}]}`` each second,
  sent after ``fdatasync`` of the heartbeat file; `second`: it goes on in the second directory; `packets` counts RTP packets accepted since
  the track was announced.
* ``alarm {sitting, cause, detail}`` and ``alarm_cleared {sitting, cause}``: cause is "disk_full", "write_failed",
  "folder_lost" or "clock".
* ``gap {sitting, endpoint, source, from_us, to_us, cause}``: a loss of more than 100 ms, also in ``ledger.jsonl``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class RecorderEvent:
    """A notice of the recorder, or ``up`` (fields: instance) / ``lost`` from the connection to it."""

    name: str
    sitting: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)


class RecorderError(Exception):
    """A refused or failed request. Codes: stale_epoch, unknown_sitting, write_failed, disk_full, lost, timeout, failed."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class Recorder(Protocol):
    """What a conference needs of a recorder."""

    async def open(self, sitting: str, epoch: int, folder: str, title: str) -> None: ...

    async def record(self, sitting: str, epoch: int, on: bool, reason: str, operator: str) -> None: ...

    async def events(self, sitting: str, epoch: int, rows: Sequence[str]) -> None: ...

    async def seal(self, sitting: str, epoch: int, meta: Mapping[str, Any]) -> Mapping[str, Any]: ...

    async def report(self) -> Mapping[str, Any]: ...

    def on_event(self, listener: Callable[[RecorderEvent], None]) -> None: ...

    async def close(self) -> None: ...
