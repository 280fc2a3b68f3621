"""The capture of one sitting: its tracks, its folder, its heartbeat. Lives on the recorder's event loop.

Reception never waits for the disk: frames go to the sitting's :class:`rooms.recording.disk.DiskThread` in batches.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from rooms.recording.batch import Batch, Source
from rooms.recording.disk import DiskThread
from rooms.recording.feed import Announcement
from rooms.recording.folder import SittingFolder
from rooms.recording.frame import Hole, Timed
from rooms.recording.recovery import Found
from rooms.recording.refusing import FolderError, cause_of
from rooms.recording.seal import seal_folder
from rooms.recording.signer import Signer, SignerUnusable
from rooms.recording.takeover import bring_home, go_on, goes_on_there
from rooms.recording.timing import EndpointClock
from rooms.recording.track import Track

BEAT_LIMIT_US = 2_500_000
"""A heartbeat that is not on the disk after this is an alarm: the disk hangs without an error. It is looked at each second, and the
alarm is due within five."""
CLOCK_STEP_US = 500_000
ENGINE_LOST_US = 3_000_000
"""Announcements come each second; without any for this long the track is gone."""
FINISH_LIMIT_S, TAKEOVER_LIMIT_S = 0.5, 3.0
"""So long the first folder may take to come to an end, and the second to begin."""
LOSS_CAUSES = frozenset({"engine_lost", "engine_ended"})
"""Causes of a track's end that its endpoint did not mean: what follows until it is back is a gap."""
Send = Callable[..., None]


def now_us() -> int:
    """The host's wall clock, which is also the engine's: µs since the epoch."""
    return time.time_ns() // 1000


class Capture:
    """One sitting. `notify` gets every notice with its fields; all methods are called on the loop."""

    def __init__(
        self,
        sitting: str,
        root: Path,
        notify: Send,
        signer: Callable[[], Signer | None] = lambda: None,
        stills: Path | None = None,
        second: Path | None = None,
    ) -> None:
        self.sitting = sitting
        self.root = self._first = root
        self.epoch = 0
        self.on = False
        self.instance = uuid4().hex
        self.tracks: dict[int, Track] = {}
        self.failed = ""
        self._notify = notify
        self._signer = signer
        self._stills = stills
        self._disk = DiskThread(f"disk-{sitting[:8]}")
        self._folder = SittingFolder(root, partial(self._from_disk, root))
        self._second = second
        self._taking_over: asyncio.Task[bool] | None = None
        self._found: Found | None = None
        self._loop = asyncio.get_running_loop()
        self._clocks: dict[str, EndpointClock] = {}
        self._numbers = 0
        self._not_before_us = 0
        self._turn = asyncio.Lock()
        self._beat_since_us = 0
        self._stalled = False
        self._overflow = False
        self._clock_skew_us = 0
        self._clock_alarm_beats = 0
        self._seal_answer: dict[str, Any] | None = None

    # -- commands -----------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Make or find the folder. Raises FolderError."""
        async with self._turn:
            if self._found is None:
                if self._second is not None and await self._disk.call(partial(goes_on_there, self._first, self._second)):
                    self.root, self._folder = self._second, SittingFolder(self._second, partial(self._from_disk, self._second))
                found = await self._opened()
                self._found = found
                self._not_before_us = found.stopped_us
                self.epoch = max(self.epoch, found.epoch)

    async def _opened(self) -> Found:
        try:
            return await self._disk.call(self._folder.open)
        except FolderError as error:
            if not await self._take_over(error.code, now_us()):
                raise
        return Found()

    async def ready(self) -> None:
        """Make sure that recording could begin now: the folder is there and takes a write, or the second one does. Raises FolderError."""
        await self.open()
        async with self._turn:
            if self._folder.sealed or (self.on and not self.failed):
                return
            try:
                await self._disk.call(self._folder.check)
            except FolderError as error:
                if not await self._take_over(error.code, now_us()):
                    raise

    async def record(self, on: bool, reason: str, operator: str) -> None:
        """Start or stop; returns when the first heartbeat, or the last byte, is on the disk. Raises FolderError."""
        await self.open()
        async with self._turn:
            if on:
                await self._start(reason, operator)
            else:
                await self._stop(reason, operator)

    async def _start(self, reason: str, operator: str) -> None:
        if self._folder.sealed:
            raise FolderError("failed", "the sitting is sealed")
        if not self.on:
            self.on = self._found is not None and self._found.running  # after a restart it goes on, even on a disk that fails just now
            begins = self.on, self.root
            try:
                await self._disk.call(partial(self._folder.start, self.epoch, now_us(), reason, operator))
            except FolderError as error:
                if self.root == begins[1] and not await self._take_over(error.code, now_us()):
                    raise
                if not begins[0]:
                    await self._disk.call(partial(self._folder.start, self.epoch, now_us(), reason, operator))
            self.on = True
            self.instance = uuid4().hex  # what the engine fed before we listened is sent again
            self._clock_skew_us = _skew_us()
        if await self._beat() is None:
            raise FolderError(self.failed or "write_failed", "the heartbeat could not be written")

    async def _stop(self, reason: str, operator: str) -> None:
        at_us = now_us()
        if self.on:
            self._drain(lambda track: track.rest())
            self.on = False
            self._not_before_us = at_us
            self._forget_tracks()
        elif not (self._found and self._found.running):
            return
        self._found = Found(False, at_us, self.epoch, 0, self._folder.sealed)
        await self._disk.call(partial(self._folder.stop, self.epoch, at_us, reason, operator))
        await self._beat()

    async def events(self, rows: Sequence[str]) -> int:
        """Append rows of the event log. Raises FolderError."""
        await self.open()
        return await self._disk.call(partial(self._folder.append_events, rows))

    async def seal(self, meta: Mapping[str, Any]) -> dict[str, Any]:
        """Stop if need be, then seal; a sealed folder gives the same answer again. Raises FolderError."""
        await self.open()
        async with self._turn:
            if not self._folder.sealed:
                await self._stop("sealed", "")
            if self._seal_answer is None:
                self._seal_answer = await self._disk.call(partial(self._seal, dict(meta)))
            return self._seal_answer

    def _seal(self, meta: dict[str, Any]) -> dict[str, Any]:
        if not self._folder.sealed:
            self._folder.close_lines()
        try:
            if self.root != self._first:
                bring_home(self._first, self.root)
            answer = seal_folder(self._first, {**meta, "sitting": self.sitting}, now_us(), self._signer(), self._stills)
        except OSError as error:
            raise FolderError(cause_of(error), str(error)) from error
        except SignerUnusable as error:
            raise FolderError("failed", f"the manifest cannot be signed: {error}") from error  # asked again until it can
        self._folder.sealed = True
        if self.root != self._first:
            shutil.rmtree(self.root, ignore_errors=True)  # it is home, and sealed there
        return answer

    def describe(self) -> dict[str, Any]:
        """For the report: what is on and how it fares."""
        tracks = list(self._known().values())
        return {"on": self.on, "failed": self.failed, "sealed": self._folder.sealed, "epoch": self.epoch, "tracks": tracks}

    # -- the feed -----------------------------------------------------------------------------------------------

    def announce(self, announcement: Announcement) -> None:
        """A track is fed under `announcement.handle`, or still is. Raises ValueError for a codec we cannot write."""
        if not self.on:
            return
        track = self.tracks.get(announcement.handle)
        if track is None or track.announcement != announcement:
            if track is not None:  # another engine took the number: the one that had it said nothing
                self._end(track, "engine_lost")
            self._end_former((announcement.endpoint, announcement.source))
            self._numbers += 1
            clock = self._clocks.setdefault(announcement.endpoint, EndpointClock())
            track = self.tracks[announcement.handle] = Track(self._numbers, announcement, clock)
        track.seen_us = now_us()

    def _end_former(self, key: tuple[str, str]) -> None:
        """An engine tells when a track ends; one that comes back under another handle untold lost its engine."""
        for track in list(self.tracks.values()):
            if track.key == key:
                self._end(track, "engine_lost")

    def packet(self, handle: int, datagram: bytes, arrival_us: int, start: int) -> None:
        """An RTP packet. What arrived before the last stop is none of this recording's."""
        track = self.tracks.get(handle)
        if track is not None and arrival_us >= self._not_before_us:
            track.take(datagram, arrival_us, start)

    def report(self, handle: int, datagram: bytes, start: int) -> None:
        """A sender report."""
        track = self.tracks.get(handle)
        if track is not None:
            track.report(datagram, start)

    def ended(self, handle: int, cause: str) -> None:
        """The engine feeds the track no more."""
        track = self.tracks.get(handle)
        if track is not None:
            self._end(track, cause)

    def _end(self, track: Track, cause: str) -> None:
        del self.tracks[track.announcement.handle]
        self._write([Batch(_source(track), track.rest(), track.packets, track.lost)])
        track.close()
        self._disk.offer(partial(self._folder.end_track, _source(track), cause, cause in LOSS_CAUSES), 0)

    def _forget_tracks(self) -> None:
        for track in self.tracks.values():
            track.close()
        self.tracks.clear()
        self._clocks.clear()

    # -- time ---------------------------------------------------------------------------------------------------

    def tick(self, at_us: int) -> None:
        """Write what is due; called each 0.2 s."""
        for track in list(self.tracks.values()):
            if at_us - track.seen_us > ENGINE_LOST_US:
                self._end(track, "engine_lost")
        self._drain(lambda track: track.due(at_us))

    def _drain(self, items_of: Callable[[Track], list[Timed | Hole]]) -> None:
        batches = [Batch(_source(track), items, track.packets, track.lost) for track in self.tracks.values() if (items := items_of(track))]
        if batches:
            self._write(batches)

    def _write(self, batches: list[Batch]) -> None:
        """Hand frames of all tracks to the disk at once: waking its thread costs more than a frame does."""
        if self._overflow and self._disk.backlog_bytes == 0:
            self._overflow = False
        size = sum(batch.size for batch in batches)
        if not self._overflow and self._disk.offer(partial(self._folder.write, batches, now_us()), size):
            return
        self._overflow = True
        self._disk.offer(partial(self._folder.interrupt, batches), 0)
        for track in self.tracks.values():
            track.want_key_frame()

    async def beat(self) -> None:
        """The heartbeat of each second. Never raises; a disk that does not answer is an alarm."""
        at_us = now_us()
        if self._beat_since_us:
            if at_us - self._beat_since_us > BEAT_LIMIT_US and not self._stalled and not self.failed:
                self._stalled = True
                self._alarm("alarm", "write_failed", "the disk does not answer")
                self._begin_takeover("write_failed", self._beat_since_us)
            return
        if self.on:
            self._watch_clock()
        if self.on or self.failed:
            await self._beat()

    async def _beat(self) -> dict[str, Any] | None:
        self._beat_since_us = now_us()
        try:
            row = await self._disk.call(partial(self._folder.beat, self._beat_since_us, self.on, self._known()))
        except FolderError:
            return None  # the disk was given up while this waited for it
        finally:
            self._beat_since_us = 0
        if self._stalled:
            self._stalled = False
            self._alarm("alarm_cleared", "write_failed", "the disk answers again")
        if row is not None:
            self._notify("heartbeat", sitting=self.sitting, second=self.root == self._second, **row)
        return row

    def _known(self) -> dict[int, dict[str, Any]]:
        return {
            track.number: {"endpoint": track.key[0], "source": track.key[1], "packets": track.packets, "lost": track.lost}
            for track in self.tracks.values()
        }

    def _watch_clock(self) -> None:
        """A wall clock that steps is an alarm; new segments begin, so that no file has two times."""
        skew = _skew_us()
        if abs(skew - self._clock_skew_us) > CLOCK_STEP_US:
            step_ms = (skew - self._clock_skew_us) // 1000
            self._alarm("alarm", "clock", f"the clock of the host stepped by {step_ms} ms")
            self._disk.offer(partial(self._folder.roll, "clock"), 0)
            for track in self.tracks.values():
                track.want_key_frame()
            self._clock_alarm_beats = 10
        elif self._clock_alarm_beats:
            self._clock_alarm_beats -= 1
            if not self._clock_alarm_beats:
                self._alarm("alarm_cleared", "clock", "")
        self._clock_skew_us = skew

    def _alarm(self, name: str, cause: str, detail: str) -> None:
        fields = {"cause": cause, "detail": detail} if name == "alarm" else {"cause": cause}
        self._notify(name, sitting=self.sitting, **fields)
        self._disk.offer(partial(self._folder.note_alarm, name, cause, now_us(), detail), 0)

    def _begin_takeover(self, cause: str, since_us: int) -> None:
        if self._second is not None and self.root != self._second and self._taking_over is None:
            self._taking_over = asyncio.create_task(self._take_over(cause, since_us))

    async def _take_over(self, cause: str, since_us: int) -> bool:
        """Go on in the second folder, if there is one that takes it: as after a restart of the recorder, the engine sends again what it
        retained. Nobody waits for the first disk, which may hang."""
        if self._second is None or self.root == self._second:
            return False
        former, former_disk = self._folder, self._disk
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(former_disk.call(lambda: None), FINISH_LIMIT_S)
        disk = DiskThread(f"second-{self.sitting[:8]}")
        keys = [track.key for track in self.tracks.values()]
        notify = partial(self._from_disk, self._second)
        try:
            going_on = disk.call(partial(go_on, former, self._second, notify, keys, cause, (since_us, now_us()), self.epoch))
            folder = await asyncio.wait_for(going_on, TAKEOVER_LIMIT_S)
        except (OSError, FolderError, TimeoutError) as error:
            disk.abandon(FolderError(cause, "the second folder does not take it either"))
            self._notify("alarm", sitting=self.sitting, cause=cause, detail=f"second folder: {error}")
            return False
        finally:
            self._taking_over = None
        self._disk, self._folder, self.root = disk, folder, self._second
        former_disk.abandon(FolderError(cause, "the recording goes on in the second folder"), former.close)
        self._forget_tracks()
        self.instance = uuid4().hex
        self.failed, self._stalled, self._overflow = "", False, False
        self._notify("alarm_cleared", sitting=self.sitting, cause=cause)
        return True

    def _from_disk(self, root: Path, name: str, fields: dict[str, Any]) -> None:
        """Called on the disk thread."""
        self._loop.call_soon_threadsafe(self._from_folder, root, name, fields)

    def _from_folder(self, root: Path, name: str, fields: dict[str, Any]) -> None:
        if root != self.root:
            return  # one that was given up
        if name == "alarm":
            self.failed = fields["cause"]
            self._begin_takeover(self.failed, now_us())
        elif name == "alarm_cleared":
            self.failed = ""
            for track in self.tracks.values():
                track.want_key_frame()
        self._notify(name, sitting=self.sitting, **fields)

    async def close(self) -> None:
        """The recorder ends: write what came and close the files; the ledger's next row will be a restart."""
        self._drain(lambda track: track.rest())
        self._forget_tracks()
        self.on = False
        self._disk.offer(self._folder.close, 0)
        await self._disk.close()


def _source(track: Track) -> Source:
    a = track.announcement
    return Source(track.number, a.endpoint, a.source, a.codec, a.ssrc)


def _skew_us() -> int:
    return (time.time_ns() - time.monotonic_ns()) // 1000
