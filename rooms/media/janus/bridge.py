"""Plain RTP that Janus forwards, turned into the recorder's feed (:mod:`rooms.recording.feed`).

Each forwarded track has a UDP socket on the loopback address and an SSRC drawn for it: what comes with another one is of some other
process of this machine and is dropped. Janus forwards no sender reports: the recorder then places tracks by when they arrived.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import time
from collections import Counter
from collections.abc import Callable

from rooms.media.engine import TrackKey
from rooms.media.forwarding import packets
from rooms.media.forwarding.codecs import Codec
from rooms.media.forwarding.feed import NOT_RECORDED, FedTrack, Feed
from rooms.media.forwarding.sequence import Reception

HOST = "127.0.0.1"
PAYLOAD_TYPE = 96
"""Janus writes it into what it forwards, whatever the browser's is."""
BUFFER_BYTES = 2 << 20
MOST_AT_ONCE = 128
MOST_WAITING = BUFFER_BYTES // 256
"""Packets that the socket can hold at most: the kernel counts the least of them as more than so many bytes."""
KEY_FRAME_EVERY_S = 0.5


class Forward:
    """One track on its way to the recorder. Made on the loop it runs on; `ask_key_frame` asks its browser.

    `open` is the gate: what was sent while it was closed does not pass, not even when it is repaired later.
    """

    def __init__(self, feed: Feed, sitting: str, key: TrackKey, codec: Codec, ask_key_frame: Callable[[], None]) -> None:
        self.key = key
        self.ssrc = secrets.randbits(32) or 1
        self.recorded = self.fed_before = 0
        self.dropped: Counter[str] = Counter()
        self._feed = feed
        self._sitting = sitting
        self._codec = codec
        self._ask = ask_key_frame
        self._asked_at = -KEY_FRAME_EVERY_S
        self._fed: FedTrack | None = None
        self._reception = Reception(codec.clock_hz)
        self._open = False
        self._paused = True
        self._first = self._last = 0
        self._key_frame_at = b""
        self._loop = asyncio.get_running_loop()
        self._socket: socket.socket | None = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        self._socket.bind((HOST, 0))
        self.port = int(self._socket.getsockname()[1])
        self._loop.add_reader(self._socket.fileno(), self._readable)

    @property
    def fed(self) -> int | None:
        """Packets that the recorder was given since it was last told of the track; None while it is given none."""
        return None if self._fed is None else self.recorded - self.fed_before

    def permit(self, permitted: bool) -> None:
        """Open or close the gate; all that waits in the socket is of before and is judged by what was permitted then. Once it is closed,
        no packet passes that Janus still has on its way."""
        if permitted != self._open:
            self._readable(MOST_WAITING)
            self._open, self._paused = permitted, True
            if permitted:
                self.request_key_frame()

    def request_key_frame(self) -> None:
        """Ask the browser, at most each :data:`KEY_FRAME_EVERY_S`; sound has no key frames."""
        now = self._loop.time()
        if self._codec.starts_key_frame is not None and self._open and now - self._asked_at >= KEY_FRAME_EVERY_S:
            self._asked_at = now
            self._ask()

    def _readable(self, most: int = MOST_AT_ONCE) -> None:
        if self._socket is None:
            return
        try:
            for _ in range(most):
                self._take(self._socket.recv(2048))
        except BlockingIOError:
            pass

    def _take(self, packet: bytes) -> None:
        if len(packet) < packets.HEADER or packet[0] >> 6 != 2 or packet[1] & 0x7F != PAYLOAD_TYPE:
            self.dropped["no_rtp"] += 1
        elif int.from_bytes(packet[8:12], "big") != self.ssrc:
            self.dropped["unknown_source"] += 1
        elif not self._open:
            self.dropped["not_permitted"] += 1
        else:
            try:
                self._forward(packets.without_extension(packet))
            except (IndexError, ValueError):
                self.dropped["no_rtp"] += 1

    def _forward(self, packet: bytes) -> None:
        arrival_us = time.time_ns() // 1000
        reception = self._reception
        extended = reception.extend(packet[2] << 8 | packet[3])
        if reception.restarts(extended):
            self._end("replaced")
            reception.restart()
            extended = reception.extend(packet[2] << 8 | packet[3])
            self._paused = True
        if self._paused:
            self._seam(extended)
        if extended < self._first:
            self.dropped["not_permitted"] += 1
            return
        reception.arrived(extended, int.from_bytes(packet[4:8], "big"), self._loop.time())
        payload = packets.HEADER + 4 * (packet[0] & 0x0F)
        if packets.payload_end(packet) <= payload:
            self._skip(extended)
            return
        self._last = max(self._last, extended)
        key_frame = self._starts_key_frame(packet, payload)
        if self._fed is None:
            self._fed = self._feed.begin(self._sitting, self.key, self._codec, PAYLOAD_TYPE, self.ssrc)
            self._fed.request_key_frame = self.request_key_frame
            self.fed_before = self.recorded
            if not key_frame:
                self.request_key_frame()
        self._feed.packet(self._fed, packet, arrival_us, key_frame)
        self.recorded += 1

    def _starts_key_frame(self, packet: bytes, payload: int) -> bool:
        detect = self._codec.starts_key_frame
        if detect is None or not detect(packet, payload):
            return False
        # H.264 has parameter sets and slices in packets of their own: a key frame begins with the first of its time.
        first = packet[4:8] != self._key_frame_at
        self._key_frame_at = packet[4:8]
        return first

    def _seam(self, extended: int) -> None:
        """After a pause numbers go on without a hole: what was not permitted is no loss."""
        if self._fed is not None:
            self._fed.rewriter.resume(self._last & 0xFFFF, extended & 0xFFFF, None)
        self._first, self._last, self._paused = extended, extended - 1, False

    def _skip(self, extended: int) -> None:
        """A packet that carries nothing: the numbers close over it."""
        if extended == self._last + 1:
            if self._fed is not None:
                self._fed.rewriter.resume((extended - 1) & 0xFFFF, (extended + 1) & 0xFFFF, None)
            self._first, self._last = extended + 1, extended

    def _end(self, cause: str) -> None:
        if self._fed is not None:
            self._feed.end(self._fed, cause)
            self._fed = None

    def close(self, cause: str = NOT_RECORDED) -> None:
        """The track is fed no more, for `cause`. May be called twice."""
        if self._socket is not None:
            self._readable(MOST_WAITING)
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None
        self._end(cause)
