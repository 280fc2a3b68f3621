"""The recorder's end of the feed from the engine's workers (:mod:`rooms.recording.feed`)."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import structlog

from rooms.recording import feed
from rooms.recording.capture import Capture

DATAGRAM_BYTES = 8192
QUEUE_LIMIT = 200_000
RECEIVE_BUFFER_BYTES = 8 << 20
log = structlog.get_logger()


class Tracks(Protocol):
    """Who knows the tracks that are fed."""

    by_handle: dict[int, Capture]

    def announce(self, announcement: feed.Announcement) -> None:
        """A track is fed."""

    def ended(self, handle: int, cause: str) -> None:
        """A track is fed no more."""


class Feed:
    """The datagram socket that all workers of the engine send to; `engines` are theirs.

    A thread only receives; what came is taken at the next tick. The kernel's queue may be a few datagrams short, so it
    is emptied at once, and a blocking thread wakes for half of what an event loop's wake-up costs.
    """

    def __init__(self, path: Path, engines: Sequence[Path], tracks: Tracks) -> None:
        self._path = path
        self._engines = tuple(str(engine) for engine in engines)
        self._tracks = tracks
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        self._socket.bind(str(path))
        path.chmod(0o600)
        self._speaker = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._speaker.setblocking(False)
        self.dropped: dict[str, int] = {}
        self._queue: deque[bytes] = deque(maxlen=QUEUE_LIMIT)
        self._closed = False
        self._thread = threading.Thread(target=self._receive, name="feed", daemon=True)
        self._thread.start()

    def _receive(self) -> None:
        receive, put = self._socket.recv, self._queue.append
        while not self._closed:
            put(receive(DATAGRAM_BYTES))

    def drain(self) -> None:
        """Take what came since the last call."""
        queue, take = self._queue, self._take
        while queue:
            try:
                take(queue.popleft())
            except (ValueError, KeyError, TypeError) as error:
                self._drop("malformed", error)

    def _take(self, datagram: bytes) -> None:
        kind = datagram[0] if datagram else -1
        if kind in (feed.RTP, feed.SENDER_REPORT):
            if len(datagram) < feed.HEADER.size:
                raise ValueError("datagram is cut")
            _, handle, arrival_us = feed.HEADER.unpack_from(datagram)
            capture = self._tracks.by_handle.get(handle)
            if capture is None:
                self._drop("unknown_handle")
            elif kind == feed.RTP:
                capture.packet(handle, datagram, arrival_us, feed.HEADER.size)
            else:
                capture.report(handle, datagram, feed.HEADER.size)
        elif kind == feed.ANNOUNCE:
            self._tracks.announce(feed.Announcement(**feed.unpack_json(datagram)))  # type: ignore[arg-type]
        elif kind == feed.ENDED:
            fields = feed.unpack_json(datagram)
            self._tracks.ended(int(str(fields["handle"])), str(fields["cause"]))
        else:
            raise ValueError(f"datagram of type {kind}")

    def _drop(self, reason: str, error: Exception | None = None) -> None:
        self.dropped[reason] = self.dropped.get(reason, 0) + 1
        if error is not None and self.dropped[reason] == 1:
            log.warning("datagram dropped", reason=reason, error=str(error))

    def send(self, kind: int, **fields: Any) -> None:
        """Tell every worker: what it is told of and does not have, it leaves alone. One that is away is told again soon."""
        datagram = feed.pack_json(kind, fields)
        for engine in self._engines:
            with contextlib.suppress(OSError):
                self._speaker.sendto(datagram, engine)

    def close(self) -> None:
        """Take what is left, stop listening and remove the socket file. May be called twice."""
        if not self._closed:
            self.drain()
            self._closed = True
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes the thread
            self._thread.join(1.0)
            self._socket.close()
            self._speaker.close()
            self._path.unlink(missing_ok=True)
