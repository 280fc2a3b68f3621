"""VP8 from RTP packets to frames (RFC 7741), without decoding."""

from __future__ import annotations

from rooms.recording.frame import Frame
from rooms.recording.rtp import Packet


def payload_start(payload: bytes) -> tuple[int, bool]:
    """Length of the payload descriptor (RFC 7741 section 4.2), and whether a frame begins here. Raises ValueError."""
    if not payload:
        raise ValueError("empty VP8 payload")
    first = payload[0]
    at = 1
    if first & 0x80:
        if len(payload) < 2:
            raise ValueError("VP8 payload descriptor is cut")
        extension = payload[1]
        at = 2
        if extension & 0x80:
            if len(payload) <= at:
                raise ValueError("VP8 payload descriptor is cut")
            at += 2 if payload[at] & 0x80 else 1
        if extension & 0x40:
            at += 1
        if extension & 0x30:
            at += 1
    if at >= len(payload):
        raise ValueError("VP8 payload descriptor without payload")
    return at, bool(first & 0x10) and first & 0x07 == 0


def key_frame_size(data: bytes) -> tuple[int, int] | None:
    """Width and height if `data` is a key frame (RFC 6386 section 9.1), else None."""
    if len(data) < 10 or data[0] & 1 or data[3:6] != b"\x9d\x01\x2a":
        return None
    return int.from_bytes(data[6:8], "little") & 0x3FFF, int.from_bytes(data[8:10], "little") & 0x3FFF


class Vp8Depacketiser:
    """Frames from packets in order. After a loss nothing passes until the next key frame; `wants_key_frame` tells.

    A frame is given out only whole: first packet with the start bit, last one with the marker, none lost between.
    """

    def __init__(self) -> None:
        self.wants_key_frame = True
        self.dropped_frames = 0
        self._parts: list[bytes] = []
        self._timestamp = 0

    def push(self, packet: Packet) -> Frame | None:
        """Take the next packet in order; the frame it completes, if any may pass."""
        if not packet.payload:
            return None  # a probe of padding: counts for the sequence, carries no frame
        try:
            at, begins = payload_start(packet.payload)
        except ValueError:
            self.lose()
            return None
        if begins:
            if self._parts:
                self.lose()  # the frame before never ended
            self._timestamp = packet.timestamp
        elif not self._parts or packet.timestamp != self._timestamp:
            self.lose()
            return None
        self._parts.append(packet.payload[at:])
        return self._finish(packet) if packet.marker else None

    def lose(self) -> None:
        """Packets are missing here: what was begun is dropped."""
        self.dropped_frames += bool(self._parts)
        self._parts = []
        self.wants_key_frame = True

    def _finish(self, packet: Packet) -> Frame | None:
        data = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts = []
        size = key_frame_size(data)
        if size is not None:
            self.wants_key_frame = False
        elif self.wants_key_frame:
            self.dropped_frames += 1
            return None
        return Frame(self._timestamp, packet.arrival_us, size is not None, data, size)
