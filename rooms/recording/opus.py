"""Opus from RTP (RFC 7587): one packet is one frame; its table-of-contents byte (RFC 6716 section 3.1) gives its length."""

from __future__ import annotations

from rooms.recording.frame import Frame
from rooms.recording.rtp import Packet

_SILK_US = (10_000, 20_000, 40_000, 60_000)
_HYBRID_US = (10_000, 20_000)
_CELT_US = (2_500, 5_000, 10_000, 20_000)


def duration_us(packet: bytes) -> int:
    """Length in µs of the sound in an Opus packet; 0 for an empty one."""
    if not packet:
        return 0
    configuration, code = packet[0] >> 3, packet[0] & 3
    if configuration < 12:
        frame_us = _SILK_US[configuration & 3]
    elif configuration < 16:
        frame_us = _HYBRID_US[configuration & 1]
    else:
        frame_us = _CELT_US[configuration & 3]
    if code == 3:
        return frame_us * (packet[1] & 0x3F) if len(packet) > 1 else 0
    return frame_us * (1 if code == 0 else 2)


class OpusDepacketiser:
    """The audio side of :class:`rooms.recording.vp8.Vp8Depacketiser`: nothing depends on a packet before, so nothing is dropped."""

    wants_key_frame = False
    dropped_frames = 0

    def push(self, packet: Packet) -> Frame | None:
        """The sound of `packet`; None for an empty one."""
        return Frame(packet.timestamp, packet.arrival_us, True, packet.payload) if packet.payload else None

    def lose(self) -> None:
        """Packets are missing here; the sound before and after is whole."""
