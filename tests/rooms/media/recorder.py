"""A recorder's end of the media feed, for tests of the engine: takes every datagram and sorts it."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rooms.recording import feed


@dataclass
class Heard:
    """What came of one handle."""

    announcement: dict[str, Any]
    sequence: list[int] = field(default_factory=list)
    arrivals: list[int] = field(default_factory=list)
    packets: list[bytes] = field(default_factory=list)
    reports: int = 0
    announced: int = 0
    ended: str = ""

    def missing(self) -> int:
        """Holes in the sequence numbers that came, repeats and order aside."""
        first = self.sequence[0]
        numbers = {(s - first + 0x8000) & 0xFFFF for s in self.sequence}
        return max(numbers) - min(numbers) + 1 - len(numbers)

    def span(self) -> int:
        first = self.sequence[0]
        numbers = {(s - first + 0x8000) & 0xFFFF for s in self.sequence}
        return max(numbers) - min(numbers) + 1


class FeedSocket:
    """Listens on `own` and speaks to the engine on `engine`."""

    def __init__(self, own: Path, engine: Path) -> None:
        self._own = own
        self._engine = engine
        self.tracks: dict[int, Heard] = {}
        self.unannounced = 0
        own.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(str(own))
        asyncio.get_running_loop().add_reader(self._socket.fileno(), self._readable)

    def want(self, sitting: str, instance: str) -> None:
        self._socket.sendto(feed.pack_json(feed.WANT, {"sitting": sitting, "instance": instance}), str(self._engine))

    def key_frame(self, handle: int) -> None:
        self._socket.sendto(feed.pack_json(feed.KEY_FRAME, {"handle": handle}), str(self._engine))

    def track(self, endpoint: str, source: str) -> Heard | None:
        """The newest track of a source."""
        for heard in reversed(self.tracks.values()):
            if (heard.announcement["endpoint"], heard.announcement["source"]) == (endpoint, source):
                return heard
        return None

    def heard(self, endpoint: str, source: str) -> int:
        """Packets that came of the newest track of a source."""
        track = self.track(endpoint, source)
        return len(track.packets) if track is not None else 0

    def _readable(self) -> None:
        try:
            while True:
                self._take(self._socket.recv(65536))
        except BlockingIOError:
            pass

    def _take(self, datagram: bytes) -> None:
        kind = datagram[0]
        if kind in (feed.ANNOUNCE, feed.ENDED):
            fields = feed.unpack_json(datagram)
            handle = int(str(fields["handle"]))
            if kind == feed.ANNOUNCE:
                self.tracks.setdefault(handle, Heard(dict(fields))).announced += 1
            elif handle in self.tracks:
                self.tracks[handle].ended = str(fields["cause"])
            return
        _, handle, arrival = feed.HEADER.unpack_from(datagram)
        packet = datagram[feed.HEADER.size :]
        heard = self.tracks.get(handle)
        if heard is None:
            self.unannounced += 1
        elif kind == feed.SENDER_REPORT:
            heard.reports += 1
        else:
            heard.sequence.append(packet[2] << 8 | packet[3])
            heard.arrivals.append(arrival)
            heard.packets.append(packet)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._socket.fileno())
        self._socket.close()
