"""The folder of one sitting on disk: who writes what, and what happens when the disk refuses. Runs on a disk thread.

::

    <folder>/tracks/0001-camera-<endpoint>.mkv   one segment of one track, Matroska, timestamp 0 at its start_us
    <folder>/segments.jsonl                      rows "opened" and "closed" of every segment
    <folder>/events.jsonl                        the sitting's event log, hash-chained (rooms.log)
    <folder>/ledger.jsonl                        starts, stops, restarts, gaps, alarms
    <folder>/heartbeat.jsonl                     one row a second while recording
    <folder>/digests.jsonl                       how far each of these is proven (rooms.recording.digests)
    <folder>/manifest.json                       made by sealing
    <folder>/derived/                            made from the originals, may be deleted

A :class:`SittingFolder` of a recorder that was killed is opened again over what it left: its last files stay as they
are, listed with cause "interrupted", and new segments get new numbers.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rooms.recording import recovery
from rooms.recording.batch import Batch, Source
from rooms.recording.frame import Hole, Timed
from rooms.recording.gaps import Gap, Gaps
from rooms.recording.lists import Lists
from rooms.recording.recovery import Found
from rooms.recording.refusing import FolderError, cause_of, probe
from rooms.recording.rolling import Row
from rooms.recording.segment import Segment

BEHIND_US = 6_000_000
"""What arrived so long before a heartbeat is on the disk, where a killed recorder leaves it, however busy the machine is."""
Notify = Callable[[str, dict[str, Any]], None]


@dataclass(slots=True)
class _Writing:
    """A track that has written or will write. `*_before`: counts when its present segment began."""

    source: Source
    segment: Segment | None = None
    packets: int = 0
    lost: int = 0
    packets_before: int = 0
    lost_before: int = 0
    frames: int = 0
    bytes: int = 0


class SittingFolder:
    """See the module. `notify` is called on the disk thread with a notice's name and fields."""

    def __init__(self, root: Path, notify: Notify) -> None:
        self.root = root
        self.notify = notify
        self.failed = ""
        self.sealed = False
        self.last_event = 0
        self._tracks = root / "tracks"
        self._lists = Lists(root)
        self._writing: dict[int, _Writing] = {}
        self._gaps = Gaps()
        self._number = 0
        self._running = self._over = False
        self._failed_us = self._last_beat_us = self._now_us = 0
        self._epoch = 0

    # -- opening ------------------------------------------------------------------------------------------------

    def open(self) -> Found:
        """Make what is missing, finish what a killed recorder left, check that the disk takes a write. Raises FolderError."""
        self.sealed = (self.root / "manifest.json").exists()
        if self.sealed:
            return Found(sealed=True)
        try:
            self._tracks.mkdir(parents=True, exist_ok=True)
            left = self._lists.open()
            self._last_beat_us = left.last_beat_us
            self._recover(left.segments)
            probe(self.root)
        except OSError as error:
            raise FolderError.of(error) from error
        self.last_event = left.last_event
        found = recovery.read_ledger(left.ledger, self.last_event)
        self._running = found.running
        return found

    def _recover(self, segments: Sequence[Mapping[str, Any]]) -> None:
        self._number = recovery.last_number(self._tracks, segments)
        for key, end_us in recovery.ends(segments):
            self._gaps.ends(key, end_us)
        for opened, closed in recovery.interrupted(self.root, segments):
            self._lists.segments.add(closed)
            well_us = self._last_beat_us - BEHIND_US
            self._gaps.cut((opened["endpoint"], opened["source"]), closed["end_us"], "recorder_restarted", well_us)
        self._lists.segments.flush()

    def check(self) -> None:
        """Raises FolderError unless the folder is there and takes a write of some size."""
        try:
            if not self._lists.in_place():
                self._make_again()
            probe(self.root)
        except OSError as error:
            raise FolderError.of(error) from error

    # -- in place of another ------------------------------------------------------------------------------------

    @property
    def was_open(self) -> bool:
        """Whether its lists were read."""
        return self._lists.is_open

    def left(self, cause: str) -> dict[str, list[bytes]]:
        """What the lists say, by name, from memory: whoever goes on elsewhere needs nothing of this disk, which may hang just now. Files
        that are open are closed in them as far as they are readable, and this one begins no other."""
        self._over = True
        for writing in self._writing.values():
            segment, writing.segment = writing.segment, None
            if segment is not None:
                segment.given_up()
                self._closed(writing, segment, cause)
        return self._lists.known()

    def continued(self, keys: Iterable[tuple[str, str]], cause: str, since_us: int, number: int) -> None:
        """This one goes on with a recording that began elsewhere: of these tracks nothing is written since `since_us`, and files have
        numbers above `number`."""
        self._last_beat_us, self._number = since_us, max(self._number, number)
        for key in keys:
            self._gaps.miss(key, cause, since_us)

    # -- starts and stops ---------------------------------------------------------------------------------------

    def start(self, epoch: int, at_us: int, reason: str, operator: str, cause: str = "recorder_restarted") -> None:
        """Capture begins, or goes on after a restart or, for another `cause`, in the second folder. Raises FolderError when that cannot
        be written down."""
        self._epoch, self._now_us = epoch, at_us
        try:
            probe(self.root)
        except OSError as error:
            if self._running:
                self._fail(error)
            raise FolderError.of(error) from error
        if self._running:
            self._gaps.restarted(at_us)
            since_us = self._last_beat_us or at_us
            self._note("restart", at_us, reason=reason, operator=operator, cause=cause, from_us=since_us, to_us=at_us)
        else:
            self._gaps.clear()
            self._note("start", at_us, reason=reason, operator=operator)
        self._running = True
        self._flush()

    def stop(self, epoch: int, at_us: int, reason: str, operator: str) -> None:
        """Capture ends: every file is closed, what is missing up to now is written down. Raises FolderError."""
        self._epoch, self._now_us = epoch, at_us
        self._close_segments("stopped")
        for gap in self._gaps.stop(at_us):
            self._note_gap(gap)
        if self._running:
            self._note("stop", at_us, reason=reason, operator=operator)
            self._running = False
        self._flush()

    def _flush(self) -> None:
        try:
            self._lists.segments.flush()
            self._lists.ledger.flush()
            self._lists.prove(self._now_us, self._open_segments())
        except OSError as error:
            self._fail(error)
            raise FolderError.of(error) from error

    def _open_segments(self) -> Iterator[Row]:
        return (writing.segment.rolled() for writing in self._writing.values() if writing.segment is not None)

    def _closing(self, row: Row) -> None:
        """A segment is about to get its last head. That it cannot be written down now keeps no segment from being closed."""
        with contextlib.suppress(OSError):
            self._lists.prove_closing(self._now_us, row)

    def _note(self, kind: str, at_us: int, **fields: Any) -> None:
        self._lists.ledger.add({"kind": kind, "at_us": at_us, "epoch": self._epoch, **fields})

    def close(self) -> None:
        """Close every file as it is; the recorder ends. Never raises."""
        self._close_segments("recorder_stopped")
        for lines in (self._lists.segments, self._lists.ledger):
            try:
                lines.flush()
            except OSError:
                continue  # the alarm was raised when it began
        with contextlib.suppress(OSError):
            self._lists.prove(self._now_us, self._open_segments())
        self._lists.close()

    # -- frames -------------------------------------------------------------------------------------------------

    def write(self, batches: Iterable[Batch], at_us: int) -> None:
        """Append frames. A failure raises an alarm, no error."""
        self._now_us = at_us
        for batch in batches:
            writing = self._writing.get(batch.source.number)
            if writing is None:
                writing = self._writing[batch.source.number] = _Writing(batch.source)
            writing.packets, writing.lost = batch.packets, batch.lost
            for item in batch.items:
                if isinstance(item, Hole):
                    self._miss(writing, item.cause, item.from_us)
                elif self.failed:
                    self._miss(writing, self.failed, item.wall_us)
                else:
                    self._frame(writing, item)

    def interrupt(self, batches: Iterable[Batch]) -> None:
        """These were dropped on the way here; a video goes on with the next key frame, in a new segment."""
        for batch in batches:
            first = next((item for item in batch.items if isinstance(item, Timed)), None)
            writing = self._writing.get(batch.source.number)
            if first is None or writing is None:
                continue
            self._miss(writing, "write_failed", first.wall_us)
            if batch.source.codec != "opus":
                self._close_segment(writing, "write_failed")

    def _miss(self, writing: _Writing, cause: str, at_us: int) -> None:
        self._gaps.miss(writing.source.key, cause, at_us, writing.segment.end_us if writing.segment else None)

    def _frame(self, writing: _Writing, frame: Timed) -> None:
        if self._over:
            return  # a disk that hung in the midst of a batch
        try:
            if writing.segment is not None and not writing.segment.holds(frame):
                self._close_segment(writing, "resized")
            segment = writing.segment
            if segment is None:
                if not frame.key:
                    return
                segment = self._open_segment(writing, frame)
            segment.append(frame)
            if self._gaps and (gap := self._gaps.resume(writing.source.key, frame.wall_us)) is not None:
                self._note_gap(gap)
            writing.frames += 1
            writing.bytes += len(frame.data)
        except OSError as error:
            self._fail(error)
            self._miss(writing, cause_of(error), frame.wall_us)

    def _note_gap(self, gap: Gap) -> None:
        """Write a gap down, then tell."""
        self._note("gap", self._now_us, **gap.to_json())
        if not self.failed:
            try:
                self._lists.ledger.flush()
            except OSError as error:
                self._fail(error)
        self.notify("gap", gap.to_json())

    def _open_segment(self, writing: _Writing, first: Timed) -> Segment:
        self._number += 1
        source = writing.source
        name = f"{self._number:04d}-{_safe(source.source)}-{_safe(source.endpoint)}.mkv"
        segment = writing.segment = Segment(self._tracks / name, source.codec, first)
        self._lists.segments.add(
            {
                "row": "opened",
                "number": self._number,
                "file": f"tracks/{name}",
                "endpoint": source.endpoint,
                "source": source.source,
                "codec": source.codec,
                "ssrc": source.ssrc,
                "start_us": first.wall_us,
            }
        )
        self._lists.segments.flush()
        return segment

    def end_track(self, source: Source, cause: str, is_loss: bool) -> None:
        """The engine feeds this track no more. With `is_loss` its endpoint did not mean to end it."""
        writing = self._writing.pop(source.number, None)
        if writing is not None and writing.segment is not None:
            end_us = writing.segment.end_us
            self._close_segment(writing, cause)
            if is_loss:
                self._gaps.miss(source.key, cause, end_us)

    def roll(self, cause: str) -> None:
        """Begin new segments, because time stepped."""
        for writing in self._writing.values():
            self._close_segment(writing, cause)

    def _close_segments(self, cause: str) -> None:
        for writing in list(self._writing.values()):
            self._close_segment(writing, cause)
        self._writing.clear()

    def _close_segment(self, writing: _Writing, cause: str) -> None:
        segment, writing.segment = writing.segment, None
        if segment is None:
            return
        try:
            segment.close(self._closing)
        except OSError as error:
            cause = cause_of(error)
            self._fail(error)
        if segment.broken:
            self._gaps.cut(writing.source.key, segment.end_us, cause)
        else:
            self._gaps.ends(writing.source.key, segment.end_us)
        self._closed(writing, segment, cause)

    def _closed(self, writing: _Writing, segment: Segment, cause: str) -> None:
        self._lists.segments.add(
            {
                "row": "closed",
                "file": f"tracks/{segment.path.name}",
                "end_us": segment.end_us,
                "packets": writing.packets - writing.packets_before,
                "frames": segment.frames,
                "lost": writing.lost - writing.lost_before,
                "bytes": segment.bytes,
                "cause": cause,
            }
        )
        writing.packets_before, writing.lost_before = writing.packets, writing.lost

    # -- heartbeat and failure ----------------------------------------------------------------------------------

    def beat(self, at_us: int, recording: bool, tracks: Mapping[int, Mapping[str, Any]]) -> dict[str, Any] | None:
        """Append a heartbeat; its fields when it is on the disk, None while the disk fails. Tries to recover first.

        `tracks` maps a track's number to what the network side knows of it: endpoint, source, packets, lost.
        """
        self._now_us = at_us
        if self.failed and not self._recovered(at_us):
            return None
        rows = [{**known, **self._written(number)} for number, known in tracks.items()]
        try:
            if not self._lists.in_place():
                raise FileNotFoundError(errno.ENOENT, "the sitting's folder is gone", str(self.root))
            free = os.statvfs(self.root)
            row = {"at_us": at_us, "recording": recording, "free_bytes": free.f_bavail * free.f_frsize, "tracks": rows}
            self._lists.heartbeat.add(row)
            self._lists.heartbeat.flush()
            self._lists.segments.flush()
            self._lists.ledger.flush()
            self._sync()
            self._lists.prove(at_us, self._open_segments())
        except OSError as error:
            self._lists.heartbeat.drop()
            self._fail(error)
            return None
        return row

    def _written(self, number: int) -> dict[str, int]:
        writing = self._writing.get(number)
        return {"frames": writing.frames, "bytes": writing.bytes} if writing else {"frames": 0, "bytes": 0}

    def _sync(self) -> None:
        for writing in self._writing.values():
            if writing.segment is not None:
                writing.segment.sync()

    def _fail(self, error: OSError) -> None:
        """The disk refuses: close what is open as well as it goes, raise the alarm once, let `beat` retry."""
        if self.failed:
            return
        self.failed = cause_of(error)
        self._failed_us = self._now_us
        self._note("alarm", self._now_us, cause=self.failed, detail=str(error))
        self.notify("alarm", {"cause": self.failed, "detail": str(error)})
        self.roll(self.failed)

    def _recovered(self, at_us: int) -> bool:
        try:
            if not self._lists.in_place() or not self._tracks.is_dir():
                self._make_again()
            probe(self.root)
            cause, self.failed = self.failed, ""
            self._note("alarm_cleared", at_us, cause=cause, from_us=self._failed_us, to_us=at_us)
            self._lists.segments.flush()
            self._lists.ledger.flush()
        except OSError as error:
            self.failed = cause_of(error)
            return False
        self.notify("alarm_cleared", {"cause": cause})
        return True

    def _make_again(self) -> None:
        """The folder vanished: make it anew with all that the lists said."""
        self._tracks.mkdir(parents=True, exist_ok=True)
        self._lists.make_again()

    def note_alarm(self, kind: str, cause: str, at_us: int, detail: str) -> None:
        """Write down an alarm that somebody else saw; `kind` is "alarm" or "alarm_cleared"."""
        self._note(kind, at_us, cause=cause, detail=detail)

    # -- events and the end -------------------------------------------------------------------------------------

    def append_events(self, rows: Sequence[str]) -> int:
        """Append rows of the event log in order of `seq`, those that are new; the last `seq` on disk. Raises FolderError."""
        if self.sealed:
            return self.last_event
        last = self.last_event
        try:
            for seq, row in sorted((int(json.loads(row)["seq"]), row) for row in rows):
                if seq > last + 1:
                    raise FolderError("failed", f"event {seq} cannot follow event {last}")
                if seq == last + 1:
                    self._lists.events.add(row)
                    last = seq
            self._lists.events.flush()
        except OSError as error:
            raise FolderError.of(error) from error
        finally:
            self._lists.events.drop()  # the server sends again what is not on the disk
        self.last_event = last
        return last

    def close_lines(self) -> None:
        """Nothing more is written: the folder is about to be sealed. Raises FolderError. May be called twice."""
        if self._lists.is_open:
            self._flush()
        self._lists.close()


def _safe(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]", "_", text)[:64] or "_"
