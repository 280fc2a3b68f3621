"""The VP8 payload descriptor (RFC 7741 section 4.2): what is read of it, and its numbers carried on when another stream takes over.

Receivers find a frame's references by picture id and TL0PICIDX, so both have to go on when the stream behind a consumer
changes: :class:`Shift` is what is added to them. Pure; None for what is cut or carries no such numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Shift(NamedTuple):
    """What is added to the picture id (modulo 2**15, or 2**7 where it is short) and to TL0PICIDX (modulo 2**8)."""

    picture: int
    base: int


@dataclass(frozen=True, slots=True)
class Descriptor:
    """`picture` and `base` (TL0PICIDX) with the places of their bytes in the packet, None where the sender leaves them out;
    `wide`: the picture id has 15 bits. `temporal` is the temporal layer (TID), 0 where there are none,
    `payload_at` where the frame's own bytes begin; `begins`: a frame begins."""

    begins: bool
    picture: int | None
    picture_at: int
    wide: bool
    base: int | None
    base_at: int
    temporal: int
    payload_at: int


def describe(packet: bytes, at: int) -> Descriptor | None:
    """The descriptor at `at`; None if it is cut."""
    try:
        first = packet[at]
        begins = first & 0x10 != 0 and first & 0x07 == 0
        picture = base = None
        picture_at = base_at = temporal = 0
        wide = False
        at += 1
        if first & 0x80:
            flags = packet[at]
            at += 1
            if flags & 0x80:
                wide = packet[at] & 0x80 != 0
                picture_at = at
                picture = (packet[at] & 0x7F) << 8 | packet[at + 1] if wide else packet[at]
                at += 2 if wide else 1
            if flags & 0x40:
                base, base_at = packet[at], at
                at += 1
            if flags & 0x30:
                temporal = packet[at] >> 6 if flags & 0x20 else 0
                at += 1
    except IndexError:
        return None
    return Descriptor(begins, picture, picture_at, wide, base, base_at, temporal, at)


def temporal(packet: bytes, at: int) -> int:
    """The temporal layer (TID) in the descriptor at `at` alone, for where many are looked at; 0 where there is none."""
    try:
        if packet[at] & 0x80 == 0 or packet[at + 1] & 0x20 == 0:
            return 0
        flags = packet[at + 1]
        at += 2
        if flags & 0x80:
            at += 2 if packet[at] & 0x80 else 1
        return packet[at + (flags >> 6 & 1)] >> 6
    except IndexError:
        return 0


def shifted(packet: bytes, at: int, shift: Shift) -> bytes:
    """`packet`, whose descriptor is at `at`, with its numbers moved on."""
    found = describe(packet, at)
    if found is None or (found.picture is None and found.base is None):
        return packet
    copy = bytearray(packet)
    if found.picture is not None:
        if found.wide:
            picture = found.picture + shift.picture
            copy[found.picture_at] = 0x80 | picture >> 8 & 0x7F
            copy[found.picture_at + 1] = picture & 0xFF
        else:
            copy[found.picture_at] = found.picture + shift.picture & 0x7F
    if found.base is not None:
        copy[found.base_at] = found.base + shift.base & 0xFF
    return bytes(copy)


def going_on(last: Descriptor | None, shift: Shift | None, first: Descriptor | None) -> Shift | None:
    """What to add from `first` on, so that its numbers follow those of `last`, to which `shift` was added. None: nothing."""
    if last is None or first is None:
        return None
    before = shift or Shift(0, 0)
    picture = base = 0
    if last.picture is not None and first.picture is not None:
        picture = (last.picture + before.picture + 1 - first.picture) & (0x7FFF if first.wide else 0x7F)
    if last.base is not None and first.base is not None:
        base = (last.base + before.base + 1 - first.base) & 0xFF
    return Shift(picture, base) if picture or base else None


def picture_size(packet: bytes, at: int) -> tuple[int, int] | None:
    """Width and height, if a key frame begins in the payload at `at` (RFC 6386 section 9.1)."""
    found = describe(packet, at)
    if found is None or not found.begins or len(packet) < found.payload_at + 10:
        return None
    data = packet[found.payload_at : found.payload_at + 10]
    if data[0] & 0x01 or data[3:6] != b"\x9d\x01\x2a":
        return None
    return int.from_bytes(data[6:8], "little") & 0x3FFF, int.from_bytes(data[8:10], "little") & 0x3FFF
