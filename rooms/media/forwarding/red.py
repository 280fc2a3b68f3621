"""Redundant audio (RFC 2198): a packet with the sound of the one before it, so that one that is lost is there 20 ms later. Pure.

It is a matter of each path: what a publisher sends so is taken apart here, and for viewers whose path loses it is made anew.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from .packets import HEADER, header_length, payload_end

#: What a block header has room for (RFC 2198 section 3): 14 bits for the offset of the timestamp, 10 for the length.
MOST_OFFSET, MOST_LENGTH = (1 << 14) - 1, (1 << 10) - 1
#: Redundant blocks of one packet that are looked at.
MOST_BLOCKS = 8
#: Of what is sent so much is lost where it is worth its octets, in the mean of some reports; and so little, for so long, where it is not.
LOSSY, CLEAN, CLEAN_S, GAIN = 0.02, 0.005, 30.0, 0.3
#: On a shorter way there and back what is lost is sent again in time.
LONG_MS = 150.0
#: Nobody sends it; viewers get it where their path is worth it; publishers are asked for it too, from the first packet on.
OFF, AUTO, ALWAYS = "off", "auto", "always"
CHOICES = (OFF, AUTO, ALWAYS)


@dataclass(frozen=True, slots=True)
class Block:
    """Sound of an earlier packet: by how much its timestamp lies before that of the packet it is in."""

    offset: int
    payload_type: int
    sound: bytes


def unpack(packet: bytes, payload_type: int) -> tuple[bytes, list[Block]]:
    """The packet as it is without redundancy, under `payload_type`, and the redundant blocks, the oldest first. Raises ValueError."""
    at, end = header_length(packet), payload_end(packet)
    begin = at
    told: list[tuple[int, int, int]] = []
    while at < end and packet[at] & 0x80:
        if at + 4 > end or len(told) == MOST_BLOCKS:
            raise ValueError("redundant audio is cut")
        word = int.from_bytes(packet[at + 1 : at + 4], "big")
        told.append((packet[at] & 0x7F, word >> 10, word & MOST_LENGTH))
        at += 4
    if at >= end or packet[at] & 0x7F != payload_type:
        raise ValueError("redundant audio without what is new")
    at += 1
    blocks = []
    for kind, offset, length in told:
        if at + length > end:
            raise ValueError("redundant audio is cut")
        blocks.append(Block(offset, kind, packet[at : at + length]))
        at += length
    head = bytes((packet[0] & 0xDF, packet[1] & 0x80 | payload_type)) + packet[2:begin]
    return head + packet[at:end], blocks


def earlier(packet: bytes, block: Block, behind: int) -> bytes:
    """The packet `behind` places before `packet`, made from its redundant block; without header extension."""
    number = (int.from_bytes(packet[2:4], "big") - behind) & 0xFFFF
    timestamp = (int.from_bytes(packet[4:8], "big") - block.offset) & 0xFFFFFFFF
    return struct.pack("!BBHI", 0x80, block.payload_type, number, timestamp) + packet[8:12] + block.sound


def pack(packet: bytes, before: bytes | None, payload_type: int) -> bytes:
    """`packet` (without header extension) with the sound of the one before it, if that may be had and there is room for it.

    `payload_type` is that of the sound; that of the whole is put in where its numbers are.
    """
    begin, end = HEADER + 4 * (packet[0] & 0x0F), payload_end(packet)
    sound, block = b"", b""
    if before is not None:
        sound = before[HEADER + 4 * (before[0] & 0x0F) : payload_end(before)]
        offset = int.from_bytes(packet[4:8], "big") - int.from_bytes(before[4:8], "big") & 0xFFFFFFFF
        if sound and 0 < offset <= MOST_OFFSET and len(sound) <= MOST_LENGTH:
            block = struct.pack("!I", (0x80 | payload_type) << 24 | offset << 10 | len(sound))
    head = bytes((packet[0] & 0xDF,)) + packet[1:begin]
    return head + block + bytes((payload_type,)) + (sound if block else b"") + packet[begin:end]


class Redundancy:
    """Whether a path loses so much, and is so long, that sound is worth being sent twice: on soon, off after a while."""

    def __init__(self) -> None:
        self._on = False
        self._loss = 0.0
        self._lossy_at = float("-inf")

    def worth_it(self, fraction: float, rtt_ms: float, now: float) -> bool:
        """With each receiver report: `fraction` (0 to 1) of what was sent since the last one was lost; the way there and back."""
        self._loss += (fraction - self._loss) * GAIN
        if self._loss >= (CLEAN if self._on else LOSSY) and rtt_ms >= LONG_MS:
            self._on, self._lossy_at = True, now
        elif self._on and now - self._lossy_at > CLEAN_S:
            self._on = False
        return self._on
