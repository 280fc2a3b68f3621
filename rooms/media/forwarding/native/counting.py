"""What is counted of a packet that passes, and what it says of itself. Plain Python on integers like :mod:`sending`."""

from __future__ import annotations

from .layout import (
    FIXED_HEADER,
    FLOW_AT,
    FLOW_BEGINS,
    FLOW_HZ,
    FLOW_JITTER,
    FLOW_KEYS,
    FLOW_MARKS,
    FLOW_OCTETS,
    FLOW_TIMESTAMP,
    H264_KEYS,
    JITTER_PARTS,
    LONG_APART_NS,
    MONOTONIC_NS,
    VP8_KEYS,
)
from .memory import get8, get16, get32, get64, put64
from .sending import add
from .srtp import swapped16, swapped32


def loudness(start: int, number: int) -> int:
    """The level in the header extension element `number` (RFC 6464, RFC 8285 sections 4.2 and 4.3) of a packet that has an extension, 0 to
    127 -dBov; -1 if it has none, or if `number` is 0."""
    profile, at = swapped16(get16(start + FIXED_HEADER)), start + FIXED_HEADER + 4
    end = at + 4 * swapped16(get16(start + FIXED_HEADER + 2))
    while number > 0 and at < end:
        first = get8(at)
        at += 1
        if first == 0:
            continue
        if profile == 0xBEDE:
            found, size = first >> 4, (first & 0x0F) + 1
        elif profile & 0xFFF0 == 0x1000 and at < end:
            found, size = first, get8(at)
            at += 1
        else:
            break
        if at + size > end:
            break
        if found == number and size > 0:
            return get8(at) & 0x7F
        at += size
    return -1


def account(tray: int, flow: int, packet: int, size: int) -> int:
    """Count a packet (without extension) that passes."""
    add(flow + FLOW_OCTETS, size - FIXED_HEADER)
    add(flow + FLOW_MARKS, get8(packet + 1) >> 7)
    add(flow + FLOW_BEGINS, begins(get64(flow + FLOW_KEYS), packet + FIXED_HEADER, packet + size))
    timestamp, at, hz = swapped32(get32(packet + 4)), get64(tray + MONOTONIC_NS), get64(flow + FLOW_HZ)
    apart = at - get64(flow + FLOW_AT)
    if apart < LONG_APART_NS:
        ticks = (timestamp - get64(flow + FLOW_TIMESTAMP) + 0x80000000 & 0xFFFFFFFF) - 0x80000000
        late = apart * hz * JITTER_PARTS // 1_000_000_000 - ticks * JITTER_PARTS
        late = late if late >= 0 else -late
        # A long pause is no jitter.
        if late < hz * JITTER_PARTS:
            put64(flow + FLOW_JITTER, get64(flow + FLOW_JITTER) + (late - get64(flow + FLOW_JITTER)) // 16)
    put64(flow + FLOW_TIMESTAMP, timestamp)
    put64(flow + FLOW_AT, at)
    return 0


def begins(keys: int, at: int, end: int) -> int:
    """1 if the payload from `at` to `end` (not empty) may begin a key frame; `keys` says how that is told. All that do are found; of H.264
    units that hold several parts some may be that do not."""
    first = get8(at)
    if keys == VP8_KEYS:
        if first & 0x17 != 0x10:
            return 0
        at += 1
        if first & 0x80 != 0 and at < end:
            flags = get8(at)
            at += 1
            if flags & 0x80 != 0 and at < end:
                at += 2 if get8(at) & 0x80 != 0 else 1
            at += 1 if flags & 0x40 != 0 else 0
            at += 1 if flags & 0x30 != 0 else 0
        return 1 if at < end and get8(at) & 0x01 == 0 else 0
    if keys == H264_KEYS:
        kind = first & 0x1F
        if kind == 28:
            # What is cut into parts may not be several in one (RFC 6184 section 5.8).
            return 1 if at + 1 < end and get8(at + 1) & 0x80 != 0 and get8(at + 1) & 0x1F in (5, 7) else 0
        return 1 if kind in (5, 7, 24) else 0
    return 0
