"""The engine's end of the feed to the recorder (rooms/recording/feed.py): announce, send, retain, send again.

Nothing here waits. What the recorder's socket does not take is queued up to a limit and then dropped and counted; the
packets stay retained, so that a recorder that begins anew gets them.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import socket
import struct
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from rooms.media.engine import TrackKey
from rooms.recording import feed as wire

from .codecs import Codec
from .sequence import Rewriter

QUEUE_LIMIT_BYTES = 64 << 20
#: What an ended track carried is kept so long for a recorder that was being restarted just then.
KEEP_ENDED_S = 5.0
#: Why a track ends that nobody wants recorded any more: a recording that begins right after is not to get its last packets.
NOT_RECORDED = "not_recorded"
TICK_S = 1.0

_numbers = struct.Struct("!HI")
_head = struct.Struct("!HII")


@dataclass(slots=True)
class _Retained:
    arrival_us: int
    datagram: bytes
    key_frame: bool


@dataclass(slots=True)
class FedTrack:
    """A track while it is fed: from the first packet recorded until the end of recording or of the stream."""

    announcement: wire.Announcement
    video: bool
    rewriter: Rewriter = field(default_factory=Rewriter)
    retained: deque[_Retained] = field(default_factory=deque)
    retained_bytes: int = 0
    request_key_frame: Callable[[], None] | None = None
    ended: tuple[str, int] | None = None

    def retain(self, item: _Retained) -> None:
        self.retained.append(item)
        self.retained_bytes += len(item.datagram)
        if item.key_frame or not self.video:
            self.trim(item.arrival_us)
        if self.retained_bytes > wire.RETAIN_LIMIT_BYTES:
            self._drop_first()

    def trim(self, now_us: int) -> None:
        """Video is kept from the newest key frame that is old enough, audio from :data:`RETAIN_S` ago."""
        old = now_us - int(wire.RETAIN_S * 1e6)
        if self.video:
            keep = 0
            for index, item in enumerate(self.retained):
                if item.arrival_us > old:
                    break
                if item.key_frame:
                    keep = index
            for _ in range(keep):
                self._drop_first()
        limit = now_us - int(wire.RETAIN_LIMIT_S * 1e6) if self.video else old
        while self.retained and self.retained[0].arrival_us < limit:
            self._drop_first()

    def _drop_first(self) -> None:
        self.retained_bytes -= len(self.retained.popleft().datagram)


class Feed:
    """`own` is the socket the recorder speaks to, `recorder` the one the recorder listens on. Either None: no feed.

    `number` (0 to 255) is the worker's: several feed one recorder, and no two of their tracks have the same handle.
    """

    def __init__(self, own: Path | None, recorder: Path | None, number: int = 0) -> None:
        self._recorder = recorder
        self._tracks: dict[int, FedTrack] = {}
        self._wanted: dict[str, str] = {}
        self._number = number << 24
        # Not those of the engine that was here before: the recorder still knows its tracks.
        self._next = secrets.randbits(24)
        self._queue: deque[bytes] = deque()
        self._queue_bytes = 0
        self._writing = False
        self._out: socket.socket | None = None
        self._loop = asyncio.get_running_loop()
        self._in: socket.socket | None = None
        self._own = own
        self.counts: Counter[str] = Counter()
        if own is not None:
            self._listen(own)

    def _listen(self, own: Path) -> None:
        own.parent.mkdir(parents=True, exist_ok=True)
        own.unlink(missing_ok=True)
        self._in = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._in.setblocking(False)
        self._in.bind(str(own))
        own.chmod(0o600)
        self._loop.add_reader(self._in.fileno(), self._readable)

    # -- tracks

    def begin(self, sitting: str, key: TrackKey, codec: Codec, payload_type: int, ssrc: int) -> FedTrack:
        """Announce a track; its packets follow by :meth:`packet`."""
        self._next = (self._next + 1) & 0xFFFFFF
        handle = self._number | self._next
        announcement = wire.Announcement(handle, sitting, key.endpoint, key.source, codec.name, codec.clock_hz, payload_type, ssrc)
        track = FedTrack(announcement, codec.kind == "video")
        self._tracks[handle] = track
        self._announce(track)
        return track

    def end(self, track: FedTrack, cause: str) -> None:
        """The track is fed no more."""
        track.ended = (cause, int(time.time() * 1e6))
        track.request_key_frame = None
        if track.announcement.sitting in self._wanted:
            self._send(self._end_of(track))
        if cause == NOT_RECORDED:
            self._tracks.pop(track.announcement.handle, None)

    def packet(self, track: FedTrack, packet: bytes, arrival_us: int, key_frame: bool) -> None:
        """One RTP packet; its numbers are closed over pauses, so that a hole is a loss, and go on from one layer to another."""
        rewriter, ssrc = track.rewriter, track.announcement.ssrc
        if rewriter.seq_offset or rewriter.ts_offset or int.from_bytes(packet[8:12], "big") != ssrc:
            seq, timestamp = _numbers.unpack_from(packet, 2)
            seq, timestamp = (seq + rewriter.seq_offset) & 0xFFFF, (timestamp + rewriter.ts_offset) & 0xFFFFFFFF
            packet = packet[:2] + _head.pack(seq, timestamp, ssrc) + packet[12:]
        datagram = wire.pack_packet(wire.RTP, track.announcement.handle, arrival_us, packet)
        track.retain(_Retained(arrival_us, datagram, key_frame))
        if track.announcement.sitting in self._wanted:
            self._send(datagram)

    def sender_report(self, track: FedTrack, report: bytes, arrival_us: int) -> None:
        """One sender report, retained like a packet: a restarted recorder needs the sender's clock too."""
        datagram = wire.pack_packet(wire.SENDER_REPORT, track.announcement.handle, arrival_us, report)
        track.retain(_Retained(arrival_us, datagram, key_frame=False))
        if track.announcement.sitting in self._wanted:
            self._send(datagram)

    def tick(self) -> None:
        """Each second: announce again, forget what is old."""
        now_us = int(time.time() * 1e6)
        for handle, track in list(self._tracks.items()):
            if track.ended is not None:
                if now_us - track.ended[1] > KEEP_ENDED_S * 1e6:
                    del self._tracks[handle]
                continue
            track.trim(now_us)
            self._announce(track)

    def _announce(self, track: FedTrack) -> None:
        if track.announcement.sitting in self._wanted:
            self._send(wire.pack_announcement(track.announcement))

    def _end_of(self, track: FedTrack) -> bytes:
        cause = track.ended[0] if track.ended else ""
        return wire.pack_json(wire.ENDED, {"handle": track.announcement.handle, "sitting": track.announcement.sitting, "cause": cause})

    # -- from the recorder

    def _readable(self) -> None:
        if self._in is None:
            return
        with contextlib.suppress(BlockingIOError):
            for _ in range(64):
                self._take(self._in.recv(65536))

    def _take(self, datagram: bytes) -> None:
        try:
            fields = wire.unpack_json(datagram)
            if datagram[0] == wire.WANT:
                self._want(str(fields["sitting"]), str(fields["instance"]))
            elif datagram[0] == wire.KEY_FRAME:
                self._key_frame(int(str(fields["handle"])))
            else:
                self.counts["unknown"] += 1
        except (ValueError, KeyError, IndexError, json.JSONDecodeError):
            self.counts["malformed"] += 1

    def _want(self, sitting: str, instance: str) -> None:
        if self._wanted.get(sitting) == instance:
            return
        self._wanted[sitting] = instance
        for track in list(self._tracks.values()):
            if track.announcement.sitting == sitting:
                self._replay(track)

    def _replay(self, track: FedTrack) -> None:
        self._announce(track)
        for item in track.retained:
            self._send(item.datagram)
        self.counts["replayed"] += len(track.retained)
        if track.ended is not None:
            self._send(self._end_of(track))

    def _key_frame(self, handle: int) -> None:
        track = self._tracks.get(handle)
        if track is not None and track.request_key_frame is not None:
            track.request_key_frame()

    # -- the socket

    def _send(self, datagram: bytes) -> None:
        if self._queue or not self._try(datagram):
            self._enqueue(datagram)

    def _enqueue(self, datagram: bytes) -> None:
        if self._queue_bytes + len(datagram) > QUEUE_LIMIT_BYTES:
            self.counts["dropped_full"] += 1
            return
        self._queue.append(datagram)
        self._queue_bytes += len(datagram)
        if not self._writing and self._out is not None:
            self._writing = True
            self._loop.add_writer(self._out.fileno(), self._writable)

    def _writable(self) -> None:
        while self._queue:
            if not self._try(self._queue[0]):
                return
            if self._queue:
                self._queue_bytes -= len(self._queue.popleft())
        self._stop_writing()

    def _try(self, datagram: bytes) -> bool:
        """False if the recorder's socket is full just now. What has no recorder is dropped: it is retained elsewhere."""
        try:
            self._connected().send(datagram)
        except BlockingIOError:
            return False
        except OSError:
            self.counts["dropped_no_recorder"] += 1
            self._gone()
        else:
            self.counts["sent"] += 1
        return True

    def _connected(self) -> socket.socket:
        if self._out is None:
            if self._recorder is None:
                raise ConnectionError("no recorder")
            out = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            out.setblocking(False)
            try:
                out.connect(str(self._recorder))
            except OSError:
                out.close()
                raise
            self._out = out
        return self._out

    def _gone(self) -> None:
        """The recorder went: whoever comes next has to want its sittings again."""
        self._stop_writing()
        self.counts["dropped_no_recorder"] += len(self._queue)
        self._queue.clear()
        self._queue_bytes = 0
        self._wanted.clear()
        if self._out is not None:
            self._out.close()
            self._out = None

    def _stop_writing(self) -> None:
        if self._writing and self._out is not None:
            self._loop.remove_writer(self._out.fileno())
        self._writing = False

    def report(self) -> dict[str, object]:
        """Counters, and the number of bytes that wait."""
        fed = sum(1 for t in self._tracks.values() if t.ended is None)
        return {**self.counts, "waiting_bytes": self._queue_bytes, "tracks": fed, "wanted": sorted(self._wanted)}

    def close(self) -> None:
        """End every track and close the sockets. May be called twice."""
        for track in self._tracks.values():
            if track.ended is None:
                self.end(track, "engine_ended")
        self._gone()
        if self._in is not None:
            self._loop.remove_reader(self._in.fileno())
            self._in.close()
            self._in = None
            if self._own is not None:
                self._own.unlink(missing_ok=True)
